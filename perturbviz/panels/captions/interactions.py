"""Sentences about non-additivity, computed from what is shown. Plain text (chart notes) unless a name says markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.classes import PAPER_CLASSES
from perturbviz.analyses.interactions.published import Published
from perturbviz.analyses.interactions.recurrence import Recurrence
from perturbviz.analyses.interactions.summary import Finding
from perturbviz.analyses.interactions.threshold import Threshold
from perturbviz.metrics.nonadditive.curves import MeanCurve
from perturbviz.panels.captions import names
from perturbviz.stats.empirical_null import EmpiricalNull

_NOUN = {"both": "non-additive", "synergy": "above-additive", "suppression": "below-additive"}


def bounds(threshold: Threshold) -> str:
    """The rule that makes a pair non-additive."""
    what = "observed − additive" if threshold.kind == "effect" else "(observed − additive) / its standard error"
    ends = (("≤", threshold.lower), ("≥", threshold.upper))
    sides = [f"{sign}\u00a0{v:.3g}".replace("-", "−") for sign, v in ends if np.isfinite(v)]
    if not sides:
        return f"no value of {what} is far enough out"
    null = None if threshold.by_hand else threshold.null
    why = "set by hand" if null is None else f"local fdr {null.level:.0%}"
    return f"{what} {' or '.join(sides)} ({why})"


def how_many(
    threshold: Threshold, n_nonadditive: int, n_pairs: int, n_doubles: int, false_share: float = np.nan
) -> str:
    """Headline: how many pairs are not additive, by which rule, and what is known of the errors among them.

    ``false_share``: share of false ones among the pairs called, where a simulation knows it.
    """
    share = n_nonadditive / n_pairs if n_pairs else np.nan
    text = (
        f"{n_nonadditive:,} of {n_pairs:,} pairs ({share:.2%}) of {n_doubles:,} double{'s' * (n_doubles != 1)} "
        f"are not additive: {bounds(threshold)}."
    )
    if np.isfinite(threshold.lower) ^ np.isfinite(threshold.upper):
        text += " One side has no threshold, so nothing is called there."
    if threshold.doubt:
        text += f" {threshold.doubt}"
    if not np.isnan(false_share):
        text += f" The simulation knows its truth: **{false_share:.1%} of the pairs called are false**."
    return text


def convention(threshold: Threshold) -> str:
    """What follows a sentence that rests on calls whose error rate is not known, with a leading space; "" elsewhere."""
    return " Which pairs are non-additive is a convention here, not an error rate." if threshold.doubt else ""


def tails(threshold: Threshold) -> str:
    """Local against tail fdr at the thresholds."""
    null = threshold.null
    if null is None:
        return ""
    parts = []
    for side, value in (("below", threshold.lower), ("above", threshold.upper)):
        if np.isfinite(value):
            parts.append(
                f"{float(null.tail_fdr(value)):.2%} {side} {value:.3g} (local fdr there {float(null.fdr(value)):.1%})"
            )
    if not parts:
        return ""
    return (
        "Local fdr: the chance that a pair just at a value is null. Tail fdr: the share of null pairs among all "
        f"at least that far out, here {names(parts)}." + (f" {threshold.doubt}" if threshold.doubt else "")
    )


def fit_quality(null: EmpiricalNull) -> str:
    """Whether mixture and null describe the histogram, in words."""
    text = f"Null: normal, mean {null.delta:.3g}, sd {null.sigma:.3g}, {null.p0:.1%} of the pairs. "
    text += {
        0: f"The mixture follows the histogram (misfit {null.misfit:.1f}; 1 is chance)",
        1: (
            f"The mixture follows the histogram with small systematic differences (misfit {null.misfit:.1f}; 1 is "
            "chance)"
        ),
        2: f"The mixture misses structure of the histogram (misfit {null.misfit:.1f}; 1 is chance)",
    }[int(np.searchsorted([1.5, 5], null.misfit))]
    if np.isnan(null.null_misfit):
        return text + "; the centre has too few bins to judge the null."
    if null.null_misfit <= 1.5:
        return text + f", and its centre is normal (misfit {null.null_misfit:.1f})."
    if not null.doubt:
        return text + f"; its centre is nearly normal (misfit {null.null_misfit:.1f})."
    return f"{text}; its centre is not normal, as when pairs differ in noise. {null.doubt}"


def qq(null: EmpiricalNull) -> str:
    """Which tail leaves the null, and how far out."""
    gap = np.abs(null.qq_observed) - np.abs(null.qq_null)
    low, high = gap[0] / null.sigma, gap[-1] / null.sigma
    heavy = [side for side, g in (("lower", low), ("upper", high)) if g > 1]
    light = [side for side, g in (("lower", low), ("upper", high)) if g < -1]
    if not heavy and not light:
        return "Both tails stay within one null standard deviation of the diagonal: little is beyond noise."
    parts = []
    if heavy:
        parts.append(f"the {names(heavy)} tail{'s reach' if len(heavy) > 1 else ' reaches'} further out than the null")
    if light:
        parts.append(f"the {names(light)} tail{'s stay' if len(light) > 1 else ' stays'} short of it")
    sentence = " and ".join(parts)
    return (
        f"{sentence[0].upper()}{sentence[1:]} (by {low:.1f} and {high:.1f} null sd at the two ends). Dashed: "
        "thresholds."
    )


def classes(counts: Mapping[str, float]) -> str:
    """The most common classes among the non-additive pairs, and those that do not occur."""
    other = {k: v for k, v in counts.items() if k != "additive"}
    total = sum(other.values())
    if not total:
        return "No pair is beyond the thresholds: every pair counts as additive."
    first = max(other, key=other.__getitem__)
    absent = [k for k, v in other.items() if v == 0]
    text = f"The most common class is {first} ({other[first] / total:.0%} of {total:,.0f} non-additive pairs)"
    return text + (f"; none is {' or '.join(absent)}." if absent else ".")


def take_part(found: Mapping[str, Finding], label: Mapping[str, str]) -> str:
    """Who is left out of the curves, and why half-sum coincides with no change."""
    additive = [label[m] for m, f in found.items() if f.why == "additive"]
    silent = [label[m] for m, f in found.items() if f.why == "nothing predicted"]
    parts = []
    if additive:
        parts.append(
            f"{names(additive)} cannot compete: by definition "
            f"{'it predicts' if len(additive) == 1 else 'they predict'} no deviation from additive, so there is "
            "no order of pairs."
        )
    if {"no_change", "half_sum"} <= {m for m, f in found.items() if not f.why}:
        parts.append(
            "Half-sum orders pairs exactly like no change (both by the size of the additive effect), so their "
            "curves coincide."
        )
    if silent:
        parts.append(f"{names(silent)} predict{'s' * (len(silent) == 1)} none of these doubles.")
    return " ".join(parts)


def against_no_change(found: Mapping[str, Finding], label: Mapping[str, str], side: str) -> str:
    """Headline of the section: who finds most, and who beats the baseline that predicts nothing."""
    scored = {m: float(f.table["average_precision"].mean()) for m, f in found.items() if not f.why and len(f.table)}
    scored = {m: v for m, v in scored.items() if np.isfinite(v)}
    if not scored:
        return f"No pair here is {_NOUN[side]}, or no shown method orders pairs: there is nothing to find."
    best = max(scored, key=scored.__getitem__)
    prevalence = np.nanmean([f.table["prevalence"].mean() for f in found.values() if len(f.table)])
    text = (
        f"{label[best]} finds {_NOUN[side]} pairs best, with an average precision of {scored[best]:.3f} (a "
        f"random order: {prevalence:.3f})"
    )
    models = {m: v for m, v in scored.items() if m not in ("no_change", "half_sum")}
    if "no_change" in scored and models:
        ahead = [m for m, v in models.items() if v > scored["no_change"] + 5e-4]  # what three digits show
        text += (
            f"; {len(ahead)} of {len(models)} other methods beat{'s' * (len(ahead) == 1)} no change "
            f"({scored['no_change']:.3f})"
        )
    return text + "."


def curve_note(kind: str, drawn: Mapping[str, MeanCurve], label: Mapping[str, str]) -> str:
    """One reading of the curves at a fixed place."""
    at = {"tpr_fdp": 0.2, "precision_recall": 0.1, "roc": 0.05}[kind]
    read = {m: float(np.interp(at, c.x, c.mean)) for m, c in drawn.items()}
    read = {m: v for m, v in read.items() if np.isfinite(v)}
    if not read:
        return "There is no curve: no pair is non-additive here."
    best, worst = max(read, key=read.__getitem__), min(read, key=read.__getitem__)
    unit = {
        "tpr_fdp": f"At a false discovery proportion of {at:.0%} the share of non-additive pairs found",
        "precision_recall": f"Where {at:.0%} of the non-additive pairs are found the precision",
        "roc": f"At a false positive rate of {at:.0%} the true positive rate",
    }[kind]
    same = f"{read[worst]:.1%}" == f"{read[best]:.1%}"
    text = f"{unit} " + (
        f"is {read[best]:.1%} for every method."
        if same
        else f"runs from {read[worst]:.1%} ({label[worst]}) to {read[best]:.1%} ({label[best]})."
    )
    if kind == "tpr_fdp":
        text += " Each curve is the best attainable at that FDP, its cut-off chosen with the truth in hand."
    n = max(c.n_seeds for c in drawn.values())
    return text + (f" Bands: ± one standard error over {n} splits, which overlap." if n > 1 else "")


def clouds(slopes: Mapping[str, float], label: Mapping[str, str]) -> str:
    """Whether predicted deviations of truly non-additive pairs go the right way; slope of predicted on observed."""
    read = {m: v for m, v in slopes.items() if np.isfinite(v)}
    tail = (
        " Grey: density of all pairs; points: the furthest predictions and the furthest pairs of every class; "
        "dotted: thresholds; slope and r over truly non-additive pairs."
    )
    if not read:
        return "No shown method predicts a deviation." + tail
    best = min(read, key=lambda m: abs(read[m] - 1))
    wrong = [label[m] for m, v in read.items() if v < -0.05]
    text = (
        f"Over truly non-additive pairs, {label[best]} comes closest to the right size (slope {read[best]:.2f}, 1 is "
        "right)"
    )
    return text + (f"; the wrong way on average: {names(wrong)}." if wrong else ".") + tail


def composition(table: pd.DataFrame, label: Mapping[str, str], n: int) -> str:
    """Share of truly non-additive pairs among each method's calls."""
    table = table[table.sum(axis=1) > 0]
    if table.empty:
        return "No shown method calls a pair."
    true = 1 - table["additive"] / table.sum(axis=1)
    best, worst = true.idxmax(), true.idxmin()
    if best == worst:
        return f"Of the top {n:,} calls of {label[best]}, {true[best]:.0%} are truly non-additive."
    return (
        f"Of the top {n:,} calls, {true[best]:.0%} of {label[best]}'s and {true[worst]:.0%} of {label[worst]}'s "
        "are truly non-additive."
    )


def confusion(table: pd.DataFrame, name: str) -> str:
    """How often the predicted class is right, by predicted class, and which classes are never predicted."""
    totals = table.sum(axis=0)
    said = [c for c in PAPER_CLASSES if c != "additive" and totals[c] > 0]
    never = [c for c in PAPER_CLASSES if c != "additive" and totals[c] == 0]
    if not said:
        return f"{name} predicts no deviation beyond the thresholds: all its pairs are additive."
    right = {c: table.loc[c, c] / totals[c] for c in said}
    text = f"{name} calls {names([f'{totals[c]:,.0f} pairs {c} ({right[c]:.0%} rightly)' for c in said])}"
    return text + (f"; none {' or '.join(never)}." if never else ".")


def recurring(found: Recurrence, label: Mapping[str, str], what: str) -> str:
    """How concentrated calls are on the names most often called, against the truth."""
    share = dict(zip(found.layers, found.share, strict=True))
    models = {m: v for m, v in share.items() if m != "truth" and np.isfinite(v)}
    if not models:
        return "No shown method calls a pair."
    most = max(models, key=models.__getitem__)
    text = (
        f"The {found.k} {what} named most often ({', '.join(found.top)}) make up {models[most]:.0%} of "
        f"{label[most]}'s calls"
    )
    if np.isfinite(share.get("truth", np.nan)):
        text += f" and {share['truth']:.0%} of the truth's"
    return text + "."


def one_gene(
    gene: str,
    observed: np.ndarray,
    additive: np.ndarray,
    classes_: Sequence[str],
    doubles: Sequence[str],
    predicted: Mapping[str, np.ndarray],
    label: Mapping[str, str],
) -> str:
    """In how many doubles a gene is not additive, where most, and who predicts its changes best."""
    special = sum(c not in ("additive", "") for c in classes_)
    gap = np.abs(observed - additive)
    if not np.isfinite(gap).any():
        return f"{gene} was not observed in these doubles."
    far = int(np.nanargmax(gap))
    text = (
        f"{gene} is not additive in {special} of {len(doubles)} doubles, furthest in {doubles[far]} (sum "
        f"{additive[far]:.2f}, observed {observed[far]:.2f})."
    )
    errors = {m: float(np.nanmean((v - observed) ** 2)) for m, v in predicted.items() if np.isfinite(v).any()}
    errors["_sum"] = float(np.nanmean((additive - observed) ** 2))
    best = min(errors, key=errors.__getitem__)
    return text + f" Closest to it over these doubles: {'the sum of the singles' if best == '_sum' else label[best]}."


def one_pair(double: str, counts: Mapping[str, int], gene: str) -> str:
    """How the genes of one double fall into classes."""
    special = {k: v for k, v in counts.items() if k != "additive" and v}
    total = sum(counts.values())
    if not special:
        return f"All {total:,} genes of {double} are additive by this threshold."
    parts = [f"{v:,} {k}" for k, v in sorted(special.items(), key=lambda kv: -kv[1])]
    return f"Of {total:,} genes of {double}, {sum(special.values()):,} are not additive: {names(parts)}." + (
        f" {gene} is marked." if gene else ""
    )


def false_call(line: pd.Series) -> str:
    """One false call in words."""
    return f"predicts {line['predicted']:+.2f} from additive, observed {line['observed']:+.2f}" + (
        f" (seed {line['seed']})" if line["seed"] else ""
    )


def scores(correlation: Mapping[str, float], label: Mapping[str, str], score: str, n: int) -> str:
    """Correlation of a predicted with the observed interaction score over doubles."""
    read = {m: v for m, v in correlation.items() if np.isfinite(v)}
    if not read:
        return f"{score} is undefined, or the same for every double, in every shown prediction."
    best, worst = max(read, key=read.__getitem__), min(read, key=read.__getitem__)
    if read[best] <= 0:
        return (
            f"Over {n} doubles no predicted {score} correlates positively with the observed one (best r "
            f"{read[best]:.2f})."
        )
    text = (
        f"Over {n} doubles the predicted {score} correlates best with the observed one for {label[best]} (r "
        f"{read[best]:.2f})"
    )
    return text + (f", worst for {label[worst]} (r {read[worst]:.2f})." if worst != best else ".")


def published(layer: Published) -> str:
    """What the published panels say, in one line."""
    return (
        f"As published: {layer.n_nonadditive:,} of {layer.n_pairs:,} pairs non-additive "
        f"({layer.n_nonadditive / layer.n_pairs:.2%}); {len(layer.calls):,} calls of {len(layer.methods)} "
        "methods over five splits."
    )


def published_curves(layer: Published) -> str:
    """Which published method finds most at an FDP of 20%, and how many beat no change there."""
    at = layer.curves[np.isclose(layer.curves["fdp"], 0.2)].set_index("method")["tpr"]
    if at.empty:
        return ""
    base = [m for m in at.index if m.startswith("No change")]
    text = f"At a false discovery proportion of 20% {at.idxmax()} finds most ({at.max():.1%})"
    if base:
        others = at.drop(base)
        ahead = int((others > at[base[0]]).sum())
        text += f"; {ahead} of {len(others)} other methods are ahead of no change ({at[base[0]]:.1%})"
    return text + "."


def compared(table: pd.DataFrame) -> str:
    """Share of non-additive pairs per source; lines of ``table`` are sources, columns classes, values per cent."""
    parts = [f"{total:.2f}% {source}" for source, total in table.sum(axis=1).items()]
    text = f"Non-additive pairs: {names(parts)}."
    return text + (" Data, genes and threshold differ, so the shares need not agree." if len(parts) > 1 else "")


def published_classes(table: pd.DataFrame, score: str) -> str:
    """Published classes with the lowest and highest median of a score; columns class, value."""
    middle = table.groupby("class")["value"].median()
    low, high = middle.idxmin(), middle.idxmax()
    return (
        f"Over {len(table)} doubles the median {score} is lowest for {low.replace('_', ' ')} ({middle[low]:.2f}) "
        f"and highest for {high.replace('_', ' ')} ({middle[high]:.2f}). The classes describe the screen of "
        "Norman et al. 2019."
    )
