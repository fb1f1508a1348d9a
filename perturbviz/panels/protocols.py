"""Panels of what the rules of papers say: all of them beside one another, one in numbers, the switchboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.protocols import CHOICES, PAPERS, Board, Verdict
from perturbviz.analyses.protocols.switchboard import Outcome
from perturbviz.panels.captions import protocols as captions
from perturbviz.panels.figures.verdicts import verdict_map
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel


def papers(found: Mapping[str, Verdict], look: Look) -> Panel:
    """What the rule of every paper says of every model; a click reports the paper's row."""
    methods = list(dict.fromkeys(m for v in found.values() for m in v.models))
    better = np.array([_judged(v.holds, v.better, v.models, methods) for v in found.values()]).reshape(-1, len(methods))
    rows = [PAPERS[p].name for p in found]
    said = [captions.of_verdict(v, look.name) for v in found.values()]
    table = pd.DataFrame({"paper": rows, "verdict": said}).join(pd.DataFrame(better, columns=methods))
    return Panel(
        key="papers",
        question="Is a model better than what it is compared with, by the rule of each paper?",
        figure=verdict_map(better, rows, [look.name(m) for m in methods], said),
        caption=captions.all_papers(found),
        alt=f"Yes or no for {len(methods)} methods by {len(rows)} rules. " + captions.all_papers(found),
        hint="Click a row to see what the paper does.",
        table=table,
        filename="papers",
        select=True,
    )


def _judged(holds: bool | None, better: Sequence[str], models: Sequence[str], methods: Sequence[str]) -> list[float]:
    return [np.nan if holds is None or m not in models else float(m in better) for m in methods]


def switches(found: Board, current: Outcome, look: Look) -> Panel:
    """Both ends, each choice flipped alone from either, and the setting of the switches."""
    first, last = found.ends
    lines: list[tuple[str, Outcome]] = [("Ahlmann-Eltze's choices", first)]
    lines += [(f"… but Miller's {CHOICES[c].name.lower()}", o) for c, o in found.singly(first).items()]
    lines += [("Miller's choices", last)]
    lines += [(f"… but Ahlmann-Eltze's {CHOICES[c].name.lower()}", o) for c, o in found.singly(last).items()]
    lines += [("the switches above", current)]
    outcomes = [o for _, o in lines]
    methods = list(dict.fromkeys(m for o in found.outcomes.values() for m in (*found.models, *o.better)))
    better = np.array([_judged(o.holds, o.better, [m for m in methods if m != o.baseline], methods) for o in outcomes])
    said = [f"{captions.of_outcome(o, look.name)} ({o.measure})" for o in outcomes]
    table = pd.DataFrame({"setting": [label for label, _ in lines], "verdict": said})
    return Panel(
        key="switches",
        question="Which single choice turns one title into the other?",
        figure=verdict_map(better, [label for label, _ in lines], [look.name(m) for m in methods], said),
        caption=captions.deciding(found),
        alt=f"Yes or no for {len(methods)} methods under {len(lines)} settings. " + captions.deciding(found),
        table=table.join(pd.DataFrame(better, columns=methods)),
        filename="switchboard",
    )
