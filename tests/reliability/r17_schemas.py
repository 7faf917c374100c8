"""R17: the store of every released schema still opens, with the same figures and verdicts."""

import json
import math
from pathlib import Path
from typing import Any

from provenn.evidence import Claim
from provenn.evidence.files import log
from provenn.evidence.keys import TrialKey
from provenn.evidence.records import Trial
from provenn.evidence.relations import from_dict
from provenn.evidence.store import Store
from provenn.evidence.verdicts import judge
from tests.evidence.stored import warnings_of
from tests.reliability.figures import Figure, Size, figure

ASSETS = Path(__file__).parents[1] / "assets"


@figure("R17")
def measure(size: Size) -> Figure:
    stores = sorted(ASSETS.glob("schema-*"))
    same = [case for store in stores for case in _compared(store)]
    return Figure(
        id="R17",
        says=f"trials and verdicts of the stores of {len(stores)} released schemas ({len(same)}"
        " checks): read as they were then",
        target="100 %",
        measured=f"{100 * sum(same) / len(same):.6g} %",
        ok=bool(stores) and all(same),
    )


def _compared(root: Path) -> list[bool]:
    expected = json.loads((root / "expected.json").read_text(encoding="utf-8"))
    store = Store(root, readonly=True)
    with warnings_of(log) as warnings:
        trials = [_shown(trial) for trial in store.trials()]
    verdicts = [
        _verdict(name, case["relation"], store.trials(preset=preset)) == case["status"]
        for preset, cases in expected["verdicts"].items()
        for name, case in cases.items()
    ]
    return [not warnings, trials == expected["trials"], *verdicts]


def _shown(trial: Trial) -> dict[str, Any]:
    return {
        "key": TrialKey.of(trial.record).name,
        "failed": trial.failed,
        "error": trial.record.error,
        "config": trial.record.config,
        "scalars": {name: _number(value) for name, value in trial.scalars().items()},
        "series": {
            name: [list(array.shape), [_number(value) for value in array.ravel().tolist()]]
            for name, array in trial.series.items()
        },
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return str(value) if math.isinf(value) else value


def _verdict(name: str, relation: dict[str, Any], trials: list[Trial]) -> str:
    claim = Claim(
        id=name,
        says="as then",
        reported="as then",
        where="as then",
        relation=from_dict(relation),
        margin_source="fixed when the schema was released",
        presets=("quick", "laptop"),
    )
    return judge(claim, trials).status
