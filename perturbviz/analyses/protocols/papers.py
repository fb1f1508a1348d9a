"""What papers and contests measure and how they conclude, as data.

A benchmark here holds means of cells, so some steps can only be approximated; each paper says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneKind, GeneSubset, subset_problem
from perturbviz.scoring.view import View

#: How a paper concludes; see :mod:`perturbviz.analyses.protocols.verdicts`.
Rule = Literal["below", "paired", "above", "calibrated", "scaled", "places"]


@dataclass(frozen=True)
class Measure:
    """One view of a paper: metric, reference and genes. Where genes are not defined on the data, all are taken."""

    metric: str
    reference: Literal["none", "control", "perturbation"] = "none"
    genes: GeneKind = "all"
    n: int = 1000

    def subset(self, evaluation: Evaluation) -> GeneSubset:
        """Genes of the measure on these data."""
        wanted = GeneSubset(self.genes, self.n)
        return GeneSubset("all") if subset_problem(wanted, evaluation) else wanted

    def view(self, evaluation: Evaluation, base: View) -> View:
        """The view that shows this measure alone, with the perturbations of ``base``."""
        subset = self.subset(evaluation)
        ref = base.ref if self.reference == "none" else self.reference
        changes = {"metric": self.metric, "ref": ref, "genes": subset.kind, "targets": True, "avg": "mean"}
        return base.with_(**changes, ref_from="train", n=base.n if subset.kind == "all" else subset.n)


@dataclass(frozen=True)
class Paper:
    """One paper or contest.

    Attributes
    ----------
    id, name, asks
        Id of links; name on screen; the question its rule answers.
    measures, rule
        What it measures, and how it concludes.
    concludes
        The rule in words.
    average, weighting, candidates, positive
        How values are averaged, genes weighted, retrieval candidates chosen, and which positive control there is; ""
        for none.
    differs
        What can only be approximated here, one sentence each.
    source
        Where it is written.
    """

    id: str
    name: str
    asks: str
    measures: tuple[Measure, ...]
    rule: Rule
    concludes: str
    average: str
    weighting: str = ""
    candidates: str = ""
    positive: str = ""
    differs: tuple[str, ...] = ()
    source: str = ""


_MEANS = "cells are tested there; here the data set's own DE p-values decide, where it holds any."
_NO_CELLS = "Distances between cells (E-distance, KL, Wasserstein) need cells: only its tables can be opened here."

PAPERS: dict[str, Paper] = {
    p.id: p
    for p in (
        Paper(
            "ahlmann-eltze",
            "Ahlmann-Eltze 2025",
            "Is any model better than the simple baseline?",
            (Measure("l2", "none", "expressed", 1000),),
            "below",
            "Doubles: a model is better where its mean L2 is below the additive baseline's. Singles: where the 95% "
            "bootstrap interval of its mean L2, divided by that of the mean baseline, lies below 1.",
            "mean over held-out perturbations of all splits",
            differs=("The paper pools 5 (2) splits; here these are the splits of the file.",),
            source="Nature Methods 2025, s41592-025-02772-6",
        ),
        Paper(
            "miller",
            "Miller 2025",
            "By metrics that tell a replicate from an empty prediction, is a model better than the empty one?",
            (
                Measure("mse"),
                Measure("wmse"),
                Measure("pearson_delta", "control"),
                Measure("pearson_delta", "perturbation"),
                Measure("r2_delta", "control"),
                Measure("r2_delta", "perturbation"),
                Measure("weighted_pearson_delta", "perturbation"),
                Measure("weighted_r2_delta", "perturbation"),
                Measure("centroid_accuracy"),
            ),
            "paired",
            "A metric counts where the replicate beats the empty prediction. A model is better by it where a paired "
            "one-sided t test says so (Bonferroni), and on the whole where more than half of the metrics agree.",
            "mean over perturbations, five folds",
            "squared min–max of the t statistic against the other perturbations",
            "held-out perturbations",
            "replicate (other half of the cells)",
            (
                "The five metrics restricted to DE genes are left out.",
                "Weights come from the file's DE scores; without any, the size of the change stands in.",
                "The interpolated duplicate needs p-values of the second half.",
            ),
            "Miller et al. 2025 (CellSimBench)",
        ),
        Paper(
            "systema",
            "Systema",
            "Does a model know more than what all perturbations share?",
            (Measure("pearson_delta", "perturbation"), Measure("centroid_accuracy")),
            "above",
            "A model is better where it beats the perturbation mean by every metric; where the mean is undefined, 0 is "
            "to be beaten.",
            "mean over perturbations",
            candidates="all observed profiles; here the held-out ones",
            differs=("The paper also takes the 20 most changed genes.",),
            source="Viñas Torné et al., Nature Biotechnology 2025",
        ),
        Paper(
            "sbb",
            "SBB",
            "How much of the way from an empty prediction to a replicate does a model cover?",
            (Measure("wmse"), Measure("weighted_pearson_delta", "perturbation"), Measure("r2_delta", "control")),
            "calibrated",
            "Score on the scale from the empty prediction to the replicate, for metrics whose bound discrimination "
            "exceeds ½. A model is better where it is above the empty one by more than half of them.",
            "mean over perturbations",
            "squared min–max of the DE statistic",
            "all perturbations",
            "replicate (other half of the cells)",
            ("The paper's scale has 0 at the replicate and 1 at the empty prediction.",),
            "Vollenweider & Bühlmann 2026",
        ),
        Paper(
            "vcc-2025",
            "Virtual Cell Challenge 2025",
            "Is a model better than the mean on the contest's scale?",
            (Measure("de_overlap@significant", "control"), Measure("pds"), Measure("mae")),
            "scaled",
            "Each metric on a scale from the perturbation mean (0) to perfection (1), cut off at 0, then the mean of "
            "all. A model is better above 0.",
            "mean over perturbations",
            candidates="all perturbations, the own target left out",
            differs=("Not the contest's number: " + _MEANS, "The contest let a prediction bring its own control."),
            source="Roohani et al. 2025; cell-eval",
        ),
        Paper(
            "vcc-2026",
            "Virtual Cell Challenge 2026",
            "Is a model better than the mean response on the contest's scale?",
            (
                Measure("pds_panel"),
                Measure("normalised_mse"),
                Measure("lfc_nmae", "control"),
                Measure("direction_fidelity", "control"),
                Measure("direction_reach", "control"),
            ),
            "scaled",
            "Each metric on a scale from the mean response (0) to perfection (1), then the mean of all, not cut off. A "
            "model is better above 0.",
            "mean over perturbations; one ratio for the MSE",
            candidates="300 perturbations, the targets of all left out",
            positive="split-half replicate; here perfection stands at 1",
            differs=(
                "Not the contest's number: " + _MEANS,
                "Its sixth metric, the Jaccard index of significant genes, needs p-values of the prediction.",
            ),
            source="cell-eval2, configs/vcc2026.yaml",
        ),
        Paper(
            "perturbench",
            "PerturBench",
            "Which method has the best mean rank?",
            (
                Measure("rmse"),
                Measure("cosine", "control"),
                Measure("perturbench_rank"),
                Measure("perturbench_rank@cosine"),
            ),
            "places",
            "Methods are ranked by each metric and ordered by their mean rank. A model is better where it comes before "
            "every baseline.",
            "mean over perturbations",
            candidates="the method's own predictions, ranked for each truth",
            differs=("Its log fold change takes a second logarithm; here it is the difference of means.",),
            source="Wu et al. 2024; altoslabs/perturbench",
        ),
        Paper(
            "scperturbench",
            "scPerturBench",
            "Which method has the best mean rank?",
            (Measure("mse", "none", "de", 100), Measure("pearson_delta", "control", "de", 100)),
            "places",
            "Methods are ranked by each metric and ordered by their mean rank. A model is better where it comes before "
            "every baseline.",
            "mean; ranks within each task there, of means here",
            differs=(_NO_CELLS,),
            source="bm2-lab/scPerturBench",
        ),
    )
}
