"""Sentences about two rulers: what the order owes to the choice, and what a switch did. Markdown, names escaped."""

from __future__ import annotations

import numpy as np

from perturbviz.analyses.rulers import Flip
from perturbviz.panels.captions import counted, escape, names
from perturbviz.scoring.rankings import Ranking, too_few
from perturbviz.stats.ranks import ordinal

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_SMALL, _LARGE = 0.6, 1.6  # sizes of predicted changes, compared with the observed ones, that are worth a word


def in_words(n: int) -> str:
    """Small numbers as words, capitalised: for the beginning of a sentence."""
    return (_COUNTS[n] if n < len(_COUNTS) else f"{n:,}").capitalize()


def thesis(flip: Flip, by_reference: bool) -> str:
    """What the order owes to the ruler, as the title of the first screen. Plain text."""
    what = "what you subtract" if by_reference else "what you measure"
    return {
        "winner": f"The winner depends on {what}.",
        "order": f"The winner stays; the order depends on {what}.",
        "same": f"Here the order does not depend on {what}.",
        "unsure": f"The order depends on {what}; whether beyond chance is unknown here.",
        "few": f"{in_words(flip.few)} perturbation{'s' * (flip.few != 1)}: too few to name a winner.",
        "one": "One method: nothing to rank it against.",
        "single": "Which method predicts best?",
    }[flip.kind]


def baselines_only(n: int) -> str:
    """That no model is among the methods."""
    return f"{in_words(n)} baseline{'s' * (n != 1)}, no model: add yours."


def _score(value: float) -> str:
    return f"{value:.3g}"


def _first(ranking: Ranking, now: str = "") -> str:
    """Who is first, with its score and those that are tied with it."""
    lines, leaders = ranking.lines, ranking.leaders
    who = names([f"**{escape(lines[m]['name'])}**" for m in leaders])
    score = _score(lines[leaders[0]]["score"])
    if len(leaders) > 1:
        return f"{who} are {now}first together ({score})"
    tied = [m for m in ranking.defined if m not in leaders and not ranking.separable(leaders[0], m)]
    if not ranking.certain or len(tied) == 0:
        return f"{who} is {now}first ({score})"
    close = names([escape(lines[m]["name"]) for m in tied]) if len(tied) <= 3 else f"{len(tied)} others"
    return f"{who} is {now}first ({score}), statistically tied with {close}"


def opened(flip: Flip, side: int, rulers: tuple[str, str]) -> str:
    """What the ruler in use says, and an invitation to the other; ``rulers`` as "from the control mean", "by L2"."""
    ruler, other = rulers[side], rulers[1 - side]
    begun = escape(ruler[:1].upper() + ruler[1:])
    ranking = (flip.left, flip.right)[side]
    if not ranking.defined:
        return f"No shown method has a score {escape(ruler)}."
    if flip.kind == "one":
        return _alone(flip, ruler, other, side)
    if flip.few:
        best = ranking.lines[ranking.defined[0]]
        return (
            f"{begun} the best score is that of {escape(best['name'])} ({_score(best['score'])}); "
            f"{too_few(flip.few, 'to call a method first ')}."
        )
    ask = "does the order hold?" if flip.kind == "same" else "which method falls?"
    more = "" if flip.kind == "single" else f" Switch the ruler: {ask}"
    return f"{begun}, {_first(ranking)}.{more}"


def _alone(flip: Flip, ruler: str, other: str, side: int) -> str:
    """Score and interval of the one method under both rulers."""
    said = []
    for k, name in ((side, ruler), (1 - side, other)):
        cells = next(iter((flip.left, flip.right)[k].lines.values()))
        score = "no score" if np.isnan(cells["score"]) else _score(cells["score"])
        if not np.isnan(cells["low"]):
            score += f" [{_score(cells['low'])} to {_score(cells['high'])}]"
        said.append(f"{score} {escape(name)}")
    return f"**{escape(cells['name'])}** has {' and '.join(said)}. One method has no rank."


def switched(flip: Flip, side: int, size: float = np.nan) -> str:
    """What the switch to this side did: the first place, the largest move, who lost or got a score.

    ``size``: how large the changes of the method that moves most are, compared with the observed ones.
    """
    before, after = (flip.left, flip.right)[1 - side], (flip.left, flip.right)[side]
    if not after.defined:
        return "No shown method has a score by this ruler."
    if flip.few or flip.kind == "one":
        return ""
    now = "now " if set(after.leaders) != set(before.leaders) else "still "
    said = [f"{_first(after, now)}.", _largest(flip, before, after, size)]
    for m, cells in after.lines.items():
        if np.isnan(cells["score"]) and not np.isnan(before.lines[m]["score"]):
            why = str(cells["reason"]).partition(":")[2].strip().partition(",")[0].partition(" (")[0]
            said.append(f"{escape(cells['name'])} has no score" + (f": {escape(why)}." if why else "."))
        elif np.isnan(before.lines[m]["score"]) and not np.isnan(cells["score"]):
            said.append(f"{escape(cells['name'])} now has a score ({ordinal(cells['rank'])}).")
    return " ".join(part for part in said if part)


def _largest(flip: Flip, before: Ranking, after: Ranking, size: float) -> str:
    """The largest clear move in words, and the size of its changes where that is far from the observed one."""
    m = flip.mover
    if not m:
        return "No other change of order is clear."
    old, new = before.lines[m], after.lines[m]
    how = "rises" if new["rank"] < old["rank"] else "falls"
    if old["rank"] == new["rank"]:
        return ""
    far = how == "falls" and (size <= _SMALL or size >= _LARGE)
    why = f": its changes are {size:.2g} times the observed size." if far else "."
    return (
        f"{escape(old['name'])} {how} from {ordinal(old['rank'])} to {ordinal(new['rank'])} "
        f"({_score(old['score'])} → {_score(new['score'])}){why}"
    )


def alt(flip: Flip, heads: tuple[str, str], side: int) -> str:
    """Alternative text: the order under both rulers. Plain text."""
    said = []
    for head, ranking in zip(heads, (flip.left, flip.right), strict=True):
        order = [
            f"{ordinal(line['rank'])} {line['name']}" + ("" if np.isnan(line["score"]) else f" {line['score']:.3g}")
            for line in ranking.lines.values()
        ]
        said.append(f"{head}: {', '.join(order)}")
    n = counted(len(flip.left.lines), "method")
    return f"Order of {n} under two rulers. {'; '.join(said)}. In use: {heads[side]}."


def note(flip: Flip, side_ties: bool) -> str:
    """How the chart is read; the same on both sides, so that nothing below it moves."""
    if flip.kind == "one":
        return "Large dot: the ruler in use."
    ties = " Bracket: neighbours that are statistically tied (paired)." if side_ties else ""
    return (
        f"Large dots: the ruler in use, with scores and 95% intervals.{ties} Hover or tap: who it is, scores and ranks."
    )
