"""Defensible views: which of all views a person would accept, each question asked once, each family with one vote.

Two views are the same question where they cannot order methods differently: L2 and RMSE (one is the other times the
square root of the number of genes), DE overlap and the same beyond chance, n of all genes and all genes, "without
targets" where no target is measured, mean and median of two values. The MSE averages squares, so its mean can order
methods differently; it is a question of its own, but of the same family as L2. Every family of metrics has one vote,
spread evenly over its views.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.analyses.all_views.engine import Sweep
from perturbviz.analyses.all_views.grid import DIRECT_SIZES, canonical, has_targets
from perturbviz.metrics import parse_metric
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.validity import no_vote
from perturbviz.scoring.view import View, metric_name
from perturbviz.stats import ranks

#: Choices that make up a view.
FACTORS = ("metric", "reference", "genes", "n", "split", "average")
#: Metrics that ask the same question as another one.
SAME_QUESTION = {"rmse": "l2", "pds@l2": "centroid_accuracy", "overlap_beyond_chance": "de_overlap"}


@dataclass(frozen=True)
class ViewFilter:
    """Which views count as defensible; an empty field excludes nothing.

    Attributes
    ----------
    metrics, references, kinds
        Metric ids, references of delta metrics, kinds of gene subsets. A metric that has no vote on these data
        (:func:`perturbviz.scoring.validity.no_vote`) counts only where it is named here.
    targets
        Whether views with and without the perturbed genes themselves count.
    sizes
        Numbers of genes; where empty 20, 100, 1,000 and 5,000 as far as they are below all genes, so that metrics with
        many and with few numbers of genes have an equal say.
    splits, averages
        Labels of choices of rows ("held-out", "held-out:1", ...), and "mean" or "median".
    raw
        Count every view alike, instead of one vote for each family of metrics.
    """

    metrics: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    targets: tuple[bool, ...] = ()
    sizes: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    averages: tuple[str, ...] = ()
    raw: bool = False


@dataclass(frozen=True, eq=False)
class Views:
    """Views that count, and how the methods fare in them.

    Attributes
    ----------
    frame
        One line a view: the columns of ``FACTORS`` (genes: "all", "expressed", "de", each with "-targets" where the
        perturbed genes are left out), family, kind, targets, better, n_defined and vote.
    scores, goodness, ranks
        (views, methods): score, the same with higher better, rank (1 = best, mid-ranks, NaN where undefined).
    methods, names
        Slugs and display names.
    base
        View whose other fields all of them share.
    left_out
        (family, why) of metrics that have no vote on some or all genes.
    """

    frame: pd.DataFrame
    scores: np.ndarray
    goodness: np.ndarray
    ranks: np.ndarray
    methods: tuple[str, ...]
    names: tuple[str, ...]
    base: View
    left_out: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Number of views."""
        return len(self.frame)

    @property
    def vote(self) -> np.ndarray:
        """(views,) weight of each view; they sum to 1."""
        return self.frame["vote"].to_numpy()

    def view(self, i: int) -> View:
        """The view of a line, to open or to link to."""
        line = self.frame.iloc[i]
        split, _, seed = line["split"].partition(":")
        return self.base.with_(
            metric=line["metric"],
            ref=self.base.ref if line["reference"] == "none" else line["reference"],
            genes=line["kind"],
            n=self.base.n if line["kind"] == "all" else int(line["n"]),
            targets=bool(line["targets"]),
            split=split,
            seed=seed,
            avg=line["average"],
        )

    def select(self, keep: np.ndarray) -> Views:
        """Some of the views (bool mask or positions), votes as they are."""
        return Views(
            self.frame[keep].reset_index(drop=True)
            if keep.dtype == bool
            else self.frame.iloc[keep].reset_index(drop=True),
            self.scores[keep],
            self.goodness[keep],
            self.ranks[keep],
            self.methods,
            self.names,
            self.base,
            self.left_out,
        )


def defensible(sweep: Sweep, choice: ViewFilter | None = None) -> Views:
    """The views of a sweep that pass a filter, each question once, with votes; views that rank nobody are left out."""
    choice = choice or ViewFilter()
    g = sweep.evaluation.benchmark.adata.n_vars
    settings, left_out = _settings(sweep, choice, g)
    splits = [i for i, s in enumerate(sweep.splits) if not choice.splits or s.label in choice.splits]
    hows = [i for i, how in enumerate(sweep.hows) if not choice.averages or how in choice.averages]
    v, s, h = (a.ravel() for a in np.meshgrid(settings["setting"], splits, hows, indexing="ij"))
    frame = settings.loc[np.repeat(settings.index, len(splits) * len(hows))].reset_index(drop=True)
    frame["split"] = np.array([c.label for c in sweep.splits], object)[s]
    frame["average"] = np.array(sweep.hows, object)[h]
    scores = sweep.scores[v, s, h]
    goodness = np.where((frame["better"] == "lower").to_numpy()[:, None], -scores, scores)
    one = (frame["better"] == "one").to_numpy()
    goodness[one] = -np.abs(scores[one] - 1)
    frame["n_defined"] = (~np.isnan(goodness)).sum(axis=1)
    keep = (frame["n_defined"] > 1).to_numpy() & ~_two_values(sweep, frame, s, h, len(hows))
    frame = frame[keep].drop(columns="setting").reset_index(drop=True)
    size = frame.groupby("family")["family"].transform("size") * frame["family"].nunique()
    frame["vote"] = 1 / len(frame) if choice.raw and len(frame) else 1 / size
    ranked = ranks(goodness[keep], [parse_metric(m)[0].card.perfect for m in frame["metric"]])
    return Views(frame, scores[keep], goodness[keep], ranked, sweep.methods, sweep.names, sweep.base, left_out)


def _settings(sweep: Sweep, choice: ViewFilter, g: int) -> tuple[pd.DataFrame, tuple[tuple[str, str], ...]]:
    """Settings that pass the filter, each question once; and (family, why) of those without a vote."""
    sizes = choice.sizes or tuple(n for n in DIRECT_SIZES if n < g)
    matter = has_targets(sweep.evaluation)
    seen, lines = set(), []
    left_out: dict[tuple[str, str], None] = {}
    for i, setting in enumerate(sweep.settings):
        subset = canonical(setting.subset, g, matter)
        if (
            (choice.metrics and setting.metric not in choice.metrics)
            or (choice.references and setting.reference not in ("none", *choice.references))
            or (choice.kinds and subset.kind not in choice.kinds)
            or (choice.targets and subset.targets not in choice.targets)
            or (subset.kind != "all" and subset.n not in sizes)
        ):
            continue
        question = SAME_QUESTION.get(setting.metric, setting.metric), setting.reference, subset
        if question in seen:
            continue
        if setting.metric not in choice.metrics and (why := no_vote(setting.metric, subset, sweep.evaluation)):
            left_out[setting.card.family, why] = None
            continue
        seen.add(question)
        card = setting.card
        lines.append(
            (
                i,
                setting.metric,
                setting.reference,
                _genes(subset),
                g if subset.kind == "all" else subset.n,
                card.family,
                subset.kind,
                subset.targets,
                card.better,
            )
        )
    columns = ["setting", "metric", "reference", "genes", "n", "family", "kind", "targets", "better"]
    return pd.DataFrame(lines, columns=columns), tuple(left_out)


def _genes(subset: GeneSubset) -> str:
    return subset.kind + ("" if subset.targets else "-targets")


def _two_values(sweep: Sweep, frame: pd.DataFrame, split: np.ndarray, how: np.ndarray, n_hows: int) -> np.ndarray:
    """Views whose average is of at most two values and not the first one offered: mean and median are the same."""
    if n_hows < 2:
        return np.zeros(len(frame), bool)
    block = sweep.evaluation.rows["block"].to_numpy()
    n_rows = np.array([len(p) for p in sweep.positions])
    n_blocks = np.array([len(np.unique(block[p])) for p in sweep.positions])
    per_set = frame["metric"].map(lambda m: parse_metric(m)[0].card.unit != "perturbation").to_numpy(bool)
    return (np.where(per_set, n_blocks[split], n_rows[split]) <= 2) & (how != how.min(initial=0))


def in_words(view: View, n_genes: int | None = None) -> str:
    """A view as people say it: "Pearson delta vs the control mean on the 100 most changed genes ..."."""
    genes = {
        "all": "all genes" if n_genes is None else f"all {n_genes:,} genes",
        "expressed": f"the {view.n:,} most expressed genes",
        "de": f"the {view.n:,} genes that changed most",
        "own": f"{len(view.own)} genes of your own",
    }[view.genes]
    rows = {
        "held-out": "held-out perturbations",
        "test": "test perturbations",
        "val": "validation perturbations",
        "train": "training perturbations",
        "all": "all perturbations",
    }[view.split]
    return (
        f"{metric_name(view.metric, view.reference)} on {genes}"
        + ("" if view.targets else " without the perturbed genes")
        + f", {view.avg} over the {rows}"
        + (f" of split {view.seed}" if view.seed else "")
    )
