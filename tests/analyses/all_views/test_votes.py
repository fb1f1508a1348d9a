"""Which metrics have a vote among all views: none whose scale or truth is not known on the data."""

from __future__ import annotations

import numpy as np
import pytest

from perturbviz.analyses.all_views import sweep
from perturbviz.analyses.all_views.defensible import ViewFilter, defensible
from perturbviz.analyses.interactions.pairs import every_pair
from perturbviz.analyses.interactions.threshold import Threshold, fitted, usual_kind
from perturbviz.analyses.robustness import shares_of_views
from perturbviz.panels.captions import views as view_captions
from perturbviz.scoring.additivity import interaction_null
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score
from perturbviz.scoring.validity import default_view, no_vote
from tests.metrics.test_card_claims import evaluation

METRICS = ["l2", "sd_ratio", "average_precision", "auroc"]
CONVENTION = "not an error rate"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("demo", {"squared error", "variation"}),
        ("norman", {"squared error"}),
        ("carpool_thp1", {"squared error", "non-additive effects"}),
    ],
)
def test_metrics_without_a_known_scale_or_truth_have_no_vote(name, kept):
    e = evaluation(name)
    found = defensible(
        sweep(e, metrics=METRICS, base=default_view(e.benchmark), sizes=(100,), direct_sizes=(100, 1000))
    )
    assert set(found.frame["family"]) == kept | {"squared error"}
    assert {family for family, _ in found.left_out} >= {"variation", "non-additive effects"} - kept
    assert shares_of_views(found)["share"].sum() == pytest.approx(1)
    for family, why in found.left_out:
        assert family in view_captions.no_vote(found.left_out)
        assert why in view_captions.no_vote(found.left_out)


def test_a_metric_without_a_vote_counts_where_it_is_named():
    e = evaluation("demo")
    swept = sweep(e, metrics=METRICS, base=default_view(e.benchmark), sizes=(100,), direct_sizes=(100,))
    named = defensible(swept, ViewFilter(metrics=("average_precision",)))
    assert set(named.frame["metric"]) == {"average_precision"}


def test_the_null_decides_gene_set_by_gene_set():
    e = evaluation("carpool_thp1")
    for subset, fits in ((GeneSubset("all"), False), (GeneSubset("expressed", 1000), True)):
        null = interaction_null(e, subset)
        assert (null.doubt == "") is fits
        assert (no_vote("auroc", subset, e) == "") is fits
        assert (CONVENTION in score(e, "auroc", subset=subset, methods=["half_sum"]).note) is not fits


@pytest.mark.parametrize("subset", [GeneSubset("all"), GeneSubset("expressed", 1000)])
def test_the_note_of_a_metric_says_that_its_null_does_not_fit(subset):
    e = evaluation("demo")
    assert interaction_null(e, subset).null_misfit > 5
    for metric in ("nonadditive_recall", "nonadditive_precision", "average_precision", "auroc"):
        note = score(e, metric, subset=subset, methods=["half_sum"]).note
        assert CONVENTION in note
        assert f"misfit {interaction_null(e, subset).null_misfit:.0f}" in note


@pytest.mark.parametrize(("subset", "false"), [(GeneSubset("all"), 0.852), (GeneSubset("expressed", 1000), 0.013)])
def test_the_share_of_false_calls_of_the_demo(subset, false):
    e = evaluation("demo")
    pairs = every_pair(e, subset)
    called = fitted(pairs, subset, "effect").true(pairs)
    rows = pairs.evaluation.rows["obs"].to_numpy()[pairs.positions]
    planted = np.abs(e.benchmark.layers["planted"][rows][:, pairs.columns]) > 1e-3
    assert 1 - planted[called].mean() == pytest.approx(false, abs=0.01)
    note = score(e, "auroc", subset=subset, methods=["half_sum"]).note
    assert f"{1 - planted[called].mean():.0%} of the pairs called so are false" in note


@pytest.mark.parametrize(("subset", "false"), [(GeneSubset("all"), 0.0625), (GeneSubset("expressed", 1000), 0.0109)])
def test_significance_has_few_false_calls_in_the_demo_and_is_the_usual_rule_there(subset, false):
    pairs = every_pair(evaluation("demo"), subset)
    assert usual_kind(pairs) == "significance"
    by_significance = fitted(pairs, subset, "significance")
    assert by_significance.false_share(pairs) == pytest.approx(false, abs=0.01)
    assert "not an error rate" in by_significance.doubt
    assert Threshold("effect", -1, 1, by_significance.null, by_hand=True).doubt == ""


def test_without_standard_errors_the_usual_rule_is_size_and_nobody_knows_the_false_share():
    pairs = every_pair(evaluation("norman"), GeneSubset("all"))
    assert usual_kind(pairs) == "effect"
    assert np.isnan(fitted(pairs, GeneSubset("all")).false_share(pairs))
