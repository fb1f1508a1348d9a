"""Sentences of the Goodhart lab, computed from what was just scored. Plain text unless said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.goodhart import USES, WORDS, Knobs
from perturbviz.analyses.goodhart.effects import other_families
from perturbviz.analyses.goodhart.gameability import COLUMNS, Gameability
from perturbviz.analyses.goodhart.optimise import Optimum
from perturbviz.panels.captions import escape, names, ordinal
from perturbviz.scoring.genesets import LABELS, GeneSubset, parse_subset
from perturbviz.scoring.view import metric_name

Name = Callable[[str], str]


def number(value: float) -> str:
    """A score, or "undefined"."""
    return "undefined" if np.isnan(value) else f"{value:.3g}"


def genes(subset: GeneSubset) -> str:
    """A gene subset in words: "highly expressed, 1,000"."""
    n = "" if subset.kind in ("all", "own") else f", {subset.n:,}"
    return f"{LABELS[subset.kind]}{n}" + ("" if subset.targets else " without the perturbed ones")


def uses(knobs: Knobs, name: Name) -> str:
    """What a setting looks at (Markdown)."""
    if not knobs.turned:
        return "All sliders neutral: the original prediction."
    said = [
        f"the predictions of {escape(name(knobs.blend_to))}"
        if u == "other"
        else f"**{USES[u]}**"
        if u == "training"
        else USES[u]
        for u in knobs.uses()
    ]
    return f"This setting uses {names(said)}; never the truth of a perturbation that is scored."


def steps(labels: Sequence[str], before: np.ndarray, after: np.ndarray, who: str) -> str:
    """On how many metrics the rank rose or fell, and the largest moves."""
    move = before - after
    up, down = int((move > 0).sum()), int((move < 0).sum())
    lost = int((np.isfinite(before) & ~np.isfinite(after)).sum())
    if not (up or down or lost):
        return (
            f"{who} keeps its rank on all {len(labels)} metrics. Hollow: before; filled: after; small dots: the "
            "other methods."
        )
    text = f"On {up} of {len(labels)} metrics the transformed prediction ranks higher than {who} did, on {down} lower"
    text += f", on {lost} it became undefined" if lost else ""
    said = []
    for word, pick in (("largest gain", np.nanargmax), ("largest loss", np.nanargmin)):
        i = int(pick(move)) if np.isfinite(move).any() else -1
        if i >= 0 and (move[i] > 0 if word == "largest gain" else move[i] < 0):
            said.append(f"{word}: {labels[i]}, {ordinal(before[i])} to {ordinal(after[i])}")
    return (f"{text}; {'; '.join(said)}." if said else f"{text}.") + " Small dots: the other methods."


def position(labels: tuple[str, str], before: tuple[float, float], after: tuple[float, float], who: str) -> str:
    """Where the transformed prediction stands in the plane."""
    said = [
        f"{label} {number(a)}"
        if a == b or (np.isnan(a) and np.isnan(b))
        else f"{label} from {number(a)} to {number(b)}"
        for label, a, b in zip(labels, before, after, strict=True)
    ]
    return f"{who}: {names(said)}. Diamond: the transformed prediction; dots: your last steps. Better is right and up."


# -- optimiser -----------------------------------------------------------------------------------------------------
def climbed(found: Optimum) -> str:
    """How far the target climbed, where it was tuned and where it was not."""
    tune, report = (np.array([getattr(t, side) for t in found.seeds], float) for side in ("tune", "report"))
    sides = []
    for word, values in (("tuned on", tune), ("reported on", report)):
        a, b = (np.nan if np.isnan(v).all() else float(np.nanmean(v)) for v in values.T)
        sides.append(f"from {number(a)} to {number(b)} on the perturbations {word}")
    tried = sum(len(t.path) for t in found.seeds)
    over = f", mean over {len(found.seeds)} seeds" if len(found.seeds) > 1 else ""
    end = "" if found.complete else " Time ran out: a longer search may find more."
    what = metric_name(*found.setting)
    return f"{what}: {names(sides)}{over}; {tried} settings tried in {found.seconds:.1f} s ({found.how}).{end}"


def learnt(found: Optimum, table: pd.DataFrame, name: Name) -> str:
    """Whether anything was learnt, in one sentence (Markdown), from what happened where it was not tuned."""
    card = found.card
    report = np.array([t.report for t in found.seeds], float)
    before, after = (np.nan if np.isnan(v).all() else float(np.nanmean(v)) for v in report.T)
    gain = float(card.goodness(after) - card.goodness(before))
    settings = [t.knobs for t in found.seeds]
    turned = {k for s in settings for k in s.turned}
    what = metric_name(*found.setting)
    if not turned:
        return f"**No setting of these knobs makes {what} better: {escape(name(found.method))} stays as it is.**"
    if np.isfinite(gain) and gain <= 0:
        return (
            f"**Nothing was learnt:** where it was not tuned, {what} went from {number(before)} to {number(after)}, "
            "which is no gain."
        )
    better, worse, _ = counts = other_families(table, found.setting)
    effect = harm(*counts)
    borrowed = sorted(
        {name(s.blend_to) for s in settings if s.blend and s.blend_to not in ("control", "mean", "no_change")}
    )
    if any(s.informed for s in settings):
        source = [escape(b) for b in borrowed] + (
            ["single training perturbations"] if any(s.copy for s in settings) else []
        )
        return f"**Something was borrowed, not learnt:** the setting brings in {names(source)}; {effect}."
    same = (
        f"the same {len(turned)} number{'s' * (len(turned) != 1)} ({names([WORDS[t] for t in sorted(turned)])}) for "
        "all of them"
    )
    if worse == 0 and better:
        return (
            f"**What was learnt is how large changes are on the whole, nothing about any perturbation:** {same}; "
            f"{effect}."
        )
    return f"**Nothing was learnt about any perturbation:** {same} made {what} better; {effect}."


def harm(better: int, worse: int, count: int) -> str:
    """What a target did to the other families of metrics; without a full stop."""
    text = f"of {count} other families of metrics {better} got better and {worse} worse"
    if worse > better:
        return text
    return f"{text}, so {'on the whole ' if worse else ''}this target did no harm here"


# -- gameability ---------------------------------------------------------------------------------------------------
def gameable(result: Gameability) -> str:
    """Which metrics an empty prediction moves furthest up, and what the size of a weak one is worth."""
    lines = []
    for column in ("empty", "size"):
        part = result.table[(result.table["column"] == column) & result.table["gain"]]
        part = part.sort_values(["passed", "way"], ascending=False, kind="stable")
        if part.empty:
            lines.append(f"{COLUMNS[column]}: no metric could be moved.")
            continue
        top = part.iloc[0]
        who = result.starts["empty" if column == "empty" else "weak"].label
        lines.append(
            f"{COLUMNS[column]} ({who}), {len(part)} metrics move; {top['name']} "
            f"({genes(parse_subset(top['genes']))}) most: from {number(top['start'])} to "
            f"{number(top['reached'])} by {top['knobs']}, overtaking {top['passed']} of {top['others']} methods."
        )
    return " ".join(lines)


#: Name, column of the table, metric and reference, whether on DE genes only, and what the setting does to all changes.
_TRICKS = (
    ("The mean trick of Pearson delta", "empty", ("pearson_delta", "control"), False, "shared"),
    ("The amplitude trick of PDS", "size", ("pds", "none"), False, "larger"),
    ("The shrink trick of the squared error", "size", ("mse", "none"), False, "smaller"),
    ("The no-negatives trick of DE genes", "size", ("mse", "none"), True, "larger"),
)


def tricks(result: Gameability) -> list[tuple[bool | None, str]]:
    """Whether each of four known tricks works here, None where it cannot be tried; and the numbers (Markdown)."""
    out: list[tuple[bool | None, str]] = []
    for title, column, (metric, reference), on_de, wanted in _TRICKS:
        t = result.table
        found = t[(t["column"] == column) & (t["metric"] == metric) & (t["reference"] == reference)]
        found = found[found["genes"].str.startswith("de") == on_de]
        if found.empty:
            out.append((None, f"**{title}** cannot be tried: the metric or the genes are not offered under this view."))
            continue
        line = found.iloc[0]
        knobs = Knobs.from_link(line["link"])
        does = {"shared": not knobs.informed, "larger": knobs.amplify > 1, "smaller": knobs.amplify < 1}[wanted]
        shows = bool(line["gain"] and does and (line["elsewhere"] < 0 or not on_de))
        move = (
            f"{escape(line['name'])} goes from {number(line['start'])} to {number(line['reached'])} by {line['knobs']}"
        )
        if not line["gain"]:
            move = f"no setting tried makes {escape(line['name'])} better than {number(line['start'])}"
        if on_de:
            worse = ", and the same metric on the genes of this view gets worse" if line["elsewhere"] < 0 else ""
            move = f"on {parse_subset(line['genes']).n} DE genes {move}{worse}"
        effect = (
            f"; of the other metrics {line['improved']} get better and {line['worsened']} worse" if line["gain"] else ""
        )
        out.append((shows, f"**{title}** {'works' if shows else 'does not show up'} here: {move}{effect}."))
    return out


def cell(line: pd.Series) -> str:
    """What stands in a cell of the table: before → after."""
    start, reached = (
        "undef." if np.isnan(v) else "0" if v == 0 else f"{v:#.2g}" if abs(v) < 0.1 else f"{v:#.3g}"
        for v in (line["start"], line["reached"])
    )
    if not line["gain"]:
        return f"{start} ="
    return f"{start} → {reached}" + (" ⚠" if line["elsewhere"] < 0 else "")


def hover(line: pd.Series, genes_of_view: str) -> str:
    """Hover text of a cell (HTML, from labels of the catalogue and numbers only)."""
    arrow = {"lower": "lower is better", "higher": "higher is better", "one": "closest to 1 is best"}[line["better"]]
    text = [
        f"<b>{line['name']}</b> ({arrow}), genes: {genes(parse_subset(line['genes']))}",
        f"{number(line['start'])} → {number(line['reached'])}",
        f"by {line['knobs']}",
        f"then ahead of {line['ahead']} of {line['others']} methods ({line['passed']} overtaken)",
        f"other metrics on {genes_of_view}: {line['improved']} better, {line['worsened']} worse",
    ]
    if line["elsewhere"]:
        word = "better" if line["elsewhere"] > 0 else "worse"
        text.append(f"the same metric on {genes_of_view} gets {word}")
    return "<br>".join(text)


# -- challenge -----------------------------------------------------------------------------------------------------
def revealed(
    ranks: pd.DataFrame,
    labels: Sequence[str],
    target: int,
    untouched: Sequence[str] = (),
    counts: tuple[int, int, int] | None = None,
) -> str:
    """What the leading team on the target does on the other metrics: lines x settings, 1 = best.

    Parameters
    ----------
    untouched
        Lines that are predictions as they were handed to the teams.
    counts
        Other families of metrics that got better, that got worse and all, since the leader's prediction was untouched.
    """
    if len(ranks) < 2:
        return "One team alone cannot be ranked; wait for another."
    on_target = ranks.iloc[:, target]
    leader = on_target.drop(index=list(untouched)).idxmin()
    others = ranks.drop(columns=ranks.columns[target])
    wins = int((others.loc[leader] == others.min(axis=0)).sum())
    last = int((others.loc[leader] == others.max(axis=0)).sum())
    ahead = [u for u in untouched if on_target[u] < on_target[leader]]
    lead = f"{leader} is first on {labels[target]}"
    if ahead:
        lead = f"No team is better than {names(ahead)} on {labels[target]}; {leader} comes nearest"
    text = f"{lead}; on the {others.shape[1]} other metrics it is first (or shares it) on {wins} and last on {last}."
    return text if counts is None else f"{text} Against its untouched prediction: {harm(*counts)}."
