"""The explorable as data: every ranking a data set offers, computed by the package and packed for the page.

What the page shows it looks up here. It computes nothing but where things stand on the screen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from perturbviz.analyses.offered import Cell, Part, Plan, Progress, cells, parts_of_table, plan
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import Card
from perturbviz.panels import captions
from perturbviz.panels.figures.errors import MAX_POINTS
from perturbviz.panels.figures.theme import THEME_COLOURS, template, text_colour
from perturbviz.panels.look import look_of
from perturbviz.report.packing import in_planes
from perturbviz.report.parts import Source
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import key_in_words
from perturbviz.scoring.rankings import Ranking, per_unit
from perturbviz.scoring.references import LABELS as REFERENCE_LABELS
from perturbviz.scoring.validity import default_view
from perturbviz.scoring.view import AVERAGES

#: Columns of a ranking that are packed, in this order.
COLUMNS = ("score", "low", "high", "rank", "tier")


@dataclass(frozen=True, eq=False)
class Packed:
    """What the page is given: ``header`` is plain JSON, ``numbers`` planes of :mod:`perturbviz.report.packing`.

    The numbers are, in this order: for each view (setting, part and average, as far as ``header["views"]`` lists the
    setting and part) the columns of ``COLUMNS``, each over all methods; then, for each setting and part, methods x
    perturbations, unless the third number there is 0: then they are those of the first part.
    """

    header: dict[str, Any]
    numbers: bytes

    @property
    def text(self) -> str:
        """The header as JSON: NaN is not in it."""
        return json.dumps(self.header, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass
class _Work:
    """What is collected while cells come in."""

    methods: tuple[str, ...]
    parts: dict[str, int]
    settings: list[dict[str, Any]] = field(default_factory=list)
    cards: dict[str, Card] = field(default_factory=dict)
    tables: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    views: list[list[int]] = field(default_factory=list)
    texts: dict[str, int] = field(default_factory=dict)
    said: list[list[int]] = field(default_factory=list)
    units: dict[tuple[str, bool], _Units] = field(default_factory=dict)
    whole: np.ndarray | None = None

    def text(self, text: str) -> int:
        """Number of a text; texts that are the same stand in the file once."""
        return self.texts.setdefault(text, len(self.texts))


@dataclass(frozen=True, eq=False)
class _Units:
    """Perturbations of a part whose values are packed: their names, how many values each is the mean of, positions."""

    labels: list[str]
    n: list[int]
    at: np.ndarray
    total: int


def pack(source: Source, progress: Progress | None = None, planned: Plan | None = None) -> Packed:
    """Rank everything that is offered, or only what is planned, and pack it.

    Raises
    ------
    UserError
        Where there is nothing to rank.
    """
    if isinstance(source, ScoreTable):
        return _packed(source, source, tuple(source.names), None, progress)
    evaluation = Evaluation(source)
    return _packed(source, evaluation, evaluation.methods, planned or plan(evaluation), progress)


def _packed(
    source: Source,
    scored: Evaluation | ScoreTable,
    methods: tuple[str, ...],
    planned: Plan | None,
    progress: Progress | None,
) -> Packed:
    parts = planned.parts if planned else parts_of_table(cast(ScoreTable, source))
    work = _Work(methods, {part.id: i for i, part in enumerate(parts)})
    for cell in cells(source, planned, progress):
        _take(work, cell, isinstance(source, ScoreTable))
    header = {
        **_about(source),
        "methods": _methods(scored, methods),
        **_choices(source, work, planned, parts),
        "columns": list(COLUMNS),
        "settings": work.settings,
        "views": work.views,
        "texts": list(work.texts),
        "sentences": work.said,
        "dark": THEME_COLOURS,
        "template": template(),
        "left_out": list(planned.left_out) if planned else [],
    }
    return Packed(header, in_planes(np.concatenate([*work.tables, *work.values])))


def _take(work: _Work, cell: Cell, published: bool) -> None:
    """Add one ranking; its values with the first average of its part."""
    ranking, table = cell.ranking, cell.ranking.table.reindex(work.methods)
    key = (cell.setting.metric, cell.setting.reference, cell.setting.genes)
    new = not work.settings or tuple(work.settings[-1][k] for k in ("metric", "ref", "genes")) != key
    if new:
        work.settings.append(_setting(cell))
        work.cards.setdefault(cell.setting.metric, cell.setting.card)
        work.whole = None
    work.tables += [table[c].to_numpy(float) for c in COLUMNS]
    work.said.append([work.text(t) for t in _sentences(cell, published)])
    if cell.view.avg == "mean":
        place = len(work.settings) - 1, work.parts[cell.part.id]
        work.views.append([*place, int(_values(work, cell, ranking))])


def _setting(cell: Cell) -> dict[str, Any]:
    """One setting with what is said of it."""
    found, table = cell.setting, cell.ranking.table
    return {
        "metric": found.metric,
        "ref": found.reference,
        "genes": found.genes,
        "name": found.name,
        "whole": found.card.unit != "perturbation" and bool((cell.ranking.scores.rows["perturbation"] == "*").all()),
        "doubt": found.doubt,
        "note": cell.ranking.scores.note,
        "reasons": {m: why for m, why in table["reason"].items() if why},
    }


def _sentences(cell: Cell, published: bool) -> tuple[str, str, str]:
    """Who leads; the four questions; how the intervals were made."""
    ranking = cell.ranking
    if not ranking.defined:
        interval = ""
    else:
        interval = ranking.lines[ranking.defined[0]]["interval"]
        interval = f"Intervals: {interval}." if not interval.startswith("none: ") else f"No intervals: {interval[6:]}."
    return captions.headline(ranking), captions.four_questions(cell.view, ranking.scores, published), interval


def _values(work: _Work, cell: Cell, ranking: Ranking) -> bool:
    """Add the value of every perturbation, the mean over its splits; False where they are those of the first part."""
    scores = ranking.scores
    points, frame = per_unit(scores.values, scores.rows, ranking.unit)
    whole = work.settings[-1]["whole"]
    units = work.units.setdefault((cell.part.id, whole), _units(frame))
    rows = [scores.methods.index(m) if m in scores.methods else -1 for m in work.methods]
    mine = np.array([points[i, units.at] if i >= 0 else np.full(len(units.at), np.nan) for i in rows])
    if not work.parts[cell.part.id]:
        work.whole = mine
    elif work.whole is not None:
        first = work.units[next(iter(work.parts)), whole]
        place = {label: i for i, label in enumerate(first.labels)}
        if all(label in place for label in units.labels):
            same = work.whole[:, [place[label] for label in units.labels]]
            if np.array_equal(same, mine, equal_nan=True):
                return False
    work.values.append(mine.ravel())
    return True


def _units(frame: pd.DataFrame) -> _Units:
    """The perturbations that are packed: all, or an even choice of the many."""
    total = len(frame)
    at = np.arange(total) if total <= MAX_POINTS else np.linspace(0, total - 1, MAX_POINTS).astype(int)
    some = frame.iloc[at]
    several = frame["context"].nunique() > 1
    labels = [f"{p} · {c}" if several else str(p) for p, c in zip(some["perturbation"], some["context"], strict=True)]
    return _Units(labels, [int(n) for n in some["n"]], at, total)


# -- what the choices are called -----------------------------------------------------------------------------------
def _about(source: Source) -> dict[str, Any]:
    """What the data are, for the page's head and for figures that leave it."""
    return {
        "title": source.title,
        "simulated": bool(source.simulated),
        "content": source.content_id,
        "source": captions.source_line(source),
        "seen": captions.who_saw_the_truth(source) if isinstance(source, Benchmark) else "",
        "published": isinstance(source, ScoreTable),
    }


def _methods(scored: Evaluation | ScoreTable, methods: tuple[str, ...]) -> list[dict[str, Any]]:
    look = look_of(scored)
    return [
        {
            "id": m,
            "name": look.name(m),
            "colour": look.colours[m],
            "text": text_colour(look.colours[m]),
            "open": m in look.controls,
        }
        for m in methods
    ]


def _choices(source: Source, work: _Work, planned: Plan | None, all_parts: tuple[Part, ...]) -> dict[str, Any]:
    """Metrics, references, genes, parts and averages, as far as they occur, and where the page opens."""
    parts = []
    for part in all_parts:
        units = {
            "whole" if whole else "each": {"labels": u.labels, "n": u.n, "total": u.total}
            for (name, whole), u in work.units.items()
            if name == part.id
        }
        parts.append({"id": part.id, "label": part.label, **units})
    start = default_view(source) if isinstance(source, Benchmark) else None
    return {
        "metrics": [_metric(name, card) for name, card in work.cards.items()],
        "references": {r: REFERENCE_LABELS[r] for r in dict.fromkeys(s["ref"] for s in work.settings)},
        "genes": [_genes(key) for key in dict.fromkeys(s["genes"] for s in work.settings)],
        "parts": parts,
        "averages": list(planned.averages) if planned else list(AVERAGES),
        "start": {"metric": start.metric, "ref": start.ref, "genes": start.subset.key} if start else {},
    }


def _metric(name: str, card: Card) -> dict[str, Any]:
    told = {
        f: getattr(card, f) for f in ("name", "symbol", "arrow", "rises", "family", "summary", "pro", "con", "gaming")
    }
    return {"id": name, "axis": card.axis or card.name, **told}


def _genes(key: str) -> dict[str, Any]:
    """A gene subset: its key, the kind without and the number of genes, in words."""
    word, minus, _ = key.partition("-targets")
    kind, _, n = word.partition(":")
    return {"key": key, "kind": kind, "n": n, "targets": not minus, "label": key_in_words(key)}
