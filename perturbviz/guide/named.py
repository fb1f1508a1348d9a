"""Views worth going to, one list for all: the menu of presets, the talk, the lessons and the steps of a presentation.

A named view says what differs from where the data open, so that it works on any data set that has what it needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.scoretable import ScoreTable
from perturbviz.errors import UserError
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.inputs import needs_problem
from perturbviz.scoring.validity import default_view, view_problem
from perturbviz.scoring.view import View

#: Data sets that have the same perturbations in another context beside them.
SECOND_CONTEXT = {"demo": "demo-b", "demo-b": "demo"}

Query = dict[str, list[str]]
Needs = Literal["", "doubles", "training", "replicate", "second data set"]


@dataclass(frozen=True)
class NamedView:
    """A view with a name.

    Attributes
    ----------
    id
        Name in the code; unique in :data:`VIEWS`, "" for a view that somebody keeps.
    title
        What is measured.
    finding
        What it shows or asks, "" where the title says all.
    changes
        Fields of the view that differ from where the data open.
    page
        Where it is shown.
    needs
        What it needs besides a view that makes sense: "doubles" (with their singles), "training" perturbations, a
        "replicate", or a "second data set" with the same perturbations, from which the linear model learns.
    more
        Further parameters of the link.
    """

    id: str
    title: str
    finding: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    page: str = "rankings"
    needs: Needs = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The finding, or the title where there is none: the heading of a slide."""
        return self.finding or self.title

    @property
    def label(self) -> str:
        """Finding and title in one line: "The mean does well: Pearson delta vs the control mean"."""
        return f"{self.finding}: {self.title}" if self.finding else self.title

    def view(self, source: Benchmark | ScoreTable | None, data: str = "") -> View:
        """The view it opens on these data; ``data``: their id, where the view's changes hold none."""
        start = default_view(source, data) if isinstance(source, Benchmark) else View(data=data) if data else View()
        return start.with_(**self.changes)

    def query(self, source: Benchmark | ScoreTable | None, data: str) -> Query:
        """Parameters of its link, never empty."""
        view = self.view(source, data)
        query = {"data": [view.data], **view.to_query(), **{k: [v] for k, v in self.more.items()}}
        if self.needs == "second data set" and data in SECOND_CONTEXT:
            query["recipe"] = [_pretrained(source, SECOND_CONTEXT[data])]
        return query

    def problem(self, source: Benchmark | ScoreTable, data: str = "demo") -> str:
        """What the data lack for it, as a sentence; "" where it can be shown."""
        if isinstance(source, ScoreTable):
            return "These data are scores only; this result needs predictions and truth gene by gene."
        if self.needs == "doubles" and (why := needs_problem(("additive", "thresholds"), source)):
            return f"This result {why}"
        if self.needs == "training" and not source.has_training:
            return "This result needs training perturbations, which these data do not hold."
        if self.needs == "second data set" and data not in SECOND_CONTEXT:
            return "This result needs a second data set with the same perturbations; load one, or choose the demo."
        if self.needs == "replicate" and not {"half_b", "se"} & set(source.adata.layers):
            return "This result needs a replicate: the means of half of the cells, or standard errors."
        try:
            return view_problem(self.view(source), Evaluation(source))
        except UserError as error:
            return str(error)


def _pretrained(source: Benchmark | ScoreTable | None, other: str) -> str:
    """The linear model that learns perturbations from another data set, as a parameter of the link."""
    from perturbviz.models.recipe import Recipe, data_source  # its regressions take long to import

    doubles = isinstance(source, Benchmark) and bool((source.n_perturbed > 1).any())  # else it predicts none
    return Recipe(perturbation=data_source(other), sum_doubles=doubles).link


_DELTA = {"metric": "pearson_delta", "ref": "control"}
_CENTROID = {"metric": "centroid_accuracy"}
_HALF = {"truth": "half_a"}

#: The one list, each view once; presets, talk and lessons name the ids below.
VIEWS = (
    NamedView("l2", "L2 distance", "How far off is every prediction?", {"metric": "l2"}),
    NamedView("mse", "MSE on highly expressed genes", "The talk's choice", {"metric": "mse", "genes": "expressed"}),
    NamedView("mse-all", "MSE on all genes", "Squared error rewards saying less", {"metric": "mse", "genes": "all"}),
    NamedView(
        "mse-de", "MSE on 100 DE genes", "Only the genes that changed", {"metric": "mse", "genes": "de", "n": 100}
    ),
    NamedView("rmse-all", "RMSE on all genes", "", {"metric": "rmse", "genes": "all"}),
    NamedView("rmse-de-20", "RMSE on 20 DE genes", "", {"metric": "rmse", "genes": "de", "n": 20}),
    NamedView("rmse-de-100", "RMSE on 100 DE genes", "", {"metric": "rmse", "genes": "de", "n": 100}),
    NamedView("rmse-de-1000", "RMSE on 1,000 DE genes", "", {"metric": "rmse", "genes": "de", "n": 1000}),
    NamedView("pearson", "Pearson correlation of profiles", "Always near 1", {"metric": "pearson"}),
    NamedView("delta-control", "Pearson delta vs the control mean", "The perturbation mean does well", _DELTA),
    NamedView("delta-all", "Pearson delta on all genes", "Blind to size", {**_DELTA, "genes": "all"}),
    NamedView("delta-median", "Median Pearson delta", "Another average", {**_DELTA, "avg": "median"}),
    NamedView(
        "delta-perturbation",
        "Pearson delta vs the perturbation mean",
        "Systema",
        {"metric": "pearson_delta", "ref": "perturbation"},
    ),
    NamedView("centroid", "Centroid accuracy", "Nearer to its own truth than to the others?", _CENTROID),
    NamedView("centroid-all", "Centroid accuracy on all genes", "Retrieval", {**_CENTROID, "genes": "all"}),
    NamedView("centroid-test", "Centroid accuracy, test only", "Fewer others", {**_CENTROID, "split": "test"}),
    NamedView(
        "recall",
        "Recall of non-additive pairs",
        "How many of the non-additive pairs are found, against no change",
        {"metric": "nonadditive_recall"},
        needs="doubles",
    ),
    NamedView("mse-replicate", "MSE against half of the cells", "", {"metric": "mse", **_HALF}, more={"controls": "1"}),
    NamedView(
        "delta-replicate",
        "Pearson delta against half of the cells",
        "",
        {**_DELTA, **_HALF},
        more={"controls": "1"},
    ),
    # -- other pages
    NamedView(
        "errors-l2",
        "L2 distance",
        "Prediction error of every method, one point per perturbation",
        {"metric": "l2"},
        "errors",
    ),
    NamedView(
        "errors-delta",
        "Pearson delta vs the control mean",
        "The same by correlation of changes from control",
        _DELTA,
        "errors",
    ),
    NamedView(
        "errors-de",
        "L2 distance on 100 DE genes",
        "Does the ranking hold on other sets of genes?",
        {"metric": "l2", "genes": "de", "n": 100},
        "errors",
    ),
    NamedView(
        "classes",
        "Classes of interactions",
        "Which effects of doubles are not additive, and of what kind",
        page="interactions",
        needs="doubles",
        more={"ix": ""},
    ),
    NamedView(
        "calls",
        "Precision of predicted interactions",
        "Of the pairs predicted most non-additive, how many are?",
        page="interactions",
        needs="doubles",
        more={"ix": "finds"},
    ),
    NamedView("linear", "Linear model", "How far a linear model gets", page="linear_model", needs="training"),
    NamedView(
        "pretrained",
        "Pre-trained linear model",
        "A linear model that learnt from another data set",
        page="linear_model",
        needs="second data set",
    ),
    NamedView(
        "shared-shift",
        "Pearson delta vs the control mean",
        "Systematic differences raise the correlation of changes from control",
        _DELTA,
    ),
    NamedView(
        "no-shared-shift",
        "Pearson delta vs the perturbation mean",
        "The same with the perturbation mean as reference",
        {"metric": "pearson_delta", "ref": "perturbation"},
    ),
    NamedView(
        "replicate",
        "Squared error weighted by differential expression",
        "Can a metric tell a replicate from the perturbation mean?",
        {"metric": "wmse"},
        "calibration",
        "replicate",
    ),
)
_BY_ID = {view.id: view for view in VIEWS}


def named(*ids: str) -> tuple[NamedView, ...]:
    """Views of these ids, in this order."""
    return tuple(_BY_ID[i] for i in ids)


#: What the menu "Jump to a view" offers.
PRESETS = named("l2", "mse", "pearson", "delta-control", "delta-perturbation", "centroid-all", "mse-de")
#: What a report shows where no view is asked for, as far as the data allow.
USUAL = named("l2", "delta-control", "delta-perturbation", "centroid-all")
#: The results of the talk in its order.
TALK = named(
    "errors-l2",
    "errors-delta",
    "errors-de",
    "classes",
    "calls",
    "recall",
    "linear",
    "pretrained",
    "centroid",
    "shared-shift",
    "no-shared-shift",
    "replicate",
)
