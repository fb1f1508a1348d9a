"""The same methods under two rulers: one line a method between its two ranks, labels at the lines.

What depends on the ruler in use (filled dots, scores, brackets) has its place reserved on both sides, so that a switch
moves the dots and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.parts import Part, line, margins, note, points, segments
from perturbviz.panels.figures.text import escape
from perturbviz.panels.figures.theme import AXIS, MUTED, SURFACE, TEXT, text_colour

#: From so many methods the heroes and the first eight of each side are drawn, the others counted.
MANY, MOST = 25, 8
#: Pixels: a chart narrower than this names all methods on the left, the heroes on the right, and no scores.
NARROW = 640
_LONGEST = 30  # characters of a name; the whole one is in the hover text
_CHARACTER = 7.4  # pixels, of type of 13
_RANK, _SCORE, _HEAD = 26, 134, 64  # pixels: columns of ranks and scores; the chart's title and the heads


@dataclass(frozen=True, eq=False)
class Side:
    """One ruler.

    Attributes
    ----------
    head
        What stands over it: "from the control mean".
    short
        The same where there is little room.
    name
        Full name of the metric, for hover texts.
    table
        ``Ranking.table``: one line a method, best first, undefined last.
    ties
        Neighbours in the order that cannot be told apart.
    """

    head: str
    short: str
    name: str
    table: pd.DataFrame
    ties: Collection[tuple[str, str]] = ()


@dataclass(frozen=True, eq=False)
class _Rows:
    """Which line each method stands on, on both sides, and how many there are."""

    at: tuple[dict[str, int], dict[str, int]]
    defined: int
    total: int
    hidden: int
    labels: tuple[dict[str, str], dict[str, str]] = field(default=({}, {}))


def slope(
    sides: tuple[Side, Side],
    at: int,
    heroes: Mapping[str, str],
    who: Mapping[str, str] | None = None,
    ranked: bool = True,
) -> Drawing:
    """Lines between the ranks under two rulers; dots, scores and ties on the side in use.

    Parameters
    ----------
    at
        Side in use, 0 or 1.
    heroes
        Method -> colour of those to look at; all others are thin and grey.
    who
        Method -> who it is, for hover texts.
    ranked
        Whether ranks are written: not where there are too few methods or perturbations for any.
    """
    rows = _rows(sides, heroes, ranked)
    methods = list(rows.at[0])
    left, right = (np.array([rows.at[k][m] for m in methods], float) for k in (0, 1))
    known = ~np.isnan(np.array([[side.table["score"].get(m, np.nan) for m in methods] for side in sides], float))
    bold = np.array([m in heroes for m in methods], bool)
    hovers = _hovers(sides, methods, who or {}, ranked)
    data = [*_lines(methods, left, right, known.all(axis=0), bold, heroes)]
    data.append(_ends(methods, (left, right), known, hovers))
    data.append(_dots(methods, (left, right)[at], at, known[at], heroes, hovers[at]))
    wide = _widths(sides, methods, heroes)
    below = rows.hidden > 0
    layout = {
        "height": _HEAD + 12 + round((26 if rows.total <= 12 else 22) * (rows.total + below)),
        "margin": margins(l=wide[0], r=wide[0], t=_HEAD, b=8),
        "meta": {"narrow": {"below": NARROW, "l": wide[1], "r": wide[2]}},
        "showlegend": False,
        "annotations": [*_heads(sides, at, wide), *_labels(sides, at, rows, heroes, wide)],
        "shapes": [*_rule(rows), *_brackets(sides[at], at, rows)],
        "xaxis": {"range": [0, 1], "visible": False, "fixedrange": True},
        "yaxis": {"range": [rows.total + below + 0.5, 0.5], "visible": False, "fixedrange": True},
        "dragmode": False,
    }
    return Drawing(data, layout)


# -- places ----------------------------------------------------------------------------------------------------------
def _rows(sides: tuple[Side, Side], heroes: Collection[str], ranked: bool) -> _Rows:
    """Lines of the methods; those without a score stand below the last of both sides that have one."""
    everyone = list(sides[0].table.index)
    orders = [[m for m in side.table.index if not np.isnan(side.table["score"][m])] for side in sides]
    shown = everyone
    if len(everyone) >= MANY:
        kept = {*heroes, *orders[0][:MOST], *orders[1][:MOST]}
        shown = [m for m in everyone if m in kept]
    places: list[dict[str, int]] = []
    orders_shown = [[m for m in order if m in set(shown)] for order in orders]
    defined = max(map(len, orders_shown))
    for order in orders_shown:
        missing = [m for m in shown if m not in set(order)]
        places.append({m: i for i, m in enumerate(order, 1)} | {m: defined + i for i, m in enumerate(missing, 1)})
    total = max((max(p.values(), default=0) for p in places), default=0)
    labels = tuple(_ranks(side.table, shown) if ranked else dict.fromkeys(shown, "") for side in sides)
    at = tuple({m: p[m] for m in shown} for p in places)
    return _Rows((at[0], at[1]), defined, total, len(everyone) - len(shown), (labels[0], labels[1]))


def _ranks(table: pd.DataFrame, methods: Sequence[str]) -> dict[str, str]:
    """Method -> its rank in words: "3" or, where shared, "3=", and "–" without a score."""
    out, rank = {}, table["rank"]
    for m in methods:
        if np.isnan(rank[m]):
            out[m] = "–"
            continue
        same = int((rank == rank[m]).sum())
        out[m] = f"{rank[m] - (same - 1) / 2:g}" + ("=" if same > 1 else "")
    return out


def _widths(sides: tuple[Side, Side], methods: Sequence[str], heroes: Collection[str]) -> tuple[int, int, int]:
    """Room beside the lines in pixels: on a wide chart, and left and right on a narrow one."""
    names = sides[0].table["name"]

    def longest(of: Collection[str]) -> float:
        return max((min(len(str(names[m])), _LONGEST) for m in of), default=4)

    wide = round(_RANK + _CHARACTER * longest(methods) + _SCORE + 20)
    small = [round(_RANK + 0.88 * _CHARACTER * longest(of) + 18) for of in (methods, [*heroes] or methods)]
    return wide, min(small[0], 170), min(small[1], 150)


# -- lines and dots --------------------------------------------------------------------------------------------------
def _lines(
    methods: Sequence[str],
    left: np.ndarray,
    right: np.ndarray,
    both: np.ndarray,
    bold: np.ndarray,
    heroes: Mapping[str, str],
) -> list[Part]:
    """All grey lines as one trace, dotted ones as another, and one for each hero on top."""
    parts = []
    for uid, chosen, dash in (("others", ~bold & both, "solid"), ("unscored", ~bold & ~both, "dot")):
        x = segments(np.zeros(chosen.sum()), np.ones(chosen.sum()))
        y = segments(left[chosen], right[chosen])
        parts.append(line(x, y, uid, {"color": AXIS, "width": 1.5, "dash": dash}, legend=False))
    for i in np.flatnonzero(bold).tolist():
        stroke = {"color": heroes[methods[i]], "width": 4, "dash": "solid" if both[i] else "dot"}
        parts.append(line([0, 1], [left[i], right[i]], f"hero-{methods[i]}", stroke, legend=False))
    return parts


def _ends(
    methods: Sequence[str], y: tuple[np.ndarray, np.ndarray], known: np.ndarray, hovers: Sequence[Sequence[str]]
) -> Part:
    """Small marks at both ends of all lines, hollow where there is no score: they say who it is."""
    n = len(methods)
    return points(
        np.repeat([0.0, 1.0], n),
        np.concatenate(y),
        "ends",
        "%{text}",
        legend=False,
        text=[*hovers[0], *hovers[1]],
        cliponaxis=False,
        marker={
            "size": 7,
            "color": [AXIS if k else SURFACE for k in known.ravel()],
            "line": {"width": 1.5, "color": AXIS},
        },
    )


def _dots(
    methods: Sequence[str],
    y: np.ndarray,
    at: int,
    known: np.ndarray,
    heroes: Mapping[str, str],
    hovers: Sequence[str],
) -> Part:
    """One dot a method on the side in use; under the same ids on the other side, so that they glide."""
    colours = [heroes.get(m, MUTED) for m in methods]
    return points(
        np.full(len(methods), float(at)),
        y,
        "ruler",
        "%{text}",
        legend=False,
        name="rank",
        ids=list(methods),
        customdata=list(methods),
        text=list(hovers),
        cliponaxis=False,
        marker={
            "size": [15 if m in heroes else 11 for m in methods],
            "opacity": 1,
            "color": [c if k else SURFACE for c, k in zip(colours, known, strict=True)],
            "line": {"width": 2, "color": colours},
        },
    )


def _hovers(
    sides: tuple[Side, Side], methods: Sequence[str], who: Mapping[str, str], ranked: bool
) -> tuple[list[str], list[str]]:
    """Name, who it is, metric, score with its interval, and both ranks; left and right."""
    tables = [side.table.to_dict("index") for side in sides]
    ranks = [_ranks(side.table, methods) for side in sides]
    found: list[list[str]] = []
    for k, side in enumerate(sides):
        texts = []
        for m in methods:
            cells = tables[k][m]
            said = [f"<b>{escape(cells['name'])}</b>", *_folded(who.get(m, "")), f"{escape(side.name)}: {_said(cells)}"]
            if ranked:
                said.append(" · ".join(f"{escape(s.short)}: rank {r[m]}" for s, r in zip(sides, ranks, strict=True)))
            texts.append("<br>".join(said))
        found.append(texts)
    return found[0], found[1]


def _folded(text: str, width: int = 60) -> list[str]:
    """A text in lines of about so many characters, escaped."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [escape(part) for part in lines]


def _said(cells: Mapping[str, Any]) -> str:
    if np.isnan(cells["score"]):
        return f"no score ({escape(cells['reason'] or 'undefined')})"
    if np.isnan(cells["low"]):
        return f"{cells['score']:.3g}, no interval"
    return f"{cells['score']:.3g} (95% interval {cells['low']:.3g} to {cells['high']:.3g})"


# -- labels ----------------------------------------------------------------------------------------------------------
def _heads(sides: tuple[Side, Side], at: int, wide: tuple[int, int, int]) -> list[Part]:
    out = []
    for k, side in enumerate(sides):
        edge = "left" if k == 0 else "right"
        for name, text, room in (("from", side.head, wide[0]), ("below", side.short, wide[1 + k])):
            bold = f"<b>{escape(text)}</b>" if k == at else escape(text)
            more = {"xref": "paper", "yref": "paper", "yanchor": "bottom", "yshift": 8, "name": f"{name}{NARROW}"}
            shift = (-room + 2) if k == 0 else room - 2
            colour = TEXT if k == at else MUTED
            out.append(note(k, 1, bold, colour=colour, size=13, xanchor=edge, xshift=shift, **more))
    return out


def _labels(
    sides: tuple[Side, Side], at: int, rows: _Rows, heroes: Mapping[str, str], wide: tuple[int, int, int]
) -> list[Part]:
    """Rank, name and score of every line on both sides; on a narrow chart names of heroes alone on the right."""
    out = []
    for k, side in enumerate(sides):
        lines = side.table.to_dict("index")
        for m, row in rows.at[k].items():
            bold, rank, cells = m in heroes, rows.labels[k][m], lines[m]
            colour = text_colour(heroes[m]) if bold else (TEXT if k == at else MUTED)
            score = _score(cells) if k == at or np.isnan(cells["score"]) else ""
            out += _label(k, row, _name(cells["name"], bold), rank, score, colour, wide[0])
            if k == 0 or bold:
                out += _small(k, row, _name(cells["name"], bold), rank, colour, wide[1 + k])
    if rows.hidden:
        text = f"{rows.hidden} more"
        more = {"xref": "paper", "yref": "y", "xanchor": "left"}
        for name, room in (("from", wide[0]), ("below", wide[1])):
            out.append(note(0, rows.total + 1, text, size=12, xshift=_RANK - room + 4, name=f"{name}{NARROW}", **more))
    return out


def _name(name: str, bold: bool) -> str:
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return f"<b>{escape(short)}</b>" if bold else escape(short)


def _score(cells: Mapping[str, Any]) -> str:
    if np.isnan(cells["score"]):
        return f"no score: {_why(cells)}" if _why(cells) else "no score"
    form = ".3f" if _fits(cells) else ".3g"
    score, low, high = (f"{cells[c]:{form}}".replace("-", "−") for c in ("score", "low", "high"))
    return f"<b>{score}</b>" + ("" if np.isnan(cells["low"]) else f" [{low}, {high}]")


def _fits(cells: Mapping[str, Any]) -> bool:
    """Whether three digits after the point say enough and not too much."""
    return bool(abs(cells["high"] - cells["low"]) > 0.01 and max(abs(cells["low"]), abs(cells["high"])) < 10)


def _why(cells: Mapping[str, Any]) -> str:
    """The reason in a few words."""
    reason = str(cells["reason"])
    return "the reference" if "reference" in reason else ""


def _label(k: int, row: int, name: str, rank: str, score: str, colour: str, room: int) -> list[Part]:
    """Rank, name and score in columns of their own: outermost on the left the rank, on the right the score."""
    more = {"xref": "paper", "yref": "y", "name": f"from{NARROW}"}
    start = _RANK - room if k == 0 else _RANK + 12
    parts = [
        note(k, row, rank, colour=colour, size=13, xanchor="right", xshift=start - 6, **more),
        note(k, row, name, colour=colour, size=13, xanchor="left", xshift=start, **more),
    ]
    if score:
        shift = -22 if k == 0 else room - 2
        parts.append(note(k, row, score, colour=TEXT, size=12, xanchor="right", xshift=shift, **more))
    return parts


def _small(k: int, row: int, name: str, rank: str, colour: str, room: int) -> list[Part]:
    more = {"xref": "paper", "yref": "y", "name": f"below{NARROW}"}
    start = _RANK - room if k == 0 else _RANK + 14
    return [
        note(k, row, rank, colour=colour, size=12, xanchor="right", xshift=start - 5, **more),
        note(k, row, name, colour=colour, size=12, xanchor="left", xshift=start, **more),
    ]


# -- rule and brackets -----------------------------------------------------------------------------------------------
def _rule(rows: _Rows) -> list[Part]:
    """The rule over methods without a score."""
    if rows.total <= rows.defined:
        return []
    y = rows.defined + 0.5
    stroke = {"color": AXIS, "width": 1, "dash": "dot"}
    return [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y, "line": stroke}]


def _brackets(side: Side, k: int, rows: _Rows) -> list[Part]:
    """A bracket beside neighbours that cannot be told apart, on the side in use."""
    out, x = [], -16 if k == 0 else 15
    for a, b in side.ties:
        if a in rows.at[k] and b in rows.at[k] and rows.at[k][b] - rows.at[k][a] == 1:
            ends = {"y0": rows.at[k][a] - 0.18, "y1": rows.at[k][b] + 0.18, "yref": "y"}
            place = {"xref": "paper", "xsizemode": "pixel", "xanchor": k, "x0": x, "x1": x}
            out.append({"type": "line", **place, **ends, "line": {"color": TEXT, "width": 2}})
    return out
