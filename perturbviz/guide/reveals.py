"""What the loaded data say about each lesson: one function a lesson, from a stage to verdict, sentence and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from perturbviz.analyses.calibration.controls import CONTROL_NAMES, INTERPOLATED, positive_controls, with_controls
from perturbviz.analyses.calibration.variation import cosine_with_shift
from perturbviz.guide.stage import Reveal, Stage, cannot_be_asked, grade, lacks, place, sample, swaps
from perturbviz.metrics import CATALOGUE, parse_metric
from perturbviz.metrics.correlation import pearson
from perturbviz.panels.captions import counted, escape, names, ordinal
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import de_order, resolve
from perturbviz.scoring.rankings import Ranking, rank, ranks
from perturbviz.scoring.scores import Scores, score, score_many, view_rows
from perturbviz.scoring.validity import offered_pairs
from perturbviz.scoring.view import metric_label
from perturbviz.stats import average, signs

NEAR_ONE, NEARLY = 0.9, 0.8  # raw correlations that count as near 1, and as partly so
MOST, HALF = 0.8, 0.5  # of the leader's score: what the mean must reach to do well, and partly so
SHARED = 0.5  # mean cosine with the average shift from which perturbations share one
GAIN, SMALL_GAIN = 2, 1  # ranks
CLEAR_GAIN = 0.05  # of the error: what shrinking must save to count
SMALL_ERROR = 1e-12  # of the size of a prediction: what counts as no error at all
CHANCE, LOSS = 0.55, 0.01  # of centroid accuracy: above chance, and lost by the company
AHEAD = 1.1  # times no change's recall: clearly ahead of it
MODELS = 3  # that a lesson about models needs to hold
PODIUM = 3  # ranks to be guessed
# What can be guessed, in the order of the grades where these decide.
NEAR = (f"at least {NEAR_ONE}", f"{NEARLY} to {NEAR_ONE}", f"below {NEARLY}")
WHERE = ("in the first half", "in the second half", "last")
FOR = ("for half of them or more", "for fewer than half", "for none")
BEATEN = ("yes, than every replicate", "only than one of two replicates", "no")
LOSE = ("most lose accuracy", "most keep it")
AHEAD_OF = ("at most a third of the models", "up to half", "more than half")
CHANGES = ("two methods clearly change places", "ranks change, but not clearly", "no rank changes")


def pearson_near_one(stage: Stage) -> Reveal:
    """Raw correlation of every method, and of no change."""
    if why := lacks(stage, "no_change"):
        return cannot_be_asked(why)
    raw, after = stage.before.table["score"].dropna(), stage.ranking(stage.after).table["score"].dropna()
    empty = raw["no_change"]
    verdict = grade(empty >= NEAR_ONE, empty >= NEARLY)
    word = "already" if verdict == "holds" else "only"
    text = f"No change predicts no effect at all and {word} gets {empty:.3f}. "
    ends = (f"{raw[m]:.3f} ({stage.name(m)})" for m in (raw.idxmin(), raw.idxmax()))
    text += f"All {counted(len(raw), 'method')} lie between {' and '.join(ends)}. "
    if len(after) > 1:
        text += f"As correlations of changes the same predictions spread from {after.min():.2f} to {after.max():.2f}."
    elif len(after):
        text += f"As correlations of changes only {stage.name(after.index[0])} has a defined one: {after.iloc[0]:.2f}."
    else:
        text += "No method has a defined correlation of changes."
    if verdict != "holds":
        text += " Perturbed and control profiles differ more here than is usual, so raw Pearson is not near 1."
    return Reveal(
        verdict,
        text,
        stage.lines({"profiles": raw, "changes from control": after}),
        "How far apart are the methods, by profiles and by changes?",
        "what is correlated",
        "mean Pearson correlation",
        answer=(NEAR[0 if verdict == "holds" else 1 if verdict == "partly" else 2],),
        heroes=("no_change",),
    )


def mean_does_well(stage: Stage) -> Reveal:
    """The mean's share of the leader's correlation, and how much of a shift the perturbations share."""
    if why := lacks(stage, "mean"):
        return cannot_be_asked(why)
    before, after = stage.before, stage.ranking(stage.after)
    if "mean" not in before.defined or len(before.defined) < 2:
        return cannot_be_asked("It needs a Pearson delta of the mean and of another method.")
    own, first = before.lines["mean"], before.leaders
    best = before.lines[first[0]]["score"]
    share = own["score"] / best if best > 0 else np.nan
    beaten = [m for m in before.defined if before.lines[m]["rank"] > own["rank"]]
    shift = float(average(cosine_with_shift(stage.evaluation, sample(stage.rows())), "mean"))
    well = share >= MOST and shift >= SHARED and bool({*beaten} & {*stage.models})
    verdict = grade(well, share >= HALF)
    text = f"One and the same profile for every perturbation reaches {own['score']:.2f} and is {place(before, 'mean')}"
    text += f", ahead of {stage.names(beaten)}" if beaten else ", which is last" if "mean" not in first else ""
    if "mean" in first:
        text += ": it is first."
    else:
        who = (
            f"those ranked first, {stage.names(first)}, have"
            if len(first) > 1
            else f"{stage.name(first[0])}, ranked first, has"
        )
        text += f"; {who} {best:.2f}"
        text += f": the mean gets {share:.0%} of that." if best > 0 else "."
    text += (
        f" The observed changes share {'a strong' if shift >= SHARED else 'only a weak'} shift: "
        f"their mean cosine with the average training shift is {shift:.2f}."
    )
    if verdict == "not here":
        text += " So the mean does not do well here."
    chance = after.lines["mean"]["score"]
    if not np.isnan(chance):
        text += f" By centroid accuracy it gets {chance:.2f}: a constant prediction gets ½ whatever it is."
    return Reveal(
        verdict,
        text,
        stage.lines({"Pearson delta": before.table["score"], "centroid accuracy": after.table["score"]}),
        "How does the perturbation mean score on each metric?",
        "metric",
        "mean score",
        answer=(WHERE[2 if not beaten else 0 if 2 * own["rank"] <= len(before.defined) + 1 else 1],),
        heroes=("mean",),
    )


def mean_undefined(stage: Stage) -> Reveal:
    """The mean's score, and the order, under the other reference."""
    if why := lacks(stage, "mean"):
        return cannot_be_asked(why)
    before, after = stage.before, stage.ranking(stage.after)
    old, new = before.table["rank"], after.table["rank"]
    lost = bool(np.isnan(new["mean"]) and not np.isnan(old["mean"]))
    lead, clear = _new_lead(stage, before, after)
    if lost:
        why = after.lines["mean"]["reason"].partition(":")[2].strip()
        text = f"The mean goes from {place(before, 'mean')} to undefined: {escape(why)}."
    else:
        kept = after.lines["mean"]["score"]
        text = (
            "Here the mean has no score with either reference."
            if np.isnan(kept)
            else f"Here the mean keeps a score ({kept:.2f}), so it differs from the reference: other rows or contexts."
        )
    move = (old - new).dropna()
    if len(move) and move.max() >= 1:
        up = move.idxmax()
        text += f" {stage.name(up)} goes from {ordinal(old[up])} to {ordinal(new[up])}."
    return Reveal(
        grade(lost and clear, lost),
        text + lead,
        stage.lines({"control": before.table["score"], "perturbation mean": after.table["score"]}),
        "What does the other reference do to each score?",
        "reference",
        "mean Pearson delta",
        answer=tuple(after.leaders) if after.defined else (),
        heroes=("mean", *(after.leaders if after.defined else ())),
    )


def _new_lead(stage: Stage, before: Ranking, after: Ranking) -> tuple[str, bool]:
    """Who is first now and was not alone before, in words ("" where nothing changed), and whether clearly."""
    if not before.defined or not after.defined:
        return "", False
    old, new = before.leaders, after.leaders
    if len(after.defined) == 1:
        return f" Only {stage.name(new[0])} has a score then.", False
    if old == new or {*old} == {*new}:
        return "", False
    if len(new) > 1:
        return f" {stage.names(new)} now share first place.", False
    rivals = [m for m in old if m in after.defined and m != new[0]] or after.defined[1:2]
    tied = [m for m in rivals if not after.separable(new[0], m)]
    unsure = f", in a statistical tie with {stage.names(tied)}" if tied else ""
    if new[0] in old:
        return f" {stage.name(new[0])} is now first alone{unsure}.", not tied
    return f" First was {stage.names(old)}; now it is {stage.name(new[0])}{unsure}.", not tied


def no_negatives(stage: Stage) -> Reveal:
    """Who gains on DE genes, and how much they predict on all the others."""
    before, after, n = stage.before, stage.ranking(stage.after), stage.after.n
    both = [m for m in before.defined if m in after.defined]
    if n >= stage.benchmark.adata.n_vars or len(both) < 2:
        return cannot_be_asked("It needs two methods, and more genes than the most changed ones.")
    old, new = before.table["rank"], after.table["rank"]
    move, size = (old - new)[both], _size_elsewhere(stage, both)
    over = move[(move >= SMALL_GAIN) & (size > 1)]
    clear = [m for m in over.index if over[m] >= GAIN and any(b == m for _, b in swaps(before, after))]
    up, down = over.idxmax() if len(over) else move.idxmax(), move.idxmin()
    if move[up] >= SMALL_GAIN:
        text = (
            f"On the {n} most changed genes {stage.name(up)} goes from {ordinal(old[up])} to {ordinal(new[up])}. "
            f"On all other genes it predicts changes {size[up]:.2f} times the observed size, and none of them counts. "
            f"{stage.name(down)} ({size[down]:.2f} times) goes from {ordinal(old[down])} to {ordinal(new[down])}."
        )
    else:
        text = "Nobody gains by it here."
    if not len(over):
        text += "" if move[up] < SMALL_GAIN else " So here it is not the over-predictors that gain."
        text += (
            f" The order by RMSE on all genes starts with {stage.names(before.leaders)}, "
            f"on the {n} most changed with {stage.names(after.leaders)}."
        )
    elif not clear:
        text += f" No method gains {GAIN} ranks clearly."
    return Reveal(
        grade(bool(clear), len(over) > 0),
        text,
        stage.lines({"all genes": old, f"{n} DE genes": new}),
        "Who gains where nothing can be a false positive?",
        "genes that count",
        "rank (1 = best)",
        "rank",
        answer=tuple(move.index[move == move[up]]) if move[up] >= SMALL_GAIN else ("",),
        heroes=(up, down),
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
    if len(by_n[grid[0]].defined) < 2:
        return cannot_be_asked("It needs two methods with a defined score.")
    first, last = by_n[grid[0]].leaders, by_n[grid[-1]].leaders
    swap = _clear_swap(by_n)
    orders = len({tuple(r.table["rank"].reindex(r.scores.methods)) for r in by_n.values()})
    text = (
        f"On {grid[0]} genes {stage.names(first)} {_are(first)} first, on all {total:,} {stage.names(last)}; "
        f"{len(grid)} gene-set sizes give {counted(orders, 'ranking')}."
    )
    if swap:
        a, b, few, many, _ = swap
        text += (
            f" {stage.name(a)} is clearly better than {stage.name(b)} on {few:,} genes and clearly worse on {many:,}."
        )
    elif orders > 1:
        text += " But no two methods change places clearly: what moves ties."
    else:
        text += " Here the number of genes does not matter."
    return Reveal(
        grade(swap is not None and swap[4], swap is not None),
        text,
        stage.lines({n: r.table["rank"] for n, r in by_n.items()}),
        "How does the order change with the number of genes?",
        "number of most changed genes that count",
        "rank (1 = best)",
        "rank log",
        answer=tuple(stage.ranking(stage.after).defined[:PODIUM]),
        heroes=swap[:2] if swap else (*first, *last),
    )


def _are(who: list[str]) -> str:
    return "are" if len(who) > 1 else "is"


def _clear_swap(rankings: Mapping[int, Ranking]) -> tuple[str, str, int, int, bool] | None:
    """(a, b, n, m, lead): a clearly before b at n, clearly behind it at m, and whether the one ahead leads there.

    Of several the one with a leader, then the one between the most distant places.
    """
    position = pd.DataFrame({n: r.table["rank"] for n, r in rankings.items()}).dropna()
    first = {n: r.leaders for n, r in rankings.items()}
    found = []
    for a in position.index:
        for b in position.index:
            gap = position.loc[b] - position.loc[a]
            few, many = gap.idxmax(), gap.idxmin()
            if gap[few] > 0 > gap[many] and few < many:
                found.append((a in first[few] or b in first[many], gap[few] - gap[many], a, b, few, many))
    for lead, _, a, b, few, many in sorted(found, key=lambda f: (not f[0], -f[1])):
        if rankings[few].separable(a, b) and rankings[many].separable(a, b):
            return a, b, few, many, lead
    return None


def shrinking(stage: Stage) -> Reveal:
    """Mean squared error against a factor on every predicted change, which is a parabola for each method."""
    if why := lacks(stage, "no_change"):
        return cannot_be_asked(why)
    evaluation, rows = stage.evaluation, sample(stage.rows())
    observed = evaluation.truth(rows) - (control := evaluation.reference("control", rows))
    factors = np.round(np.arange(0, 1.55, 0.05), 2)
    best, gain, curves = {}, {}, {}
    for method in evaluation.methods:
        predicted = evaluation.prediction(method, rows) - control
        have = ~np.isnan(predicted).any(axis=1)
        if not have.any() or not (predicted[have] ** 2).any():
            continue
        best[method], gain[method], curves[method] = shrunk(observed[have], predicted[have], factors)
    if not curves:
        return cannot_be_asked("No method predicts a change.")
    judged = [m for m in stage.models if m in best] or list(best)
    helped = sorted((m for m in judged if best[m] < 1 and gain[m] >= CLEAR_GAIN), key=lambda m: -gain[m])
    kind = "model" if set(judged) <= set(stage.models) else "baseline"
    text = (
        f"{len(helped)} of {counted(len(judged), kind)} would have a squared error at least {CLEAR_GAIN:.0%} lower "
        f"if {'it' if len(judged) == 1 else 'they'} said less"
    )
    if helped:
        top = helped[0]
        text += f", most of all {stage.name(top)}: by {gain[top]:.0%} at {best[top]:.2f} times its changes"
    text += ". "
    order = stage.before
    behind = [m for m in order.defined if order.lines[m]["rank"] > order.lines["no_change"]["rank"]]
    text += f"No change at all is {place(order, 'no_change')}" + (f", ahead of {stage.names(behind)}" if behind else "")
    text += "." if helped else ". Here no prediction is too large, so shrinking does not pay."
    return Reveal(
        grade(2 * len(helped) >= len(judged), len(helped) > 0),
        text,
        stage.lines({f: {m: c[i] for m, c in curves.items()} for i, f in enumerate(factors)}),
        "What does it earn to predict less?",
        "factor on every predicted change",
        "mean squared error (log expression²)",
        answer=(FOR[0 if 2 * len(helped) >= len(judged) else 1 if helped else 2],),
        heroes=tuple(helped[:1]),
    )


def shrunk(observed: np.ndarray, predicted: np.ndarray, factors: np.ndarray) -> tuple[float, float, np.ndarray]:
    """What a factor on all predicted changes does to the mean squared error.

    Parameters
    ----------
    observed, predicted
        (R, G) changes against control, without NaN; some predicted change is not zero.

    Returns
    -------
    The best factor (at least 0), the share of the error it saves (0 where there is no error), and the error at each of
    ``factors``.
    """
    aa, ab, bb = (
        float(np.mean(x * y)) for x, y in ((observed, observed), (observed, predicted), (predicted, predicted))
    )
    best, error = max(ab / bb, 0.0), aa - 2 * ab + bb
    gain = 0.0 if error <= SMALL_ERROR * bb else 1 - (aa - 2 * best * ab + best**2 * bb) / error
    return best, gain, aa - 2 * factors * ab + factors**2 * bb


def duplicate(stage: Stage) -> Reveal:
    """Replicates against the training mean, on every metric that gives one value a perturbation."""
    replicates = positive_controls(stage.benchmark, "half_a")
    if not replicates:
        return cannot_be_asked("It needs the means of two halves of the cells.")
    if why := lacks(stage, "mean"):
        return cannot_be_asked(why)
    controlled = with_controls(stage.benchmark, "half_a", negative=False)
    evaluation = Evaluation(controlled, stage.evaluation.parts, "half_a")
    methods = (*replicates, "mean")
    rows = view_rows(evaluation, stage.start, methods)
    pairs = offered_pairs(evaluation, stage.start.subset)
    settings = [(m, r) for m, r in pairs if parse_metric(m)[0].card.unit == "perturbation"]
    share: dict[str, dict[str, float]] = {}
    better: dict[str, list[str]] = {m: [] for m in replicates}
    worse: dict[str, list[str]] = {m: [] for m in replicates}
    undefined = []
    for (metric, reference), scores in score_many(evaluation, settings, stage.start.subset, methods, rows).items():
        label = metric_label(metric, reference)
        ranking = rank(scores)
        if len(ranking.defined) < len(methods):
            undefined.append(label)
            continue
        share[label] = {m: _won(scores, m) for m in replicates}
        for m in (m for m in replicates if ranking.separable(m, "mean")):
            ahead = ranking.lines[m]["rank"] < ranking.lines["mean"]["rank"]
            (better if ahead else worse)[m].append(label)
    if not share:
        return cannot_be_asked("The perturbation mean has a defined score on no metric.")
    text = " ".join(_replicate(m, better[m], worse[m], len(share)) for m in replicates[::-1])
    if INTERPOLATED in replicates:
        text += " The interpolated one contains the mean, so it beats it almost by construction."
    if not any(worse.values()):
        text += " So here no metric prefers the average."
    text += f" Undefined for the mean: {names(undefined)}." if undefined else ""
    order = sorted(share, key=lambda label: share[label][replicates[-1]])
    return Reveal(
        grade(all(worse.values()), any(worse.values())),
        text,
        pd.DataFrame(
            [(m, CONTROL_NAMES[m], label, share[label][m]) for m in replicates[::-1] for label in order],
            columns=["method", "name", "x", "value"],
        ),
        "On how many perturbations does a replicate beat the mean?",
        "metric",
        "share of perturbations won",
        "dots",
        answer=(BEATEN[0 if all(worse.values()) else 1 if any(worse.values()) else 2],),
    )


def _won(scores: Scores, method: str) -> float:
    """Share of the values on which a method is better than the mean."""
    values = scores.card.goodness(scores.values)
    own, other = (values[scores.methods.index(m)] for m in (method, "mean"))
    better = signs(own, other, scores.card.perfect) > 0
    return float(np.mean(better[~np.isnan(own) & ~np.isnan(other)]))


def _replicate(method: str, better: list[str], worse: list[str], total: int) -> str:
    """On how many metrics a replicate is clearly better and clearly worse than the mean."""
    tied = total - len(better) - len(worse)
    text = f"{CONTROL_NAMES[method]}: clearly better than the perturbation mean on {len(better)} of {total} metrics, "
    text += f"clearly worse on {len(worse)} ({names(worse)})" if worse else "clearly worse on none"
    return text + (f", tied on {tied}." if tied else ".")


def company(stage: Stage) -> Reveal:
    """Centroid accuracy of the same perturbations among all others and among similar ones only."""
    evaluation, rows = stage.evaluation, stage.rows()
    crowd = _crowd(stage, rows)
    if not crowd.any():
        return cannot_be_asked("It needs at least six perturbations of one seed and context.")
    among_all = score(evaluation, "centroid_accuracy", subset=stage.start.subset, rows=rows)
    informed = average(among_all.values, "mean") > CHANCE  # a constant prediction is at chance in any company
    chosen = [m for m, keep in zip(among_all.methods, informed, strict=True) if keep]
    if not chosen:
        return cannot_be_asked("No method is better than chance at finding its own perturbation.")
    among_crowd = score(evaluation, "centroid_accuracy", subset=stage.start.subset, rows=rows[crowd])
    before, after = rank(among_all.select(chosen, crowd)), rank(among_crowd.select(chosen))
    wide, close = before.table["score"], after.table["score"].reindex(before.table.index)
    drop = (wide - close).dropna()
    most = bool((drop > 0).mean() > 0.5 and drop.max() >= LOSS)
    crossed, worst = swaps(before, after), drop.idxmax()
    text = (
        f"Only the {among_crowd.rows['perturbation'].nunique()} perturbations nearest the centre count, with the same "
        f"predictions. Compared with everyone {stage.name(worst)} gets {wide[worst]:.2f}, compared with one another "
        f"{close[worst]:.2f}. {int((drop > 0).sum())} of {counted(len(drop), 'method')} lose"
    )
    text += (
        f", and {stage.name(crossed[0][0])} falls clearly behind {stage.name(crossed[0][1])}."
        if crossed
        else "; no two change places clearly."
    )
    if not most:
        text += " Here the company hardly matters: even similar perturbations are told apart."
    every = (pd.Series(average(s.values, "mean"), index=s.methods) for s in (among_all.select(keep=crowd), among_crowd))
    return Reveal(
        grade(most and bool(crossed), most),
        text,
        stage.lines(dict(zip(("among all", "among similar ones"), every, strict=True))),
        "What do similar perturbations cost?",
        "compared with",
        "mean centroid accuracy",
        answer=(LOSE[0 if most else 1],),
        heroes=(str(worst),),
    )


def _crowd(stage: Stage, rows: np.ndarray) -> np.ndarray:
    """The half of the perturbations of every seed and context that is nearest its centre: (R,) bool."""
    evaluation = stage.evaluation
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
    return crowd


def no_change_recall(stage: Stage) -> Reveal:
    """Which models are clearly ahead of no change at finding non-additive pairs."""
    if why := lacks(stage, "no_change"):
        return cannot_be_asked(why)
    before, after = stage.before, stage.ranking(stage.after)
    lines = before.lines
    if np.isnan(own := lines["no_change"]["score"]):
        return cannot_be_asked(lines["no_change"]["reason"])
    models = [m for m in before.defined if m in stage.models]
    if not models:
        return cannot_be_asked("It needs a model: these data hold baselines only.")
    ahead = [m for m in models if lines[m]["score"] > AHEAD * own]
    rows = stage.evaluation.rows.iloc[stage.rows()]
    pairs = rows[rows["n_perturbed"] == 2].groupby("block").size().mean() * before.scores.n_genes.max()
    text = (
        f"Among its first 500 calls no change finds {own:.1%} of the non-additive pairs; a random choice would find "
        f"{min(500 / pairs, 1):.1%}. Clearly ahead of it: {len(ahead)} of {counted(len(models), 'model')}"
    )
    text += f" ({stage.names(ahead)})." if ahead else "."
    text += f" By L2 distance no change is {place(after, 'no_change')}."
    verdict = grade(len(models) >= MODELS and 3 * len(ahead) <= len(models), 2 * len(ahead) <= len(models))
    if verdict == "not here":
        text += " So here it is not hard to beat."
    null = interaction_null(stage.evaluation, stage.start.subset)
    if not isinstance(null, str) and null.doubt:
        text += f" {null.doubt}"
    return Reveal(
        verdict,
        text,
        stage.lines({"recall": before.table["score"]}),
        "Who finds more interactions than no change?",
        "",
        "share of non-additive pairs found",
        answer=(AHEAD_OF[0 if 3 * len(ahead) <= len(models) else 1 if 2 * len(ahead) <= len(models) else 2],),
        heroes=("no_change",),
    )


def averages(stage: Stage) -> Reveal:
    """Ranks by mean, by median and by mean of ranks; what no change would get with a control of its own."""
    before, after = stage.before, stage.ranking(stage.after)
    scores = before.scores
    order = list(scores.methods)
    every = ranks(average(ranks(scores.values.T, scores.card).T, "mean"), CATALOGUE["l2"].card)
    table = pd.DataFrame(
        {
            "mean": before.table["rank"].reindex(order),
            "median": after.table["rank"].reindex(order),
            "mean of ranks": pd.Series(every, index=order),
        }
    )
    change = table.max(axis=1) - table.min(axis=1)
    moved, crossed = table.index[change >= 1], swaps(before, after)
    if len(moved):
        most = change[moved].idxmax()
        places = ", ".join(f"{ordinal(v)} by {k}" for k, v in table.loc[most].items())
        defined = counted(int(table["mean"].notna().sum()), "method")
        text = f"{len(moved)} of {defined} change rank with the average; {stage.name(most)} is {places}. "
        if crossed:
            a, b = crossed[0]
            text += (
                f"{stage.name(a)} is clearly ahead of {stage.name(b)} by the mean and clearly behind it by the median. "
            )
        else:
            text += "From mean to median no two methods change places clearly. "
    else:
        text = "Mean, median and mean of ranks give the same order here. "
    gained = _own_control(stage)
    if not np.isnan(gained):
        text += (
            "No change has no score against the measured control. If it could bring a control of its own "
            f"(the training mean, mirrored at control) it would get {gained:.2f}. "
            "So truth and prediction share the measured control here."
        )
    return Reveal(
        grade(bool(crossed), len(moved) > 0),
        text.strip(),
        stage.lines({k: table[k] for k in table}),
        "Does the order survive another average?",
        "how values become one score",
        "rank (1 = best)",
        "rank",
        answer=(CHANGES[0 if crossed else 1 if len(moved) else 2],),
        heroes=(change[moved].idxmax(),) if len(moved) else (),
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
