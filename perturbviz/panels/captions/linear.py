"""Sentences of the linear model page, computed from its data. Plain text unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from perturbviz.models.compete import Predictions
from perturbviz.models.diagnostics import ErrorMap
from perturbviz.models.error_by_distance import area
from perturbviz.panels.captions import allowance, counted, escape
from perturbviz.scoring.rankings import Ranking, n_units, units
from perturbviz.stats import MIN_UNITS


def n_perturbations(ranking: Ranking, method: str) -> int:
    """Distinct perturbations (with context) a method's score averages over."""
    have = ~np.isnan(ranking.scores.values[ranking.scores.methods.index(method)])
    return n_units(ranking.scores.rows[have])


def against_mean(ranking: Ranking, model: str, name: str, mean: str = "mean", mean_name: str = "") -> str:
    """Whether the model beats the mean, with the paired interval, and what stands above it (Markdown)."""
    mean_name = mean_name[:1].lower() + mean_name[1:] or "perturbation mean"
    lines, card = ranking.lines, ranking.scores.card
    if model not in ranking.defined:
        why = lines[model]["reason"].removeprefix("undefined: ").rstrip(".")
        return f"**{escape(name)}** has no defined {card.name} here: {escape(why)}."
    n = n_perturbations(ranking, model)
    text = f"**{escape(name)}**: {card.name} {lines[model]['score']:.3g} over {counted(n, 'perturbation')}"
    if mean in ranking.defined:
        difference, low, high = ranking.difference(model, mean)
        ends = card.goodness(np.array([lines[m]["score"] for m in (model, mean)]))
        gain = {"higher": difference, "lower": -difference}.get(card.better, float(ends[0] - ends[1]))
        word = "better" if gain > 0 else "worse"
        text += f", {abs(gain):.2g} {word} than the {escape(mean_name)}"
        if n < MIN_UNITS:
            text += f" ({counted(n, 'perturbation is', 'perturbations are')} too few to say whether by chance)"
        elif np.isnan(low):
            text += f" (no interval: {lines[model]['interval'].removeprefix('none: ')})"
        elif ranking.separable(model, mean):
            text += f" (paired 95% interval of the difference {low:.2g} to {high:.2g}: not by chance)"
        else:
            text += f" (paired 95% interval {low:.2g} to {high:.2g}: **a statistical tie with the mean**)"
    above = [escape(lines[m]["name"]) for m in ranking.defined[: ranking.defined.index(model)]]
    if not above:
        return text + ". Nothing scores better here."
    more = f" and {len(above) - 3} more" if len(above) > 3 else ""
    return text + f". Better: {', '.join(above[:3])}{more}."


def common_without(rows: pd.DataFrame, models: Mapping[str, Predictions], always: str) -> dict[str, int]:
    """How many perturbations are common to the models that predict any, without each but the one named ``always``."""
    some = {name: found.predicted for name, found in models.items() if found.predicted.any()}
    out = {}
    for left_out in some.keys() - {always}:
        kept = [predicted for name, predicted in some.items() if name != left_out]
        out[left_out] = n_units(rows[np.logical_and.reduce(kept)]) if kept else 0
    return out


def intervals(ranking: Ranking, few: bool, common: Mapping[str, int] | None = None) -> str:
    """What the lines are, or why there are none, and which model left out would give more (:func:`common_without`)."""
    if few:
        n = max((n_perturbations(ranking, m) for m in ranking.defined), default=0)
        text = (
            "Points: perturbations (mean over splits); red bar: their mean. No interval: "
            f"{counted(n, 'perturbation is', 'perturbations are')} common to the shown models, too few to say "
            f"anything about others (at least {MIN_UNITS})."
        )
        more = {name: k for name, k in (common or {}).items() if k > n}
        if more:
            name = max(more, key=more.__getitem__)
            text += f" Without {name} there would be {more[name]}."
        return text
    text = "Points: perturbations (mean over splits); red bar: their mean"
    if not ranking.certain:
        why = next((ranking.lines[m]["interval"] for m in ranking.defined), "none: no defined score")
        return f"{text}. No interval: {why.removeprefix('none: ')}."
    text += " with its 95% interval over perturbations, all splits of one together. "
    return (text + allowance(ranking)).rstrip()


def coverage(rows: pd.DataFrame, lost: pd.DataFrame) -> str:
    """How many held-out perturbations could be predicted, and the reasons of the others (:func:`unpredicted`)."""
    total = n_units(rows)
    if lost.empty:
        return f"All {total} held-out perturbations could be predicted."
    listed = "; ".join(f"{n} × {kind}" for kind, n in lost["reason"].map(_kind).value_counts().items())
    return f"{total - len(lost)} of {total} held-out perturbations could be predicted. Not predicted: {listed}."


def reach(rows: pd.DataFrame, models: Mapping[str, Predictions]) -> str:
    """How many held-out perturbations each of several models predicts (in at least one split)."""
    which = units(rows)
    counted = [f"{name} {len(np.unique(which[found.predicted]))}" for name, found in models.items()]
    return f"Predicted of {len(np.unique(which))}: {', '.join(counted)}."


def unpredicted(rows: pd.DataFrame, found: Predictions) -> pd.DataFrame:
    """Perturbations without a prediction in any split: perturbation, context, reason."""
    which = units(rows)
    lost = ~np.isin(which, which[found.predicted])
    table = rows.loc[lost, ["perturbation", "context"]].assign(reason=found.reasons[lost])
    return table.drop_duplicates(["perturbation", "context"]).sort_values(["perturbation", "context"])


def _kind(reason: str) -> str:
    """A reason without the name in it, so that equal ones can be counted."""
    if reason.startswith("its target "):
        return "target " + reason.removeprefix("its target ").partition(" ")[2].partition(",")[0]
    return reason.partition(",")[0].rstrip(".")


def fit_time(found: Predictions) -> str:
    """How long fitting took."""
    n = len(found.fits)
    if not n:
        return "Nothing could be fitted."
    each = f", {1000 * found.seconds / n:.1f} ms each" if n > 1 else ""
    return f"{n} {'fits' if n > 1 else 'fit'} with predictions in {1000 * found.seconds:.0f} ms{each}."


def arrows(before: pd.Series, after: pd.Series, names: tuple[str, str], higher: bool, most: int) -> str:
    """How many perturbations gain, the mean change, the largest ones, and that at most ``most`` are drawn."""
    change = (after - before).dropna()
    if change.empty:
        return f"{names[0]} and {names[1]} predict no perturbation in common."
    gain = change if higher else -change
    text = (
        f"{(gain > 0).sum()} of {len(gain)} perturbations are predicted better by {names[1]} than by {names[0]}; "
        f"mean gain {gain.mean():.2g}."
    )
    if len(gain) < MIN_UNITS:
        return text + f" {len(gain)} are too few to tell from chance."
    text += f" Most gained: {gain.idxmax()} ({gain.max():.2g}); most lost: {gain.idxmin()} ({gain.min():.2g})."
    return text + (f" Drawn: the {most} largest changes." if len(gain) > most else "")


def maps(found: ErrorMap, n_splits: int) -> str:
    """Where held-out error is smallest, and that choosing there is tuning on the test set."""
    over = f"Mean L2 over all genes, {counted(found.n_held_out, 'prediction')} in {counted(n_splits, 'split')}. "
    if np.isnan(found.held_out).all():
        return over + "No held-out perturbation has a row in the embedding."
    i, j = np.unravel_index(np.nanargmin(found.held_out), found.held_out.shape)
    return (
        f"{over}Smallest at K {found.dims[i]}, λ {found.ridges[j]:g} ({found.held_out[i, j]:.3g}), where "
        f"training error is {found.training[i, j]:.3g}. Choosing that cell is tuning on the held-out "
        "perturbations: the score there flatters."
    )


def training_map(found: ErrorMap) -> str:
    """Where training error is smallest, and how to use the map."""
    k, r = np.unravel_index(np.nanargmin(found.training), found.training.shape)
    return (
        f"Smallest at K {found.dims[k]}, λ {found.ridges[r]:g} ({found.training[k, r]:.3g}); mean L2 over all genes, "
        f"{counted(found.n_training, 'perturbation')} a split. Each map has colours of its own."
    )


def spectrum(table: pd.DataFrame, dims: int) -> str:
    """How much the first K hold and how many hold 90%, of the changes and of the profiles."""
    if table["change_cumulative"].isna().all():
        return "The training perturbations do not differ from one another."
    k = min(dims, len(table))
    changes, profiles = (table[c].iloc[k - 1] for c in ("change_cumulative", "cumulative"))
    most = int((table["change_cumulative"] < 0.9 - 1e-12).sum()) + 1
    return (
        f"The first {k} of {len(table)} components hold {changes:.0%} of the variance of the changes between "
        f"perturbations; 90% takes {most}. Of the profiles that PCA embeds the first {k} hold {profiles:.0%}, "
        f"the first alone {table['cumulative'].iloc[0]:.0%}."
    )


def distance(table: pd.DataFrame, curve: pd.DataFrame, higher: bool, mean: str = "") -> str:
    """Rank correlation of error and distance, and what becomes of the lead over the mean far from training.

    Parameters
    ----------
    table
        Indexed by perturbation: distance and error (of the model).
    curve
        Share left out -> error, and that of ``mean`` (the column of the perturbation mean, "" where it has none).
    """
    known = table.dropna(subset=["distance", "error"])
    if len(known) < MIN_UNITS:
        return f"{len(known)} perturbations have a distance and a score: too few to see a trend."
    if known["distance"].round(9).nunique() < 2 or known["error"].nunique() < 2:
        return "All perturbations are equally far from training in this embedding: distance cannot explain the error."
    found = spearmanr(known["distance"], known["error"])
    rho = -found.statistic if higher else found.statistic
    numbers = f"Spearman ρ {rho:.2f}, p = {found.pvalue:.2g}, {len(known)} perturbations"
    if found.pvalue > 0.05:
        text = f"Distance does not order the errors here ({numbers})."
    else:
        text = f"Perturbations far from training are predicted {'worse' if rho > 0 else 'better'} ({numbers})."
    if not mean:
        return text
    lead = (curve["error"] - curve[mean]) * (1 if higher else -1)
    near, far = lead.iloc[0], lead.iloc[-1]
    return text + (
        f" Gain on the perturbation mean: {near:.2g} over all, {far:.2g} over the {curve['n'].iloc[-1]} "
        f"farthest; areas under the lines (as PertEval's AUSPC): {area(curve, 'error'):.3g} and "
        f"{area(curve, mean):.3g} (mean)."
    )


def learning(table: pd.DataFrame, n_splits: int = 1) -> str:
    """What more training perturbations bought, beside the mean."""
    known = table.dropna(subset=["l2"])
    if known.empty:
        return "No learning curve: " + next((r for r in table["reason"] if r), "nothing could be predicted.")
    curve = known.groupby("size")[["l2", "mean_l2"]].mean()
    first, last = curve.index[0], curve.index[-1]
    (a, _), (b, m) = curve.iloc[0], curve.iloc[-1]
    text = f"From {first} to {last} training perturbations the error goes from {a:.3g} to {b:.3g} ({(b - a) / a:+.0%})"
    text += f"; the mean ends at {m:.3g}, {'above' if m > b else 'below'} the model."
    text += f" Each point is one random order of the training set; {counted(n_splits, 'split')}."
    lost = table["l2"].isna().groupby(table["size"]).sum()
    if lost.any():
        why = table.loc[table["l2"].isna(), "reason"].iloc[0].partition(";")[0].rstrip(".")
        text += f" {lost.sum()} of {len(table)} draws predict nothing ({why})."
    return text
