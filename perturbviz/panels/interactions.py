"""Panels of interactions: what is not additive, who finds it, what is called instead, scores of whole doubles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from perturbviz.analyses.interactions.pairs import Pairs
from perturbviz.analyses.interactions.summary import Finding
from perturbviz.analyses.interactions.threshold import Threshold
from perturbviz.panels.captions import interactions as words
from perturbviz.panels.figures import interaction_pairs as pair_figures
from perturbviz.panels.figures import interactions as figures
from perturbviz.panels.figures.drawing import Drawing
from perturbviz.panels.figures.interaction_pairs import Cloud
from perturbviz.panels.look import Look
from perturbviz.panels.panel import Panel
from perturbviz.stats.empirical_null import EmpiricalNull

DASHES = {"no_change": "dash", "half_sum": "dot"}
"""Line styles that let coinciding curves both be seen."""


def labels(look: Look) -> Mapping[str, str]:
    """Method -> display name; "truth" for the observation."""
    return {"truth": "Truth", **look.names}


# -- what is not additive? -----------------------------------------------------------------------------------------
def deviations(bound: Threshold, every: Pairs) -> Panel:
    """How far from additive the doubles are, where no null could be fitted."""
    values = bound.scaled(every, every.deviation)
    return Panel(
        key="null",
        question="How far from additive are the doubles?",
        figure=figures.histogram(values, bound.lower, bound.upper, _axis(bound)),
        caption=bound.problem,
        alt=f"Histogram of {values.size} deviations.",
        table=lambda: pd.DataFrame({"deviation": values.ravel()}),
        filename="deviations",
        axes=("",),
    )


def null(bound: Threshold, fit: EmpiricalNull) -> Panel:
    """How far from additive the doubles are, and what of it is noise by the fitted null."""
    return Panel(
        key="null",
        question="How far from additive are the doubles, and what is noise?",
        figure=figures.decomposition(fit, bound.lower, bound.upper, _axis(bound)),
        caption=words.tails(bound),
        alt=f"Histogram of {fit.n:,} deviations from additivity with fitted mixture and null; {words.bounds(bound)}.",
        table=lambda: pd.DataFrame(
            {
                "deviation": fit.mids,
                "pairs": fit.counts,
                "mixture": fit.f,
                "null": fit.p0_f0,
                "nonnull_share": fit.nonnull,
            }
        ),
        filename="interaction-null",
        axes=(_axis(bound),),
    )


def quantiles(bound: Threshold, fit: EmpiricalNull) -> Panel:
    """Where the deviations leave the fitted null."""
    return Panel(
        key="qq",
        question="Where does the null stop fitting?",
        figure=figures.quantiles(fit, bound.lower, bound.upper),
        caption=words.qq(fit),
        alt="Quantiles of the deviations against those of the fitted null.",
        table=lambda: pd.DataFrame({"null": fit.qq_null, "observed": fit.qq_observed}),
        filename="interaction-qq",
        axes=(_axis(bound),),
    )


def classes(counts: Mapping[str, int], bound: Threshold) -> Panel:
    """In which way pairs are not additive; ``counts``: class -> number of pairs, "additive" among them."""
    return Panel(
        key="classes",
        question="In which way are pairs not additive?",
        figure=figures.class_bars(counts, sum(counts.values())),
        caption=words.classes(counts) + words.convention(bound),
        alt=", ".join(f"{v:,} {k}" for k, v in counts.items()) + ".",
        table=lambda: pd.DataFrame({"class": list(counts), "pairs": list(counts.values())}),
        filename="interaction-classes",
        axes=("",),
    )


def _axis(bound: Threshold) -> str:
    return "observed − additive" if bound.kind == "effect" else "(observed − additive) / standard error"


# -- who finds it? -------------------------------------------------------------------------------------------------
def curves(kind: str, side: str, found: Mapping[str, Finding], look: Look, bound: Threshold) -> Panel | None:
    """Curves of the methods that order pairs; None where none does.

    Parameters
    ----------
    kind
        "tpr_fdp", "precision_recall" or "roc".
    side
        Which pairs are to be found; zoom is kept while both stay the same.
    """
    drawn = {m: f.curves[kind] for m, f in found.items() if kind in f.curves}
    if not drawn:
        return None
    prevalences = [f.table["prevalence"].mean() for f in found.values() if len(f.table)]
    prevalence = float(np.mean(prevalences)) if prevalences else np.nan
    said = words.curve_note(kind, drawn, look.names)
    return Panel(
        key="curves",
        question="Who finds the pairs that are not additive?",
        figure=figures.curves(kind, drawn, dict(look.names), look.colours, DASHES, prevalence),
        caption=said + words.convention(bound),
        alt=said,
        table=lambda: pd.concat(
            [
                pd.DataFrame({"method": m, "x": c.x, "mean": c.mean, "low": c.low, "high": c.high})
                for m, c in drawn.items()
            ]
        ),
        filename=f"interaction-{kind}",
        axes=(kind + side,),
    )


# -- what do they call? --------------------------------------------------------------------------------------------
def clouds(figure: Drawing, parts: Mapping[str, tuple[Cloud, float, float]], look: Look, bound: Threshold) -> Panel:
    """Predicted against observed deviations; a click reports (double, gene).

    Parameters
    ----------
    figure
        Of :func:`perturbviz.panels.figures.interactions.clouds`: large, so it is made once and given.
    parts
        Method -> outstanding pairs, slope and correlation over truly non-additive ones.
    """
    slopes = {m: slope for m, (_, slope, _) in parts.items()}
    return Panel(
        key="clouds",
        question="Is the deviation from additive predicted?",
        figure=figure,
        caption=words.clouds(slopes, look.names) + words.convention(bound),
        hint="Click a point to see its gene and its double.",
        alt=f"Predicted against observed deviation from additivity, {len(parts)} methods.",
        table=lambda: pd.concat(
            pd.DataFrame(
                {"method": m, "pair": c.labels, "observed": c.observed, "predicted": c.predicted, "class": c.classes}
            )
            for m, (c, _, _) in parts.items()
        ),
        filename="deviations",
        select=True,
        axes=("",),
    )


def composition(
    calls: Mapping[str, tuple[pd.Series, pd.Series]], by: str, n: int, n_splits: int, look: Look, bound: Threshold
) -> Panel:
    """Classes of the pairs that each method sets furthest from additive.

    Parameters
    ----------
    calls
        Method -> its top calls by true and by predicted class, and those of "truth".
    by
        "true class" or "predicted class".
    n, n_splits
        Number of calls a split; number of splits, over which they are averages.
    """
    table = pd.DataFrame({m: both[by == "predicted class"] for m, both in calls.items()}).T
    true = pd.DataFrame({m: both[0] for m, both in calls.items() if m != "truth"}).T
    of = " in an average split" if n_splits > 1 else ""
    return Panel(
        key="composition",
        question=f"What are the pairs each method sets furthest from additive ({by})?",
        figure=figures.stacked(table, labels(look), f"top {n:,} calls{of}"),
        caption=words.composition(true, look.names, n) + words.convention(bound),
        alt=f"Top {n} calls of {len(true)} methods by {by}.",
        table=lambda: table.rename(index=dict(labels(look))).rename_axis("method").reset_index(),
        filename=f"calls-{n}",
        axes=(n,),
    )


def confusion(table: pd.DataFrame, method: str, look: Look, bound: Threshold) -> Panel:
    """Whether one method's classes are right; ``table``: pairs by true (lines) and predicted class."""
    said = words.confusion(table, look.name(method))
    return Panel(
        key="mosaic",
        question=f"{look.name(method)}: is the class right?",
        figure=figures.mosaic(table),
        caption=said + words.convention(bound),
        alt=said,
        table=lambda: table.rename_axis("true class").reset_index(),
        filename=f"confusion-{method}",
        axes=(method,),
    )


# -- interaction scores --------------------------------------------------------------------------------------------
def scores(
    truth: pd.DataFrame, tables: Mapping[str, pd.DataFrame], key: str, score: str, published: Sequence[str], look: Look
) -> Panel:
    """One interaction score of every double, observed and predicted.

    Parameters
    ----------
    truth, tables
        Scores of the observation and of methods, one line a double, the same in all.
    key, score
        Column of the score, and its name.
    published
        Class of each double as published, "" where there is none; all "": nothing is ringed.
    """
    observed = truth[key].to_numpy(float)
    predicted = {m: t[key].to_numpy(float) for m, t in tables.items()}
    correlation = {m: _correlation(observed, v) for m, v in predicted.items()}
    corner = {m: "undefined" if np.isnan(r) else f"r {r:.2f}" for m, r in correlation.items()}
    known = int(np.isfinite(observed).sum())
    ring = " Ringed: doubles with a published class (Norman et al. 2019, as listed by GEARS)." if any(published) else ""
    figure = pair_figures.score_panels(
        observed, predicted, list(truth.index), list(published), score, dict(look.names), look.colours, corner
    )
    return Panel(
        key="scores",
        question=f"Is the {score} of each double predicted?",
        figure=figure,
        caption=words.scores(correlation, look.names, score, known) + ring,
        alt=f"Observed against predicted {score} of {known} doubles.",
        table=lambda: (
            pd.concat([truth.assign(layer="truth"), *(t.assign(layer=m) for m, t in tables.items())])
            .rename_axis("double")
            .reset_index()
        ),
        filename=f"interaction-{key}",
        axes=(key,),
    )


def by_class(truth: pd.DataFrame, key: str, score: str, published: Sequence[str]) -> Panel:
    """Whether a score tells the published classes apart; arguments as of :func:`scores`."""
    table = pd.DataFrame({"double": truth.index, "class": list(published), "value": truth[key].to_numpy(float)})
    table = table[(table["class"] != "") & table["value"].notna()]
    return Panel(
        key="by-class",
        question=f"Does the {score} tell the published classes apart?",
        figure=pair_figures.by_class(table, score),
        caption=words.published_classes(table, score),
        alt=f"Observed {score} of {len(table)} doubles by published class.",
        table=table,
        filename=f"classes-{key}",
        axes=(key,),
    )


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation over doubles where both are defined; NaN with fewer than 3 or no spread beyond rounding."""
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3 or any(np.ptp(v[known]) <= 1e-5 * np.abs(v[known]).max() for v in (x, y)):
        return np.nan
    return float(np.corrcoef(x[known], y[known])[0, 1])
