"""What the loaded data say about each lesson: one function a lesson, from a stage to a sentence and its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from perturbviz.evaluation import Evaluation
from perturbviz.explain import escape, names, ordinal
from perturbviz.genesets import de_order, resolve
from perturbviz.metrics import CATALOGUE, parse_metric
from perturbviz.metrics.correlation import pearson
from perturbviz.rankings import Ranking, average, rank, ranks
from perturbviz.scores import score, score_many, view_rows
from perturbviz.stage import COLUMNS, Reveal, Stage, lacks, not_here, place, sample
from perturbviz.validity import offered_pairs
from perturbviz.view import metric_label

NEAR_ONE = 0.9
SHARE = 0.5  # of the leader's score: what the mean must reach to "do well"
CLEAR_GAIN = 0.05  # of the error: what shrinking must save to count
AHEAD = 1.1  # times no change's recall: clearly ahead of it
DUPLICATE = "technical-duplicate"


def pearson_near_one(stage: Stage) -> Reveal:
    """Raw correlation of every method, and of no change."""
    if why := lacks(stage, "no_change"):
        return not_here(why)
    raw, after = stage.before.table["score"].dropna(), stage.ranking(stage.after).table["score"].dropna()
    empty = raw["no_change"]
    holds = bool(empty >= NEAR_ONE)
    text = (
        f"No change, which predicts no effect at all, {'already' if holds else 'only'} gets {empty:.3f}; all {len(raw)} methods lie "
        f"between {raw.min():.3f} ({stage.name(raw.idxmin())}) and {raw.max():.3f} ({stage.name(raw.idxmax())}). "
        f"As correlations of changes the same predictions spread from {after.min():.2f} to {after.max():.2f}."
    )
    if not holds:
        text += " Perturbed and control profiles differ more here than is usual, so raw Pearson is not near 1."
    return Reveal(
        holds,
        text,
        stage.lines({"profiles": raw, "changes from control": after}),
        "How far apart are the methods, by profiles and by changes?",
        "what is correlated",
        "mean Pearson correlation",
    )


def mean_does_well(stage: Stage) -> Reveal:
    """The mean's share of the leader's correlation."""
    if why := lacks(stage, "mean"):
        return not_here(why)
    before, after = stage.before, stage.ranking(stage.after)
    if "mean" not in before.defined or len(before.defined) < 2:
        return not_here("It needs a Pearson delta of the mean and of another method.")
    own, lead = before.table.loc["mean", "score"], before.defined[0]
    best = before.table.loc[lead, "score"]
    beaten = [stage.name(m) for m in before.defined if before.table.loc[m, "rank"] > before.table.loc["mean", "rank"]]
    holds = bool(own > 0 and own >= SHARE * best)
    text = f"One and the same profile for every perturbation reaches {own:.2f} and is {place(before, 'mean')}"
    text += f", ahead of {names(beaten)}" if beaten else ""
    share = f": the mean gets {own / best:.0%} of that" if best > 0 else ""
    text += f"; the leader, {stage.name(lead)}, has {best:.2f}{share}." if lead != "mean" else ": it leads."
    if not holds:
        text += " That is little: perturbations share no strong systematic shift here, so the mean does not do well."
    chance = after.table.loc["mean", "score"]
    if not np.isnan(chance):
        text += f" By centroid accuracy, which no shared shift can raise, it gets {chance:.2f} (chance is ½)."
    return Reveal(
        holds,
        text,
        stage.lines({"Pearson delta": before.table["score"], "centroid accuracy": after.table["score"]}),
        "What does the mean get, by change and by retrieval?",
        "metric",
        "mean score",
    )


def mean_undefined(stage: Stage) -> Reveal:
    """The mean's score, and the order, under the other reference."""
    if why := lacks(stage, "mean"):
        return not_here(why)
    before, after = stage.before, stage.ranking(stage.after)
    old, new = before.table["rank"], after.table["rank"]
    holds = bool(np.isnan(new["mean"]) and not np.isnan(old["mean"]))
    if holds:
        why = after.table.loc["mean", "reason"].partition(":")[2].strip()
        text = f"The mean goes from {place(before, 'mean')} to undefined: {escape(why)}."
    else:
        score = after.table.loc["mean", "score"]
        text = f"Here the mean keeps a score ({score:.2f}), so it differs from the reference: other rows, or other contexts."
    move = (old - new).dropna()
    if len(move) and move.max() >= 1:
        up = move.idxmax()
        text += f" {stage.name(up)} goes from {ordinal(old[up])} to {ordinal(new[up])}."
    if before.defined and after.defined and before.defined[0] != after.defined[0]:
        text += f" The lead passes from {stage.name(before.defined[0])} to {stage.name(after.defined[0])}."
    columns = {"control": before.table["score"], "perturbation mean": after.table["score"]}
    return Reveal(
        holds,
        text,
        stage.lines(columns),
        "What does the other reference do to each score?",
        "reference",
        "mean Pearson delta",
    )


def no_negatives(stage: Stage) -> Reveal:
    """Who gains on DE genes, and how much they predict on all the others."""
    before, after = stage.before, stage.ranking(stage.after)
    both = [m for m in before.defined if m in after.defined]
    move = (before.table["rank"] - after.table["rank"])[both]
    if stage.after.n >= stage.benchmark.adata.n_vars or len(both) < 2:
        return not_here("It needs two methods, and more genes than the most changed ones.")
    size = _size_elsewhere(stage, both)
    up, down = move.idxmax(), move.idxmin()
    text = (
        f"On the {stage.after.n} most changed genes {stage.name(up)} goes from {ordinal(before.table.loc[up, 'rank'])} to "
        f"{ordinal(after.table.loc[up, 'rank'])}; on all other genes it predicts changes {size[up]:.2f} times the observed "
        f"size, and none of them counts. {stage.name(down)} ({size[down]:.2f} times) goes from "
        f"{ordinal(before.table.loc[down, 'rank'])} to {ordinal(after.table.loc[down, 'rank'])}."
    )
    holds = bool(move[up] >= 1 and size[up] > size[down])
    if not holds:
        text = "Nobody gains by it here. " if move[up] < 1 else "Here it is not the over-predictors that gain. "
        text += f"The order by RMSE on all genes starts with {stage.name(both[0])}, on the {stage.after.n} most changed with {stage.name(after.defined[0])}."
    columns = {"all genes": before.table["rank"], f"{stage.after.n} DE genes": after.table["rank"]}
    return Reveal(
        holds,
        text,
        stage.lines(columns),
        "Who gains where nothing can be a false positive?",
        "genes that count",
        "rank (1 = best)",
        "rank",
    )


def _size_elsewhere(stage: Stage, methods: Iterable[str]) -> pd.Series:
    """Root mean square of predicted over observed change outside the DE genes of each perturbation."""
    rows = sample(stage.rows())
    genes = de_order(stage.evaluation, rows)[:, stage.after.n :]
    control = stage.evaluation.reference("control", rows, genes)
    observed = np.sqrt(np.mean((stage.evaluation.truth(rows, genes) - control) ** 2))
    return pd.Series(
        {
            m: np.sqrt(np.nanmean((stage.evaluation.prediction(m, rows, genes) - control) ** 2)) / observed
            for m in methods
        }
    )


def order_over_n(stage: Stage) -> Reveal:
    """Ranks over the number of genes; a swap counts where the two can be told apart on both sides."""
    total = stage.benchmark.adata.n_vars
    grid = [n for n in (20, 50, 100, 200, 500, 1000, 2000, 5000) if n < total] + [total]
    by_n = {n: stage.ranking(stage.start.with_(n=n)) for n in grid}
    columns = {n: r.table["rank"] for n, r in by_n.items()}
    swap = _clear_swap(by_n)
    first, last = by_n[grid[0]].defined, by_n[grid[-1]].defined
    if len(first) < 2:
        return not_here("It needs two methods with a defined score.")
    orders = len({tuple(r.defined) for r in by_n.values()})
    text = f"On {grid[0]} genes {stage.name(first[0])} leads, on all {total:,} {stage.name(last[0])}; over {len(grid)} numbers of genes {orders} {'order occurs' if orders == 1 else 'different orders occur'}."
    if swap:
        a, b, few, many = swap
        text += (
            f" {stage.name(a)} is clearly better than {stage.name(b)} on {few:,} genes and clearly worse on {many:,}."
        )
    elif orders > 1:
        text += " But no two methods change places clearly: what moves cannot be told apart."
    else:
        text += " Here the number of genes does not matter."
    return Reveal(
        swap is not None,
        text,
        stage.lines(columns),
        "How does the order change with the number of genes?",
        "number of most changed genes that count",
        "rank (1 = best)",
        "rank log",
    )


def _clear_swap(rankings: Mapping[int, Ranking]) -> tuple[str, str, int, int] | None:
    """(a, b, n, m): a clearly before b at n, clearly behind it at m; the swap between the most distant places."""
    place = pd.DataFrame({n: r.table["rank"] for n, r in rankings.items()}).dropna()
    found = []
    for a in place.index:
        for b in place.index:
            gap = place.loc[b] - place.loc[a]
            few, many = gap.idxmax(), gap.idxmin()
            if gap[few] > 0 > gap[many] and few < many:
                found.append((gap[few] - gap[many], a, b, few, many))
    for _, a, b, few, many in sorted(found, key=lambda f: -f[0]):
        if rankings[few].separable(a, b) and rankings[many].separable(a, b):
            return a, b, few, many
    return None


def shrinking(stage: Stage) -> Reveal:
    """Mean squared error against a factor on every predicted change, which is a parabola for each method."""
    if why := lacks(stage, "no_change"):
        return not_here(why)
    evaluation, rows = stage.evaluation, sample(stage.rows())
    observed = evaluation.truth(rows) - (control := evaluation.reference("control", rows))
    factors = np.round(np.arange(0, 1.55, 0.05), 2)
    best, gain, curves = {}, {}, {}
    for method in evaluation.methods:
        predicted = evaluation.prediction(method, rows) - control
        have = ~np.isnan(predicted).any(axis=1)
        aa, ab, bb = (
            float(np.mean(x[have] * y[have])) if have.any() else np.nan
            for x, y in ((observed, observed), (observed, predicted), (predicted, predicted))
        )
        if not bb > 0:
            continue
        best[method] = max(ab / bb, 0.0)
        gain[method] = 1 - (aa - 2 * best[method] * ab + best[method] ** 2 * bb) / (aa - 2 * ab + bb)
        curves[method] = aa - 2 * factors * ab + factors**2 * bb
    if not curves:
        return not_here("No method predicts a change.")
    helped = sorted((m for m in best if best[m] < 1 and gain[m] >= CLEAR_GAIN), key=lambda m: -gain[m])
    text = f"{len(helped)} of {len(best)} predictions would have a squared error at least {CLEAR_GAIN:.0%} lower if they said less"
    if helped:
        text += f", most of all {stage.name(helped[0])}: by {gain[helped[0]]:.0%} at {best[helped[0]]:.2f} times its changes"
    text += ". "
    order = stage.before
    behind = [stage.name(m) for m in order.defined if order.table.loc[m, "rank"] > order.table.loc["no_change", "rank"]]
    text += f"No change at all is {place(order, 'no_change')}" + (f", ahead of {names(behind)}" if behind else "") + "."
    if not helped:
        text += " Here no prediction is too large, so shrinking does not pay."
    numbers = stage.lines({f: {m: c[i] for m, c in curves.items()} for i, f in enumerate(factors)})
    return Reveal(
        bool(helped),
        text,
        numbers,
        "What does it earn to predict less?",
        "factor on every predicted change",
        "mean squared error (log expression²)",
    )


def duplicate(stage: Stage) -> Reveal:
    """Half of the cells against the training mean, on every metric that gives one value a perturbation."""
    layers = stage.benchmark.layers
    if "half_b" not in layers:
        return not_here("It needs the means of two halves of the cells.")
    if why := lacks(stage, "mean"):
        return not_here(why)
    with_copy = stage.benchmark.with_predictions(DUPLICATE, "Technical duplicate", {"": layers["half_b"]}, "control")
    evaluation = Evaluation(with_copy, stage.evaluation.parts, "half_a")
    methods = (DUPLICATE, "mean")
    rows = view_rows(evaluation, stage.start, methods)
    pairs = offered_pairs(evaluation, stage.start.subset)
    settings = [(m, r) for m, r in pairs if parse_metric(m)[0].card.unit == "perturbation"]
    share, lost, undefined = {}, [], []
    for (metric, reference), scores in score_many(evaluation, settings, stage.start.subset, methods, rows).items():
        label = metric_label(metric, reference)
        ranking = rank(scores)
        if len(ranking.defined) < 2:
            undefined.append(label)
            continue
        own, other = scores.card.goodness(scores.values)
        share[label] = float(np.mean((own > other)[~np.isnan(own) & ~np.isnan(other)]))
        if ranking.defined[0] != DUPLICATE or not ranking.separable(*methods):
            lost.append(label)
    if not share:
        return not_here("The perturbation mean has a defined score on no metric.")
    won = len(share) - len(lost)
    text = f"Half of the cells predict the other half clearly better than the perturbation mean on {won} of {len(share)} metrics"
    if lost:
        text += f", but not on {names(lost)}: there a replicate of the experiment cannot be told from an average, or loses to it"
    else:
        text += ": here no metric prefers the average"
    text += f". Undefined for the mean: {names(undefined)}." if undefined else "."
    numbers = pd.DataFrame(
        {"method": DUPLICATE, "name": "Technical duplicate", "x": list(share), "value": list(share.values())}
    )
    return Reveal(
        bool(lost),
        text,
        numbers.sort_values("value")[COLUMNS],
        "On how many perturbations does the replicate beat the mean?",
        "metric",
        "share of perturbations won",
    )


def company(stage: Stage) -> Reveal:
    """Centroid accuracy of the same perturbations among all others and among similar ones only."""
    evaluation, rows = stage.evaluation, stage.rows()
    (part,) = resolve(stage.start.subset, evaluation, rows[:1])
    genes = None if part.genes is None else np.ravel(part.genes)
    block = evaluation.rows["block"].to_numpy()[rows]
    crowd = np.zeros(len(rows), bool)
    for label in np.unique(block):
        here = np.flatnonzero(block == label)
        truth = evaluation.truth(rows[here], genes)
        distance = np.linalg.norm(truth - truth.mean(axis=0), axis=1)
        if len(here) >= 6:
            crowd[here[np.argsort(distance, kind="stable")[: len(here) // 2]]] = True
    if not crowd.any():
        return not_here("It needs at least six perturbations of one seed and context.")
    among_all = score(evaluation, "centroid_accuracy", subset=stage.start.subset, rows=rows)
    informed = average(among_all.values, "mean") > 0.55  # a constant prediction is at chance in any company
    among_all = among_all.select(keep=crowd)
    among_crowd = score(evaluation, "centroid_accuracy", subset=stage.start.subset, rows=rows[crowd])
    wide, close = (pd.Series(average(s.values, "mean"), index=s.methods) for s in (among_all, among_crowd))
    drop = (wide - close)[informed].dropna()
    if drop.empty:
        return not_here("No method is better than chance at finding its own perturbation.")
    holds = bool((drop > 0).mean() > 0.5 and drop.max() >= 0.01)
    worst = drop.idxmax()
    moved = wide[drop.index].rank(ascending=False).ne(close[drop.index].rank(ascending=False)).sum()
    text = (
        f"The {among_crowd.rows['perturbation'].nunique()} perturbations nearest the centre, with the same predictions: compared with "
        f"everyone {stage.name(worst)} gets {wide[worst]:.2f}, compared with one another {close[worst]:.2f}. "
        f"{int((drop > 0).sum())} of {len(drop)} methods lose, and {int(moved)} change places."
    )
    if not holds:
        text += " Here the company hardly matters: even similar perturbations are told apart."
    return Reveal(
        holds,
        text,
        stage.lines({"among all": wide, "among similar ones": close}),
        "What do similar perturbations cost?",
        "compared with",
        "mean centroid accuracy",
    )


def no_change_recall(stage: Stage) -> Reveal:
    """Who is clearly ahead of no change at finding non-additive pairs."""
    if why := lacks(stage, "no_change"):
        return not_here(why)
    before, after = stage.before, stage.ranking(stage.after)
    table = before.table
    if np.isnan(own := table.loc["no_change", "score"]):
        return not_here(table.loc["no_change", "reason"])
    others = [
        m for m in before.defined if m not in ("no_change", "half_sum")
    ]  # the half-sum orders pairs as no change does
    ahead = [m for m in others if table.loc[m, "score"] > AHEAD * own]
    rows = stage.evaluation.rows.iloc[stage.rows()]
    pairs = rows[rows["n_perturbed"] == 2].groupby("block").size().mean() * before.scores.n_genes.max()
    text = f"Among its first 500 calls no change finds {own:.1%} of the non-additive pairs; a random choice would find {min(500 / pairs, 1):.1%}. "
    text += (
        f"Clearly ahead of it: {names([stage.name(m) for m in ahead])}, " if ahead else "Clearly ahead of it: none, "
    )
    text += f"{len(ahead)} of {len(others)} methods. By L2 distance no change is {place(after, 'no_change')}."
    holds = len(ahead) < len(others) / 2 or not others
    if not holds:
        text += " So here it is not hard to beat."
    return Reveal(
        bool(holds),
        text,
        stage.lines({"recall": table["score"]}),
        "Who finds more interactions than no change?",
        "",
        "share of non-additive pairs found",
    )


def averages(stage: Stage) -> Reveal:
    """Ranks by mean, by median and by mean of ranks; what no change would get with a control of its own."""
    scores = stage.before.scores
    card = scores.card
    columns = {
        "mean": ranks(average(scores.values, "mean"), card),
        "median": ranks(average(scores.values, "median"), card),
        "mean of ranks": ranks(average(ranks(scores.values.T, card).T, "mean"), CATALOGUE["l2"].card),
    }
    table = pd.DataFrame(columns, index=list(scores.methods))
    moved = table.index[(table.max(axis=1) - table.min(axis=1)) >= 1]
    if len(moved):
        spread = (table.max(axis=1) - table.min(axis=1))[moved].idxmax()
        places = ", ".join(f"{ordinal(v)} by {k}" for k, v in table.loc[spread].items())
        text = f"{len(moved)} of {int(table['mean'].notna().sum())} methods change places with the average; {stage.name(spread)} is {places}. "
    else:
        text = "Mean, median and mean of ranks give the same order here. "
    gained = _own_control(stage)
    if not np.isnan(gained):
        text += (
            f"No change has no score against the measured control; if it could bring a control of its own (the training mean, "
            f"mirrored at control) it would get {gained:.2f}. So truth and prediction share the measured control here."
        )
    numbers = stage.lines({k: table[k] for k in columns})
    return Reveal(
        bool(len(moved) or gained > 0.1),
        text.strip(),
        numbers,
        "Does the order survive another average?",
        "how values become one score",
        "rank (1 = best)",
        "rank",
    )


def _own_control(stage: Stage) -> float:
    """Mean Pearson delta of no change where its own change is taken from a control chosen to please; NaN if unknown."""
    if lacks(stage, "no_change", "mean"):
        return np.nan
    rows = sample(stage.rows())
    values = []
    for part in resolve(stage.start.subset, stage.evaluation, rows):
        measured = stage.evaluation.reference("control", part.rows, part.genes)
        chosen = 2 * measured - stage.evaluation.prediction("mean", part.rows, part.genes)
        predicted = stage.evaluation.prediction("no_change", part.rows, part.genes) - chosen
        values.append(pearson(stage.evaluation.truth(part.rows, part.genes) - measured, predicted))
    return float(average(np.concatenate(values), "mean"))
