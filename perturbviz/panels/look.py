"""How methods are written and drawn: one name and one colour each, the same in every chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perturbviz.analyses.calibration.controls import SHUFFLED
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.panels.figures.theme import control_colours, method_colours
from perturbviz.scoring.evaluation import Evaluation


@dataclass(frozen=True, eq=False)
class Look:
    """Names and colours of all methods of the data, shown or not.

    Attributes
    ----------
    names, colours
        Method -> display name, colour.
    controls
        Methods that are controls of the calibration: drawn dashed or open.
    """

    names: Mapping[str, str]
    colours: Mapping[str, str]
    controls: tuple[str, ...] = ()

    def name(self, method: str) -> str:
        """Display name of a method."""
        return self.names[method]


def look_of(scored: Evaluation | ScoreTable, chosen: Mapping[str, str] | None = None) -> Look:
    """The look of the methods of a benchmark, baselines among them, or of a table of scores.

    Parameters
    ----------
    chosen
        Method -> colour that somebody chose for it.
    """
    controls: tuple[str, ...] = ()
    baselines: list[str] = []
    if isinstance(scored, ScoreTable):
        names = dict(scored.names)
    else:
        names = {m: scored.name(m) for m in scored.methods}
        controls = tuple(m for m in names if scored.benchmark.about(m).get("kind") == "control")
        baselines = [m for m in names if scored.is_baseline(m)]
    colours = method_colours([m for m in names if m not in controls], baselines)
    own = {m: c for m, c in (chosen or {}).items() if m in names}
    return Look(names, {**colours, **control_colours(controls, (SHUFFLED,)), **own}, controls)
