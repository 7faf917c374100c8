"""``provenn verify``: whether stored evidence repeats on this machine."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from provenn.cli.door import FAILED, CommandError
from provenn.cli.output import AsJson, print_json, print_table
from provenn.cli.pages import All, Preset, Slugs, check_preset, pages
from provenn.cli.run import Device, check_device
from provenn.cli.stores import StoreOption, stores

if TYPE_CHECKING:
    from provenn.evidence.verify import Check

_ANSWERS = {True: "yes", False: "NO", None: "-"}


def verify(
    slugs: Slugs = None,
    every: All = False,
    preset: Preset = "quick",
    rng_seed: Annotated[
        int | None, typer.Option("--rng-seed", help="Draw the same seeds again.")
    ] = None,
    store: StoreOption = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> int:
    """Run one stored seed, drawn at random, again and compare each claim's margin.

    The new margin should fall in the 95 % prediction interval of the stored ones: about one claim
    in twenty falls outside by chance. Nothing is written to the store.
    """
    from provenn.evidence.verify import verify as verify_page

    chosen = pages(slugs, every)
    check_preset(preset)
    check_device(device)
    sources = stores(store)
    checks = {
        page.paper.slug: verify_page(page, sources, preset, rng_seed, device=device)
        for page in chosen
    }
    if as_json:
        print_json({slug: [_plain(check) for check in of] for slug, of in checks.items()})
    else:
        for slug, of in checks.items():
            print_table(("claim", "seed", "repeats", "margin", "predicted", "why"), _rows(of), slug)
    answers = [check.agrees for of in checks.values() for check in of]
    if not any(check.seed is not None for of in checks.values() for check in of):
        raise CommandError(f"no stored trial of {preset} to verify; `provenn run` measures some")
    return FAILED if False in answers else 0


def _rows(checks: "list[Check]") -> list[tuple[object, ...]]:
    return [
        (
            check.claim.id,
            "-" if check.seed is None else check.seed,
            _ANSWERS[check.agrees],
            ", ".join(f"{margin:.4g}" for margin in check.margins) or "-",
            ", ".join(f"[{i.low:.4g}, {i.high:.4g}]" for i in check.intervals) or "-",
            check.reason,
        )
        for check in checks
    ]


def _plain(check: "Check") -> dict[str, Any]:
    return {
        "claim": check.claim.id,
        "preset": check.preset,
        "seed": check.seed,
        "agrees": check.agrees,
        "reason": check.reason,
        "margins": check.margins,
        "intervals": [(interval.low, interval.high) for interval in check.intervals],
    }
