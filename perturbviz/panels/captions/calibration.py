"""Sentences of calibration, computed: the verdict, what the map shows, what systematic variation earns the mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from perturbviz.analyses.calibration import Calibration, Variation
from perturbviz.analyses.calibration.controls import in_words
from perturbviz.analyses.calibration.scale import Scaled
from perturbviz.benchmark import Benchmark
from perturbviz.panels.captions import names
from perturbviz.scoring.view import metric_name
from perturbviz.stats import signs

Colour = Literal["green", "orange", "red", "gray"]
BADGES: dict[str, tuple[str, Colour]] = {
    "calibrated": ("calibrated", "green"),
    "narrow": ("little headroom", "orange"),
    "blind": ("blind", "red"),
    "inverted": ("inverted", "red"),
    "unknown": ("cannot be assessed", "gray"),
}
"""Verdict -> words and colour of its badge."""

NO_REPLICATE = (
    "These data hold neither the means of two halves of the cells nor standard errors. So it is not known what a "
    "replicate of the experiment would score, and no metric can be assessed. Data made from single cells hold both."
)
WHY_DISPUTED = (
    "They differ because the technical duplicate is the mean of half of the cells only, with all their noise. The "
    "interpolated duplicate takes the perturbation mean for every gene that it does not find changed, so it beats that "
    "mean nearly by construction."
)


def badge(judged: Calibration | str | None, benchmark_can: bool = True) -> tuple[str, Colour, str]:
    """Words, colour and tooltip of the badge (its replicates are named); None: not computed yet."""
    if not benchmark_can:
        return "No replicate in these data: cannot be assessed", "gray", NO_REPLICATE
    if judged is None:
        return "calibrated here? …", "gray", "Being computed: it is shown at the next click."
    if isinstance(judged, str):
        return "cannot be assessed", "gray", judged
    words, colour = BADGES[judged.verdict]
    if judged.disputed and judged.other:
        kinds = [in_words(c.positive).removesuffix(" duplicate") for c in (judged, judged.other)]
        other, other_colour = BADGES[judged.other.verdict]
        both: Colour = colour if colour == other_colour else "orange"
        tip = f"{reason(judged)} {reason(judged.other)} {WHY_DISPUTED}"
        return f"{words}: {kinds[0]} · {other}: {kinds[1]}", both, tip  # short: the sidebar has one line for it
    return f"{words}: {in_words(judged.positive)}", colour, reason(judged)


def reason(found: Calibration) -> str:
    """Verdict and reason as one sentence."""
    says = found.says
    return f"{says[0].upper()}{says[1:]}: {found.reason}."


def verdict(found: Calibration, genes: str) -> str:
    """The verdict of one metric in words, by both replicates where there are two, with n and intervals; Markdown."""
    values = (
        ""
        if np.isnan(found.drf)
        else (
            f" Median dynamic range fraction **{found.drf:.2f}**{_interval(found.drf_interval)}, "
            f"bound discrimination **{found.bds:.2f}**{_interval(found.bds_interval)}."
        )
    )
    text = f"**{metric_name(found.metric, found.reference)}** on {genes} **{found.says}**: {found.reason}.{values}"
    if found.other is None:
        return text
    if not found.disputed:
        return f"{text} The {in_words(found.other.positive)} gives the same verdict."
    return f"{text}\n\nBut it **{found.other.says}**: {found.other.reason}. {WHY_DISPUTED}"


def _interval(interval: tuple[float, float]) -> str:
    """In brackets; nothing where all values are alike, since an interval without width claims too much."""
    return "" if not interval[0] < interval[1] else f" (95% interval {interval[0]:.2f} to {interval[1]:.2f})"


def row_signs(found: Calibration) -> np.ndarray:
    """Value by value: 1 where the replicate is better, 0 equal, -1 worse, NaN where either is undefined: (R,)."""
    high, low, _ = found.values
    goodness = found.card.goodness(high), found.card.goodness(low)
    return np.where(np.isnan(high) | np.isnan(low), np.nan, signs(*goodness, found.card.perfect))


def paired_note(found: Calibration) -> str:
    """How many values are better, equal and worse, and for which perturbation a replicate loses most clearly."""
    sign, undefined = row_signs(found), int(np.isnan(row_signs(found)).sum())
    lost = f" {undefined} undefined values are left out." if undefined else ""
    if np.isnan(sign).all():
        return "No perturbation has both controls defined." if undefined else "No perturbation is left."
    high, low, _ = found.values
    worst = int(np.nanargmin(found.card.goodness(high) - found.card.goodness(low)))
    who = found.rows["perturbation"].iloc[worst]
    counted = ", ".join(
        f"{word} in {int((sign == s).sum())}" for word, s in (("better", 1), ("equal", 0), ("worse", -1))
    )
    text = f"The {in_words(found.positive)} is {counted} of {int((~np.isnan(sign)).sum())} values"
    if sign[worst] < 0 and who != "*":
        text += f", most clearly worse for {who}"
    return f"{text}.{lost}"


def fractions_note(found: Calibration) -> str:
    """What the red bar says, and what it does not."""
    if np.isnan(found.drf):
        return "Undefined for every perturbation."
    return (
        f"Red bar: the median. From the {in_words(found.negative)} to a perfect score the "
        f"{in_words(found.positive)} covers {found.drf:.0%}. A perfect prediction of the mean lies beyond it "
        "(equal halves: half its squared error), as a replicate has noise of its own. The fraction depends on "
        "the scale of the metric: a squared error has a larger one than its root, although both order alike."
    )


def map_note(found: Sequence[Calibration]) -> str:
    """How many settings tell the replicate from the average, which cannot, and where the other replicate disagrees."""
    if not found:
        return ""
    replicate = in_words(found[0].positive)
    count = Counter(c.verdict for c in found)
    said = [
        f"{count[v]} {w}"
        for v, w in (
            ("calibrated", f"can tell the {replicate} from the average with room between"),
            ("narrow", "with little room"),
            ("blind", "cannot"),
            ("inverted", f"rank the average above the {replicate}"),
            ("unknown", "cannot be assessed"),
        )
        if count[v]
    ]
    text = f"Of {len(found)} settings {names(said)}."
    bad = list(dict.fromkeys(c.label for c in found if c.verdict in ("blind", "inverted")))
    if bad:
        text += f" Not to be trusted here on some genes: {names(bad[:6])}{' …' if len(bad) > 6 else ''}."
    others = {c.other.positive for c in found if c.other}
    for other in others:
        changed = sum(c.disputed for c in found)
        text += f" With the {in_words(other)} {changed} of these verdicts would be others."
    return text + " ● calibrated, ◐ little headroom, ○ blind, ✕ inverted, ? cannot be assessed."


def scale_note(found: Scaled) -> str:
    """Who comes closest to the replicate, and how far the replicate is ahead."""
    one, zero = (f"the {in_words(m)} ({value:.3g})" for m, value in (found.positive, found.negative))
    if not found.defined:
        return f"There is no scale: {one} is not better than {zero}."
    have = found.table[found.table["score"].notna()]
    top, below = have.iloc[0], [r["name"] for _, r in have.iterrows() if r["score"] < 0]
    text = f"{top['name']} comes {top['score']:.0%} of the way from {zero} to {one}."
    if below:
        text += f" Worse than empty: {names(below)}."
    return text + " Intervals are of the methods; the two ends are taken as known."


def variation_note(found: Variation) -> str:
    """What systematic variation does to Pearson delta."""
    mean = float(np.nanmean(found.rows["pearson_delta"])) if found.rows["pearson_delta"].notna().any() else np.nan
    if np.isnan(found.score):
        return "No perturbation has a defined cosine with the average shift."
    text = f"Shifts share {found.score:.2f} (mean cosine) of their direction with the average shift"
    if np.isnan(mean):
        return text + "."
    return (
        f"{text}, so the same prediction for every perturbation earns a mean Pearson delta of {mean:.2f} against "
        "the control mean; "
    ) + (
        "over perturbations the two are not comparable."
        if np.isnan(found.correlation)
        else (
            f"over perturbations the two correlate by {found.correlation:.3f}, as both measure likeness with the "
            "average."
        )
    )


def halves_note(benchmark: Benchmark) -> str:
    """Which cells are the truth on this page."""
    if {"half_a", "half_b"} <= set(benchmark.layers):
        return "Truth here: the mean of half of the cells; replicates come from the other half."
    return (
        "Truth here: all cells. There are no halves, so the replicate is simulated from standard errors, which is "
        "optimistic."
    )
