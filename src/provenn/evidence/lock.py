"""``claims.lock``: claims are frozen before they are measured.

The file lies beside the page modules. It holds, for each claim, every version that there ever was,
oldest first, each with its SHA-256. The last one must be the claim that the page states: to change
a claim, raise its ``version``; the old one stays in the file, and on the page.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from provenn.evidence.claims import Claim
from provenn.evidence.files import (
    DamagedError,
    StoreError,
    naming,
    read_bounded,
    replace_durably,
)
from provenn.evidence.page import Page

FILE = "claims.lock"
MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Problem:
    """A claim that is not what was locked.

    Args:
        slug: Paper.
        claim: Claim.
        says: What is wrong, and what to do.
    """

    slug: str
    claim: str
    says: str

    def __str__(self) -> str:
        return f"{self.slug}/{self.claim}: {self.says}"


class _Version(BaseModel):
    model_config = ConfigDict(extra="forbid")

    claim: dict[str, Any]
    sha256: str

    @field_validator("claim")
    @classmethod
    def _has_number(cls, claim: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(claim.get("version"), int):
            raise ValueError("a claim must have the number of its version")
        return claim

    @property
    def number(self) -> int:
        return int(self.claim["version"])


class _Lock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    papers: dict[str, dict[str, Annotated[list[_Version], Field(min_length=1)]]] = {}


def check(pages: Iterable[Page]) -> list[Problem]:
    """What differs between the claims of the pages and the lock files beside them.

    Raises:
        StoreError: If a lock file cannot be read.
    """
    return [problem for page in pages for problem in _check_page(page, _read(_path(page)))]


def update(pages: Iterable[Page]) -> list[Problem]:
    """Lock new claims, and new versions of changed ones.

    Returns:
        What could not be locked: a claim that was changed under its old version, or is gone.

    Raises:
        StoreError: If a lock file cannot be read or written.
    """
    problems = []
    for page in pages:
        lock = _read(_path(page))
        versions_of = lock.papers.setdefault(page.paper.slug, {})
        before = lock.model_dump_json()
        for claim in page.claims:
            versions = versions_of.setdefault(claim.id, [])
            if not versions or claim.version > versions[-1].number:
                parts = claim.frozen_parts()
                versions.append(_Version(claim=parts, sha256=_sha256(parts)))
        if lock.model_dump_json() != before:
            _write(_path(page), lock)
        problems.extend(_check_page(page, lock))
    return problems


def history(page: Page) -> dict[str, list[dict[str, Any]]]:
    """Older versions of the page's claims, oldest first; claims without any are left out.

    Raises:
        StoreError: If the lock file cannot be read.
    """
    versions_of = _read(_path(page)).papers.get(page.paper.slug, {})
    older = {
        claim.id: [v.claim for v in versions_of.get(claim.id, ()) if v.number < claim.version]
        for claim in page.claims
    }
    return {claim_id: versions for claim_id, versions in older.items() if versions}


def _check_page(page: Page, lock: _Lock) -> list[Problem]:
    slug = page.paper.slug
    versions_of = lock.papers.get(slug, {})
    problems = [
        Problem(slug, claim.id, says)
        for claim in page.claims
        if (says := _check_claim(claim, versions_of.get(claim.id, [])))
    ]
    stated = {claim.id for claim in page.claims}
    gone = "is locked but the page does not state it any more; a claim may fail, it may not go"
    problems.extend(Problem(slug, name, gone) for name in versions_of if name not in stated)
    return problems


def _check_claim(claim: Claim, versions: list[_Version]) -> str:
    """What is wrong with a claim; empty if nothing is."""
    if not versions:
        return "is not locked; lock it before it is measured"
    for version in versions:
        if version.sha256 != _sha256(version.claim):
            return f"an entry of {FILE} does not match its SHA-256"
    numbers = [version.number for version in versions]
    if numbers != sorted(set(numbers)):
        return f"its versions in {FILE} are not in order: {numbers}"
    locked, stated = versions[-1].claim, claim.frozen_parts()
    if claim.version > numbers[-1]:
        return f"version {claim.version} is not locked; lock it before it is measured"
    changed = sorted(k for k in {*locked, *stated} if locked.get(k) != _plain(stated.get(k)))
    if not changed:
        return ""
    return f"{', '.join(changed)} changed; raise its version above {numbers[-1]}"


def _path(page: Page) -> Path:
    return page.path.with_name(FILE)


def _read(path: Path) -> _Lock:
    if not path.exists():
        return _Lock()
    try:
        with naming(path, "read"):
            return _Lock.model_validate_json(read_bounded(path, MAX_BYTES), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path} is malformed at {where or 'its start'}: {first['msg']}") from None
    except DamagedError as error:
        raise StoreError(f"cannot read {path}: {error}") from None


def _write(path: Path, lock: _Lock) -> None:
    text = json.dumps(lock.model_dump(), sort_keys=True, indent=1, ensure_ascii=False)
    replace_durably(path, text.encode() + b"\n")


def _plain(value: Any) -> Any:
    """``value`` as it comes back from JSON."""
    return json.loads(json.dumps(value))


def _sha256(parts: dict[str, Any]) -> str:
    plain = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()
