"""Sentences of calibration, computed: the verdict, what the map shows, what the mean earns from systematic variation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from perturbviz.benchmark import Benchmark
from perturbviz.calibration import CONTROL_NAMES, Calibration, Variation
from perturbviz.calibration.scale import Scaled
from perturbviz.calibration.table import VERDICTS
from perturbviz.explain import names
from perturbviz.view import metric_name

Colour = Literal["green", "orange", "red", "gray"]
BADGES: dict[str, tuple[str, Colour]] = {
    "calibrated": ("calibrated here", "green"),
    "narrow": ("narrow here", "orange"),
    "blind": ("blind here", "red"),
    "inverted": ("inverted here", "red"),
    "unknown": ("cannot be judged", "gray"),
}
"""Verdict -> words and colour of its badge."""

NO_REPLICATE = (
    "This benchmark holds neither the means of two halves of the cells (half_a, half_b) nor standard errors (se), so it is "
    "not known what a replicate of the experiment would score, and no metric can be judged on it. Make the benchmark from "
    "single cells with `python -m perturbviz aggregate`, which writes all of them, or add these layers to the file."
)
_EMPTY = {"mean": "perturbation mean", "no_change": "control mean"}


def control_name(method: str) -> str:
    """Name of a positive or negative control."""
    return CONTROL_NAMES.get(method) or _EMPTY[method].capitalize()


def badge(judged: Calibration | str | None, benchmark_can: bool = True) -> tuple[str, Colour, str]:
    """Words, colour and tooltip of the badge; None: not computed yet."""
    if not benchmark_can:
        return "cannot be judged: no halves", "gray", NO_REPLICATE
    if judged is None:
        return "calibrated here? …", "gray", "Being computed: it is shown at the next click."
    if isinstance(judged, str):
        return "cannot be judged", "gray", judged
    words, colour = BADGES[judged.verdict]
    return words, colour, reason(judged)


def reason(found: Calibration) -> str:
    """Verdict and reason as one sentence."""
    text = f"{VERDICTS[found.verdict].capitalize()}: {found.reason}."
    return text.replace("**", "")


def verdict(found: Calibration, genes: str) -> str:
    """The verdict of one metric in words, with n and intervals; Markdown."""
    values = (
        ""
        if np.isnan(found.drf)
        else (
            f" Median dynamic range fraction **{found.drf:.2f}** {_interval(found.drf_interval)}, "
            f"bound discrimination **{found.bds:.2f}** {_interval(found.bds_interval)}."
        )
    )
    against = (
        f" Replicate: {control_name(found.positive).lower()}; empty prediction: {control_name(found.negative).lower()}."
    )
    return f"**{metric_name(found.metric, found.reference)}** on {genes} {VERDICTS[found.verdict]}: {found.reason}.{values}{against}"


def _interval(interval: tuple[float, float]) -> str:
    return "" if np.isnan(interval[0]) else f"(95% interval {interval[0]:.2f} to {interval[1]:.2f})"


def paired_note(found: Calibration) -> str:
    """Which perturbation a replicate loses most clearly, or that it never does."""
    high, low, fraction = found.values
    undefined = int((np.isnan(high) | np.isnan(low)).sum())
    lost = f" {undefined} undefined values are left out." if undefined else ""
    if np.isnan(fraction).all():
        return "No perturbation has both controls defined." if undefined else "No perturbation is left."
    better = found.card.goodness(high) - found.card.goodness(low)
    worst = int(np.nanargmin(better))
    who = found.rows["perturbation"].iloc[worst]
    if better[worst] > 0:
        return f"The replicate is better everywhere{'' if who == '*' else f'; the closest is {who}'}.{lost}"
    count = int((better <= 0).sum())
    where = "" if who == "*" else f", most clearly for {who}"
    return f"The replicate is not better in {count} of {(~np.isnan(better)).sum()} values{where}.{lost}"


def fractions_note(found: Calibration) -> str:
    """What the red bar says."""
    if np.isnan(found.drf):
        return "Undefined for every perturbation."
    return (
        f"Red bar: the median. From the empty prediction to a perfect score a replicate covers {found.drf:.0%}; what lies "
        "beyond is noise of the experiment, which no prediction can be asked to match. The fraction depends on the scale of the "
        "metric: a squared error has a larger one than its root, although both order alike."
    )


def map_note(found: Sequence[Calibration]) -> str:
    """How many settings can tell a replicate from the average, and which cannot."""
    if not found:
        return ""
    count = Counter(c.verdict for c in found)
    said = [
        f"{count[v]} {w}"
        for v, w in (
            ("calibrated", "can tell a replicate from the average with room between"),
            ("narrow", "with little room"),
            ("blind", "cannot"),
            ("inverted", "rank the average above the replicate"),
            ("unknown", "cannot be judged"),
        )
        if count[v]
    ]
    text = f"Of {len(found)} settings {names(said)}."
    bad = list(dict.fromkeys(c.label for c in found if c.verdict in ("blind", "inverted")))
    if bad:
        text += f" Not to be trusted here on some genes: {names(bad[:6])}{' …' if len(bad) > 6 else ''}."
    return text + " ● calibrated, ◐ narrow, ○ blind, ✕ inverted, ? cannot be judged. Click a cell to open its view."


def scale_note(found: Scaled) -> str:
    """Who comes closest to a replicate, and how far a replicate is ahead."""
    if not found.defined:
        return (
            f"There is no scale: the replicate ({found.positive[1]:.3g}) is not better than the empty prediction "
            f"({found.negative[1]:.3g})."
        )
    have = found.table[found.table["score"].notna()]
    top, below = have.iloc[0], [r["name"] for _, r in have.iterrows() if r["score"] < 0]
    text = f"{top['name']} comes {top['score']:.0%} of the way from empty ({found.negative[1]:.3g}) to a replicate ({found.positive[1]:.3g})."
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
        f"{text}, so the same prediction for every perturbation earns a mean Pearson delta of {mean:.2f} against the control mean; "
        + (
            "over perturbations the two are not comparable."
            if np.isnan(found.correlation)
            else f"over perturbations the two correlate by {found.correlation:.3f}, as both measure likeness with the average."
        )
    )


def halves_note(benchmark: Benchmark) -> str:
    """Which cells are the truth on this page."""
    if {"half_a", "half_b"} <= set(benchmark.layers):
        return "Truth here: the mean of half of the cells; replicates come from the other half."
    return "Truth here: all cells. There are no halves, so the replicate is simulated from standard errors, which is optimistic."
