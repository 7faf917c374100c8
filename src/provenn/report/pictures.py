"""A page's figures, drawn from its stored trials, with the numbers behind them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import pyplot

from provenn.evidence.assess import Assessment
from provenn.evidence.claims import PRESETS
from provenn.evidence.names import check_id
from provenn.evidence.page import Page
from provenn.evidence.records import Trial
from provenn.report.drawing import house_style, svg
from provenn.report.rawdata import RawData, raw_data

MOST_FIGURES = 24

_WIDE_PT = 500
_SIZE = re.compile(r'<svg [^>]*width="(\d+)" height="(\d+)"')


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure of one preset.

    Attributes:
        name: Name of the figure; also of its files.
        preset: Preset whose trials it shows.
        n: Number of those trials.
        caption: Its caption.
        svg: Its SVG file; empty where it could not be drawn.
        data: Its numbers.
        problem: Why it could not be drawn.
    """

    name: str
    preset: str
    n: int
    caption: str
    svg: str = ""
    data: RawData | None = None
    problem: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in points."""
        found = _SIZE.match(self.svg)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    @property
    def is_wide(self) -> bool:
        """Whether its text would be too small in half of the page's width."""
        return self.size[0] > _WIDE_PT


def finished(assessment: Assessment) -> dict[str, list[Trial]]:
    """The trials that are drawn, by preset, the largest preset first."""
    trials = assessment.trials
    done = {p: [t for t in trials.get(p, ()) if not t.failed] for p in reversed(PRESETS)}
    return {preset: some for preset, some in done.items() if some}


def draw(page: Page, preset: str, trials: Sequence[Trial]) -> list[Picture]:
    """A figure that its page cannot draw from these trials says so; the others are still drawn."""
    drawn = []
    open_before = set(pyplot.get_fignums())
    with house_style():
        try:
            figures = dict(list(page.figures(trials).items())[:MOST_FIGURES])
            for name, figure in figures.items():
                check_id(name.replace("_", "-"), "figure name")
                drawn.append(
                    Picture(
                        name=name,
                        preset=preset,
                        n=len(trials),
                        caption=page.captions.get(name, ""),
                        svg=svg(figure),
                        data=raw_data(figure),
                    )
                )
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            drawn.append(
                Picture(name="figures", preset=preset, n=len(trials), caption="", problem=problem)
            )
        finally:
            for figure_number in set(pyplot.get_fignums()) - open_before:
                pyplot.close(figure_number)
    return drawn
