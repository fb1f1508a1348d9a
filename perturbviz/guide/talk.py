"""The talk in twelve links: for every result it shows, the page and view that show the same on the loaded data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.inputs import needs_problem
from perturbviz.scoring.validity import default_view, view_problem
from perturbviz.scoring.view import View

#: Benchmarks that have the same perturbations in another context beside them.
SECOND_CONTEXT = {"demo": "demo-b", "demo-b": "demo"}


@dataclass(frozen=True)
class TalkLink:
    """One result of the talk.

    Attributes
    ----------
    title
        What the slide shows.
    page, changes
        Page, and the fields of the view that differ from where the data open.
    needs
        What the page needs besides the view: "doubles" (with their singles), "training" perturbations, "halves", or "".
    pretrained
        Whether the linear model learns perturbations from another data set, which only the demo has beside it.
    part
        Part of the Interactions page; None on the other pages.
    """

    title: str
    page: str
    changes: Mapping[str, Any]
    needs: str = ""
    pretrained: bool = False
    part: str | None = None

    def query(self, data: str, source: Benchmark | ScoreTable | None = None) -> dict[str, list[str]]:
        """Parameters of the link, never empty; where the data are at hand, with what they open on besides."""
        view = self.view(source, data) if isinstance(source, Benchmark) else View(data=data).with_(**self.changes)
        query = {"data": [data], **view.to_query()}
        if self.part is not None:
            query["ix"] = [self.part]
        if self.pretrained and data in SECOND_CONTEXT:
            sums = isinstance(source, Benchmark) and bool(
                (source.n_perturbed > 1).any()
            )  # else it predicts no combination
            from perturbviz.models.recipe import Recipe, data_source  # its regressions take long to import

            query["recipe"] = [Recipe(perturbation=data_source(SECOND_CONTEXT[data]), sum_doubles=sums).link]
        return query

    def view(self, benchmark: Benchmark, data: str = "demo") -> View:
        """The view it opens on a benchmark."""
        return default_view(benchmark, data).with_(**self.changes)

    def problem(self, source: Benchmark | ScoreTable, data: str = "demo") -> str:
        """What the loaded data lack for it, as a sentence; "" where it can be shown."""
        if isinstance(source, ScoreTable):
            return "These data are scores only; this result needs predictions and truth gene by gene."
        if self.needs == "doubles" and (why := needs_problem(("additive", "thresholds"), source)):
            return f"This result {why}"
        if self.needs == "training" and not source.has_training:
            return "This result needs training perturbations, which this benchmark does not hold."
        if self.pretrained and data not in SECOND_CONTEXT:
            return "This result needs a second data set with the same perturbations; load one, or choose the demo."
        if self.needs == "halves" and not {"half_b", "se"} & set(source.adata.layers):
            return "This result needs a replicate: the means of half of the cells, or standard errors."
        try:
            return view_problem(self.view(source), Evaluation(source))
        except UserError as error:
            return str(error)


TALK = (
    TalkLink("Prediction error of every method, one point a perturbation", "errors", {"metric": "l2"}),
    TalkLink(
        "The same by correlation of changes from control", "errors", {"metric": "pearson_delta", "ref": "control"}
    ),
    TalkLink("Does the order hold on other sets of genes?", "errors", {"metric": "l2", "genes": "de", "n": 100}),
    TalkLink(
        "Which effects of combinations are not additive, and of what kind", "interactions", {}, "doubles", part=""
    ),
    TalkLink("Of the pairs called most non-additive, how many are?", "interactions", {}, "doubles", part="finds"),
    TalkLink(
        "How many of the non-additive pairs are found, against no change",
        "rankings",
        {"metric": "nonadditive_recall"},
        "doubles",
    ),
    TalkLink("How far a linear model gets", "linear_model", {}, "training"),
    TalkLink("A linear model that learnt from another data set", "linear_model", {}, "training", True),
    TalkLink(
        "Is a prediction nearer to its own truth than to the others?", "rankings", {"metric": "centroid_accuracy"}
    ),
    TalkLink(
        "Systematic differences raise the correlation of changes from control",
        "rankings",
        {"metric": "pearson_delta", "ref": "control"},
    ),
    TalkLink(
        "The same with the perturbation mean as reference",
        "rankings",
        {"metric": "pearson_delta", "ref": "perturbation"},
    ),
    TalkLink(
        "Can a metric tell a replicate from the average? Squared error weighted by differential expression",
        "calibration",
        {"metric": "wmse"},
        "halves",
    ),
)
