"""What names a trial: paper, preset, config and seed."""

import re
from dataclasses import dataclass

from provenn.evidence.names import check_id
from provenn.evidence.records import TrialRecord

MAX_SEED = 999_999
_CONFIG_HASH = re.compile(r"[0-9a-f]{12}")
_SEED = re.compile(r"seed-([0-9]{4,6})")


@dataclass(frozen=True, order=True)
class TrialKey:
    """The unit of work, of storage and of statistics.

    Args:
        slug: Identifier of the paper.
        preset: Name of the preset.
        config_hash: First 12 hexadecimal digits of the config's SHA-256.
        seed: Seed, from 0.

    Raises:
        ValueError: If a part is not what it must be before it may touch a path.

    Example:
        >>> TrialKey("phnn", "quick", "0123456789ab", 3).name
        'phnn.quick.0123456789ab.seed-0003'
    """

    slug: str
    preset: str
    config_hash: str
    seed: int

    def __post_init__(self) -> None:
        check_id(self.slug, "slug")
        check_id(self.preset, "preset")
        if not _CONFIG_HASH.fullmatch(self.config_hash):
            raise ValueError(
                f"config_hash must be 12 hexadecimal digits in lower case, got {self.config_hash!r}"
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed must be from 0 to {MAX_SEED}, got {self.seed!r}")

    @classmethod
    def of(cls, record: TrialRecord) -> "TrialKey":
        """Key of a record."""
        return cls(record.slug, record.preset, record.config_hash, record.seed)

    @classmethod
    def parse(cls, name: str) -> "TrialKey":
        """The key whose :attr:`name` is ``name``.

        Raises:
            ValueError: If there is none.
        """
        parts = name.split(".")
        seed = _SEED.fullmatch(parts[-1])
        if len(parts) != 4 or seed is None:
            raise ValueError(f"name must be slug.preset.config-hash.seed-0000, got {name!r}")
        key = cls(parts[0], parts[1], parts[2], int(seed[1]))
        if key.name != name:
            raise ValueError(f"seed of {name!r} must be written {key.seed:04d}")
        return key

    @property
    def seed_name(self) -> str:
        """The seed as it stands in file names."""
        return f"seed-{self.seed:04d}"

    @property
    def name(self) -> str:
        """The whole key as one file name."""
        return f"{self.slug}.{self.preset}.{self.config_hash}.{self.seed_name}"
