"""Sentences computed from the data: what leads, what changed, what cannot be told apart. Markdown, names escaped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from perturbviz import stats
from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.benchmark import LEFT_OUT, SEEN, SEEN_NOTE
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.metrics import Card
from perturbviz.panels.figures.text import percent
from perturbviz.scoring.genesets import LABELS as GENE_LABELS
from perturbviz.scoring.genesets import key_in_words
from perturbviz.scoring.rankings import Ranking, n_units, one_value_a_set, too_few
from perturbviz.scoring.references import LABELS as REFERENCE_LABELS
from perturbviz.scoring.scores import PREDICTS_NONE, Scores
from perturbviz.scoring.view import DEFAULT_N, ROWS, SIZES, View, card_name, metric_name
from perturbviz.stats import MIN_UNITS
from perturbviz.stats.ranks import ordinal

#: Parts of the split as figures name them.
SPLIT_LABELS = {"held-out": "held out", "all": "all parts of the split", "train": "training"}


@lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """A name from a file inside Markdown, shown letter by letter.

    Addresses stay links: what is shown is where they lead, and nothing is loaded before a click.
    """
    line = " ".join(str(text).split())
    line = re.sub(r"([\\`*_{}\[\]()#+!|<>~$:&])", r"\\\1", line)
    return re.sub(r"^([0-9]*)([-.=])", r"\1\\\2", line)  # what would begin a list


def names(items: list[str]) -> str:
    """A, B and C."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def counted(n: int, one: str, many: str = "") -> str:
    """A number and what it counts: 1 perturbation, 1,200 perturbations."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def who_saw_the_truth(benchmark: Benchmark, name: Callable[[str], str] | None = None) -> str:
    """Footnote of the mark † that stands after their names; "" where no method has seen the truth. Plain text.

    Parameters
    ----------
    name
        What to call a method; as it was given where None.
    """
    who = [(name or benchmark.plain_name)(m) for m in benchmark.seeing]
    if not who:
        return ""
    return f"{SEEN} {names(who)} {'have' if len(who) > 1 else 'has'} seen the truth, as no real method can."


def footnoted(note: str, *texts: str) -> str:
    """A note with what † means, where a name in it or in the texts beside it carries the mark. Plain text."""
    marked = any(SEEN in text for text in (note, *texts)) and SEEN_NOTE not in note
    return f"{note} {SEEN_NOTE}".strip() if marked else note


def made_additive(benchmark: Benchmark) -> str:
    """That most gene–double pairs of simulated data are additive, which decides who leads; "" where unknown.

    Counted over the genes that a view opens on, the most expressed ones.
    """
    doubles = benchmark.n_perturbed == 2
    if not benchmark.simulated or "planted" not in benchmark.layers or not doubles.any() or not benchmark.has_control:
        return ""
    control = np.mean([benchmark.control(c) for c in benchmark.contexts], axis=0)
    genes = np.argsort(-control, kind="stable")[:DEFAULT_N]
    share = np.mean(benchmark.layers["planted"][np.ix_(doubles, genes)] == 0)
    if share <= 0.5:
        return ""
    return (
        f"{share:.0%} of the pairs of a double and an expressed gene are additive, so Additive is first by "
        "construction."
    )


def headline(ranking: Ranking) -> str:
    """Who is first, by how much, and whether the next ties with it."""
    lines, card = ranking.lines, ranking.scores.card
    order, leaders = ranking.defined, ranking.leaders
    if not order:
        return f"No shown method has a defined {card.name} here."
    what = card_name(card, ranking.scores.reference)
    first = names([f"**{escape(lines[m]['name'])}**" for m in leaders])
    text = (
        f"{first} {'is first' if len(leaders) == 1 else 'share first place'} by {what}: {lines[order[0]]['score']:.3g}"
    )
    if len(order) > len(leaders):
        second = lines[order[len(leaders)]]
        text += f", before **{escape(second['name'])}** with {second['score']:.3g}"
    return text + (f"; {certainty(ranking)}." if len(order) > 1 and certainty(ranking) else ".")


def certainty(ranking: Ranking) -> str:
    """Whether the others can be told apart from the first, without a full stop; "" where that cannot be asked."""
    order, leaders, lines = ranking.defined, ranking.leaders, ranking.lines
    first = lines[order[0]]
    if one_value_a_set(ranking.scores):
        return ""
    if first["n_units"] < MIN_UNITS:
        return too_few(first["n_units"], "to tell methods apart ")
    if np.isnan(first["low"]):
        return f"{first['interval'].removeprefix('none: ')}, so nothing can be told apart"
    tied = [m for m in order if m not in leaders and not ranking.separable(order[0], m)]
    if tied:
        whom = "it" if len(leaders) == 1 else "them"
        return f"{names([escape(lines[m]['name']) for m in tied])} {'ties' if len(tied) == 1 else 'tie'} with {whom}"
    if len(order) == len(leaders) or np.isnan(first["p_first"]):
        return ""
    return f"first in {percent(first['p_first'])} of bootstrap resamples"


def four_questions(view: View, scores: Scores, published: bool = False) -> str:
    """Which reference, which genes, which perturbations, which average: one line for under a number.

    Parameters
    ----------
    published
        Whether the scores are somebody else's: reference, genes and perturbations are then those of their source.
    """
    rows = scores.rows
    seeds = rows["seed"].nunique()
    distinct = n_units(rows)
    if published:
        name = card_name(scores.card, scores.reference)
        where = "given for every shown method" if view.rows == "common" else "as published"
        reference, genes = REFERENCE_LABELS[scores.reference], key_in_words(scores.genes)
    else:
        name = metric_name(view.metric, view.reference)
        where = predicted_by(scores) if view.rows == "common" else "each method's own"
        reference = REFERENCE_LABELS[view.reference]
        n = int(scores.n_genes.min()) if len(scores.n_genes) else 0
        genes = f"{GENE_LABELS[view.genes]}, {n:,}" + ("" if view.targets else " without the perturbed ones")
    if scores.card.unit == "perturbation" or published:
        over = counted(distinct, "perturbation") + (f" over {seeds} splits ({len(rows)} values)" if seeds > 1 else "")
    else:  # one value holds all of them
        sets = counted(distinct, "context") + ", " if distinct > 1 else ""
        over = f"all together, {sets}" + (f"one value for each of {seeds} splits" if seeds > 1 else "one value")
    return (
        f"**{escape(name)}** ({scores.card.arrow}) · reference: **{escape(reference)}** · genes: **{escape(genes)}** · "
        f"perturbations: **{over}**, {where} · average: **{view.avg}**"
    )


def about_view(view: View, source: Benchmark | ScoreTable) -> dict[str, str]:
    """What a figure that leaves the app says it is about: the data set, and the four questions of a view. Plain text.

    Unlike :func:`four_questions` without any scores, for every chart of every page.
    """
    simulated = " (simulated data: no real system is shown)" if source.simulated else ""
    published = isinstance(source, ScoreTable)
    reference = "as published" if published else REFERENCE_LABELS[view.reference]
    genes = "as published" if published else _genes(view) + ("" if view.targets else " without the perturbed ones")
    where = [SPLIT_LABELS.get(view.split, view.split)] + [SIZES[view.size]] * (view.size != "all")
    where += [f"context {view.context}"] * bool(view.context) + [f"split {view.seed}"] * bool(view.seed)
    where += [] if published else [ROWS[view.rows]]
    metric = view.metric if published else metric_name(view.metric, view.reference)
    return {
        "data_set": f"{source.title}{simulated}",
        "view": f"{metric} · reference: {reference} · genes: {genes} · perturbations: {', '.join(where)} · "
        f"average: {view.avg}",
        "source": f"{source_line(source)} · content {source.content_id}",
    }


def source_line(source: Benchmark | ScoreTable) -> str:
    """Where the data come from, in one line."""
    if isinstance(source, ScoreTable):
        known = {str(k): str(v) for k, v in (source.provenance or {}).items()}
        return " · ".join(dict.fromkeys(filter(None, [source.note, *known.values()]))) or "as published"
    known = {k: v for k, v in source.source.items() if k != LEFT_OUT and v}
    return " · ".join(dict.fromkeys(known.values())) or "not said in the file"


def predicted_by(scores: Scores) -> str:
    """Whose predictions the scored perturbations are common to, naming those that predict none."""
    none = [n for m, n in zip(scores.methods, scores.names, strict=True) if scores.reasons.get(m) == PREDICTS_NONE]
    return "predicted by every shown method" + (
        f" but {names([escape(n) for n in none])} (no prediction)" if none else ""
    )


def uncertainty(ranking: Ranking) -> str:
    """What the intervals are, and which neighbours in the order cannot be told apart."""
    order = ranking.defined
    if len(order) < 2:
        return ""
    if not ranking.certain:
        return f"No intervals: {ranking.lines[order[0]]['interval'].removeprefix('none: ')}."
    lines = "Lines: 95% intervals over perturbations, splits kept together. " + allowance(ranking)
    pairs = [
        f"{ranking.lines[a]['name']}–{ranking.lines[b]['name']}"
        for a, b in zip(order, order[1:], strict=False)
        if not ranking.separable(a, b)
    ]
    if not pairs:
        return lines + "No statistical ties between neighbours (paired intervals)."
    return lines + f"Statistical ties (paired intervals): {'; '.join(pairs)}."


def allowance(ranking: Ranking) -> str:
    """What intervals allow for, and what they are about; each sentence with a space after it."""
    text, shared = "", ranking.shared
    if shared:
        n, n_targets, what = shared
        text += (
            f"{what.capitalize()} that share a target are not independent; intervals allow for that "
            f"({n_targets} targets in {n:,} {what}) and are about other targets. "
        )
        if ranking.how == "median":
            text += "Those of medians are the bootstrap's, widened as much as those of the means. "
    if "block" in ranking.scores.card.needs:
        text += "Values share candidates; intervals are approximate. "
    return text


def _setting(old: Scores, new: Scores, before: View, after: View) -> str:
    """What was switched, in words."""
    parts = []
    if old.metric != new.metric:
        parts.append(f"{card_name(old.card, old.reference)} → {card_name(new.card, new.reference)}")
    elif old.reference != new.reference:
        parts.append(f"{REFERENCE_LABELS[old.reference]} → {REFERENCE_LABELS[new.reference]}")
    if (before.genes, before.n if before.genes in ("expressed", "de") else 0) != (
        after.genes,
        after.n if after.genes in ("expressed", "de") else 0,
    ):
        parts.append(f"{_genes(before)} → {_genes(after)}")
    if before.targets != after.targets:
        parts.append("with the perturbed genes" if after.targets else "without the perturbed genes")
    for field, word in (
        ("split", "split"),
        ("size", "targets"),
        ("context", "context"),
        ("seed", "seed"),
        ("rows", "perturbation set"),
        ("avg", "average"),
        ("truth", "truth"),
        ("ref_from", "mean over"),
    ):
        a, b = getattr(before, field), getattr(after, field)
        if a != b:
            parts.append(f"{word} {a or 'all'} → {b or 'all'}")
    if before.show != after.show:
        parts.append("shown methods changed")
    return ", ".join(parts)


def _genes(view: View) -> str:
    return GENE_LABELS[view.genes] + (f" ({view.n:,})" if view.genes in ("expressed", "de") else "")


def change(before: Ranking, after: Ranking, before_view: View, after_view: View) -> str:
    """What a switch did to the order: the lead, the largest moves, what became undefined and why."""
    switched = _setting(before.scores, after.scores, before_view, after_view)
    old, new = before.lines, after.lines
    parts, moves = [], []
    for m in (m for m in new if m in old):
        name, was, now = escape(new[m]["name"]), old[m]["rank"], new[m]["rank"]
        if not np.isnan(was) and np.isnan(now):
            why = new[m]["reason"].partition(":")[2].strip()
            parts.append(f"{name}, {ordinal(was)} before, has no score now" + (f" ({why})" if why else ""))
        elif np.isnan(was) and not np.isnan(now):
            parts.append(f"{name} now has a score ({ordinal(now)})")
        elif abs(was - now) >= 1:
            moves.append((abs(was - now), f"{name} goes from {ordinal(was)} to {ordinal(now)}"))
    parts += [sentence for _, sentence in sorted(moves, key=lambda move: -move[0])[:3]]
    if not parts:
        parts = ["the ranking stays the same"]
    return f"Switching {switched}: " + "; ".join(parts) + "." + lead_change(before, after)


def lead_change(before: Ranking, after: Ranking) -> str:
    """Who is first now and was not, or is first alone and was not, with a space before it; "" where nothing changed."""
    old, new = before.leaders, after.leaders
    if not old or not new or set(old) == set(new):
        return ""
    was, now = (names([escape(r.lines[m]["name"]) for m in r.leaders]) for r in (before, after))
    if not set(old) & set(new):
        return f" First was {was}, first now {'is' if len(new) == 1 else 'are'} **{now}**."
    return f" **{now}** is now first alone." if len(new) == 1 else f" **{now}** are now first together."


def alt_order(ranking: Ranking) -> str:
    """Alternative text of the order chart."""
    lines = [
        f"{ordinal(line['rank'])} {line['name']}" + ("" if np.isnan(line["score"]) else f" {line['score']:.3g}")
        for line in ranking.lines.values()
    ]
    return f"Ranking by {ranking.scores.card.name} ({ranking.scores.card.arrow}): {', '.join(lines)}."


def firsts(first: np.ndarray, names_: Sequence[str], most: int | None = None) -> str:
    """Who is first how often, in parts that add up: "A is first on 3, B on 1, A and B together on 1".

    Parameters
    ----------
    first
        (methods, columns) bool: who has, or shares, the first place of each column.
    most
        How many parts are named; the others are counted together.
    """
    count = Counter(tuple(map(int, np.flatnonzero(column))) for column in first.T)
    undefined = count.pop((), 0)
    parts = sorted(count.items(), key=lambda part: (-part[1], len(part[0]), part[0]))
    said = [
        f"{names([str(names_[i]) for i in who])}{' together' * (len(who) > 1)}{' is first' * (at == 0)} on {n}"
        for at, (who, n) in enumerate(parts[:most])
    ]
    rest = sum(n for _, n in parts[len(said) :])
    return ", ".join(said + [f"others on {rest}"] * bool(rest) + [f"nobody on {undefined}"] * bool(undefined))


def bump_note(
    table: pd.DataFrame,
    labels: list[str],
    name: Callable[[str], str],
    silent: Sequence[int] = (),
    *,
    count: bool = True,
) -> str:
    """Who is first how often, and who moves most over the columns; ``silent`` ones count for neither (``no_vote``).

    ``count``: False where another sentence on the same screen counts, over more columns than are drawn.
    """
    uncounted = [labels[i] for i in silent]
    table = table.iloc[:, [i for i in range(len(labels)) if i not in silent]]
    ranks = table.to_numpy(float)
    known = ~np.isnan(ranks)
    if not known.any():
        return ""
    best, worst = np.where(known, ranks, np.inf), np.where(known, ranks, -np.inf)
    wins = firsts(stats.first(ranks.T).T, [name(m) for m in table.index])
    counted_ = f"Of {counted(table.shape[1], 'metric')}: {wins}. " if count else ""
    low, high = (np.where(known.any(axis=1), end, np.nan) for end in (best.min(axis=1), worst.max(axis=1)))
    widest = int(np.argmax(np.nan_to_num(high - low, nan=-1)))
    return (
        f"{counted_}{name(table.index[widest])} moves most, from "
        f"{ordinal(low[widest])} to {ordinal(high[widest])}."
        + (f" Not counted, as they say too little here: {', '.join(uncounted)}." if uncounted else "")
    )


def a_point_is(perturbations: pd.DataFrame) -> str:
    """What a point of a swarm is, where it stands for several values."""
    return " A point is a perturbation, the mean over its splits." if (perturbations["n"] > 1).any() else ""


def thinned(drawn: int, n: int, what: str = "drawn per method") -> str:
    """That ``drawn`` of ``n`` points are shown; "" where all are."""
    return f" {drawn} of {n:,} points {what}, extremes included." if drawn < n else ""


def spread(ranking: Ranking, how: str) -> str:
    """Which perturbation is hardest, and whether mean and median differ beyond chance."""
    scores, order = ranking.scores, ranking.defined
    if not order:
        return ""
    if scores.card.unit != "perturbation" and (scores.rows["perturbation"] == "*").all():
        return f"Red bar: {how}. One value holds all perturbations: a point is a split, none can be followed."
    lead, card = scores.values[scores.methods.index(order[0])], scores.card
    goodness = card.goodness(lead)
    at = int(np.nanargmin(goodness))
    text = f"Red bar: {how}. {ranking.lines[order[0]]['name']} is "
    if stats.tied(np.nanmin(goodness), np.nanmax(goodness), card.perfect):
        text += f"equal everywhere ({lead[at]:.3g})"
    else:
        text += f"worst on {scores.rows['perturbation'].iloc[at]} ({lead[at]:.3g})"
        mean, middle, error = ranking.skew(order[0])
        if abs(mean - middle) > 2 * error:
            text += f"; its mean ({mean:.3g}) and median ({middle:.3g}) differ by more than twice their standard error"
    undefined = [line["name"] for line in ranking.lines.values() if np.isnan(line["score"])]
    return text + (f". Undefined: {names(undefined)}." if undefined else ".")


def paired(ranking: Ranking, against: str, differences: np.ndarray, others: list[str]) -> str:
    """How often each method beats the one compared with, for the extremes, and who can be told apart."""
    card = ranking.scores.card
    base = ranking.scores.values[ranking.scores.methods.index(against)]
    wins, equal = {}, {}
    for method, difference in zip(others, differences, strict=True):
        sign = stats.signs(card.goodness(difference + base), card.goodness(base), card.perfect)[~np.isnan(difference)]
        wins[method], equal[method] = ((sign == k).sum() / max(len(sign), 1) for k in (1, 0))
    if not wins:
        return ""
    most = max(wins, key=wins.__getitem__)
    name = {m: line["name"] for m, line in ranking.lines.items()}
    text = f"{name[most]} is better than {name[against]} on {wins[most]:.0%} of the values"
    text += f" and equal on {equal[most]:.0%}. " if equal[most] else ". "
    if not ranking.certain:
        return text + f"No intervals: {ranking.lines[against]['interval'].removeprefix('none: ')}."
    alike = [name[m] for m in others if not ranking.separable(m, against)]
    if not alike:
        return text + "No statistical ties with it (paired 95% intervals)."
    return text + f"Statistical ties with it (paired 95% intervals): {names(alike)}."


def profile(perturbation: str, observed: np.ndarray, panels: list, genes: pd.Index) -> str:
    """The gene most methods miss most, and whether predictions are too small or too large."""
    errors = [np.abs(p.predicted - observed) for p in panels if not np.isnan(p.predicted).all()]
    if not errors:
        return f"No shown method predicts {perturbation}."
    missed = int(np.argmax(np.nanmedian(errors, axis=0)))
    text = f"The gene missed most (median over methods) is {genes[missed]} (observed {observed[missed]:.2f}). "
    size = np.sqrt(np.mean(observed**2))
    slopes = {
        p.name: np.sqrt(np.nanmean(p.predicted**2)) / size
        for p in panels
        if not np.isnan(p.predicted).all() and size > 0
    }
    moving = {k: v for k, v in slopes.items() if v > 1e-6}
    if moving:
        low, high = min(moving, key=moving.__getitem__), max(moving, key=moving.__getitem__)
        text += f"Relative to the observed size, {low} predicts {moving[low]:.0%} and {high} {moving[high]:.0%}. "
    return text + "Grey: density of all genes; points: the largest values and errors."


def followed(gene: str, observed: np.ndarray, panels: list, names_: np.ndarray) -> str:
    """Where a gene changes most, and who predicts it best over perturbations."""
    top = int(np.nanargmax(np.abs(observed)))
    errors = {p.name: np.nanmean((p.predicted - observed) ** 2) for p in panels if not np.isnan(p.predicted).all()}
    if not errors:
        return f"{gene} moves most in {names_[top]} ({observed[top]:.2f}). No shown method predicts it."
    best = min(errors, key=errors.__getitem__)
    return (
        f"{gene} moves most in {names_[top]} ({observed[top]:.2f}); over all perturbations {best} has the smallest "
        "squared error."
    )


def left_out(pairs: Iterable[tuple[str, str]]) -> str:
    """Which metrics were not computed because of their cost; without a full stop, for what can be done about it."""
    names = dict.fromkeys(metric_name(m) for m, _ in pairs)
    return (
        f"Not among them: {', '.join(names)}. Each compares every prediction with all perturbations, "
        "which takes minutes with so many"
    )


def parts_of_errors(names: Sequence[str], parts: np.ndarray) -> str:
    """How much of the best method's squared error is in which part, and what separates it from the next. Plain text.

    ``parts``: (methods, 3) shift, scale and pattern, best first.
    """
    if not len(parts) or not parts[0].sum() > 0:
        return ""
    labels = ("shift", "scale", "pattern")
    share = parts[0] / parts[0].sum()
    text = f"Of {names[0]}'s error {share[2]:.0%} is pattern, {share[1]:.0%} scale and {share[0]:.0%} shift."
    gap = parts[1] - parts[0] if len(parts) > 1 else np.zeros(3)
    if gap.sum() > 1e-6 * parts[0].sum():
        text += f" {names[1]} is worse mostly by {labels[int(np.argmax(gap))]}."
    return text


def overturn(ranks: pd.DataFrame, settings: list[str], name: Callable[[str], str], ranking: Ranking) -> str:
    """What another metric or reference on the same genes makes of the lead; who shares the first place keeps it.

    Nothing where there are too few perturbations to call a method first.
    """
    lead = ranking.leaders
    few = n_units(ranking.scores.rows) < MIN_UNITS and not one_value_a_set(ranking.scores)
    if not lead or ranks.empty or few:
        return ""
    kept = total = 0
    others: dict[tuple[str, ...], list[str]] = {}
    for first, setting in zip(stats.first(ranks.to_numpy(float).T), settings, strict=True):
        leads = tuple(ranks.index[first])
        total += bool(leads)
        if set(leads) & set(lead):
            kept += 1
        elif leads:
            others.setdefault(leads, []).append(setting)
    who = names([escape(name(m)) for m in lead])
    text = (
        f"On the same genes {who} {'is' if len(lead) == 1 else 'are'} first by **{kept} of {total}** metrics and "
        "references."
    )
    if others:
        listed = sorted(others.items(), key=lambda item: -len(item[1]))[:3]
        text += " One click overturns it: " + "; ".join(
            (
                f"{names([f'**{escape(name(m))}**' for m in methods])} {'is' if len(methods) == 1 else 'are'} first "
                f"by {at[0]}"
            )
            + (f" and {len(at) - 1} more" if len(at) > 1 else "")
            for methods, at in listed
        )
        rest = total - kept - sum(len(at) for _, at in listed)
        text += (f"; others by {rest}" if rest else "") + "."
    return text


def crossings(
    n: np.ndarray, averages: np.ndarray, methods: Sequence[str], name: Callable[[str], str], card: Card
) -> str:
    """Who is first at which number of genes: averages are (methods, n)."""
    first = stats.first(stats.ranks(card.goodness(averages).T, card.perfect))
    leads = [tuple(name(m) for m, yes in zip(methods, line, strict=True) if yes) for line in first]
    if not any(leads):
        return f"{card.name} is undefined for every shown method here."
    starts = [i for i, who in enumerate(leads) if who and (i == 0 or who != leads[i - 1])]
    said = [names(list(leads[i])) for i in starts]
    if len(said) == 1:
        return f"{said[0]} {'is' if len(leads[starts[0]]) == 1 else 'are'} first at every number of genes."
    spans = [f"{who} from {n[i]:,} genes" for who, i in zip(said, starts, strict=True)]
    listed = spans if len(spans) <= 5 else [*spans[:4], f"and {len(spans) - 4} more changes"]
    return f"First place changes {'once' if len(spans) == 2 else f'{len(spans) - 1} times'}: {'; '.join(listed)}."
