import numpy as np
import pytest

from perturbviz.analyses.interactions import PAPER_CLASSES, class_counts
from perturbviz.analyses.interactions.pairs import every_pair, make_pairs
from perturbviz.analyses.interactions.summary import false_calls, finding
from perturbviz.analyses.interactions.threshold import Threshold, fitted
from perturbviz.benchmark import load, save
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from tests.charts import figures
from tests.pages.conftest import ROOT

GENES = GeneSubset("expressed", 200)
SMALL = {"genes": "expressed", "n": "200"}


@pytest.fixture(scope="module")
def demo():
    evaluation = Evaluation(load(ROOT / "data" / "demo.h5ad"))
    every = every_pair(evaluation, GENES)
    return every, make_pairs(evaluation, GENES), fitted(every, GENES, "significance")


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def trace(figure, uid):
    return next(t for t in figure["data"] if t.get("uid") == uid)


def asked(at, name):
    """One parameter of the address, however the test runner hands it out."""
    return np.ravel(at.query_params[name])[0]


def text(at):
    return " ".join(m.value for m in at.markdown)


def test_the_null_and_the_classes_of_all_doubles(open_page, demo):
    every, _, bound = demo
    at = open_page("interactions", **SMALL)
    np.testing.assert_array_equal(trace(chart(at, "null"), "null-counts")["y"], bound.null.counts)
    counts = class_counts(bound.true_classes(every))
    np.testing.assert_array_equal(trace(chart(at, "classes"), "classes")["x"], counts)
    assert f"{counts[1:].sum():,} of {counts.sum():,} pairs" in text(at)
    assert {f["key"] for f in figures(at)} == {"null", "qq", "classes"}  # only the section shown is drawn


def test_the_level_moves_the_thresholds_and_stands_in_the_link(open_page, demo):
    every, _, _ = demo
    at = open_page("interactions", **SMALL)
    at.select_slider(key="fdr").set_value("0.2").run()
    looser = fitted(every, GENES, "significance", 0.2)
    assert f"{int(looser.true(every).sum()):,} of" in text(at) and "local fdr 20%" in text(at)
    assert asked(at, "fdr") == "0.2"
    assert "standard error" in text(at) and "rule" not in at.query_params
    at.segmented_control(key="rule").set_value("size").run()
    size = fitted(every, GENES, "effect", 0.2)
    assert f"{int(size.true(every).sum()):,} of" in text(at) and "standard error" not in text(at)
    assert asked(at, "rule") == "size"


def test_calls_say_that_their_null_does_not_fit_and_how_many_are_false(open_page):
    whole = every_pair(Evaluation(load(ROOT / "data" / "demo.h5ad")), GeneSubset("all"))
    at = open_page("interactions", genes="all", rule="size")
    size = fitted(whole, GeneSubset("all"))
    assert size.false_share(whole) == pytest.approx(0.852, abs=0.01)
    assert "85.2% of the pairs called are false" in text(at)
    assert f"misfit {size.null.null_misfit:.0f}; 1 is chance" in text(at)
    for key in ("null", "classes"):
        assert "not an error rate" in chart(at, key)["note"]
    assert any("R's locfdr" in c.value and "was not run" in c.value for c in at.caption)
    at.segmented_control(key="rule").set_value("").run()
    significant = fitted(whole, GeneSubset("all"), "significance")
    assert significant.false_share(whole) == pytest.approx(0.0625, abs=0.01)
    assert f"{significant.false_share(whole):.1%} of the pairs called are false" in text(at)


def test_every_section_says_what_its_calls_rest_on(open_page):
    for section, keys in (
        ("finds", ["curves"]),
        ("calls", ["clouds", "composition", "mosaic"]),
        ("which", ["recurrence"]),
    ):
        at = open_page("interactions", ix=section, genes="expressed", n="1000")
        for key in keys:
            assert "a convention here, not an error rate" in chart(at, key)["note"], key
    at = open_page("interactions", ix="finds", genes="expressed", n="1000", rule="hand", lower="-0.3", upper="0.3")
    assert "not an error rate" not in chart(at, "curves")["note"]  # bounds set by hand claim none


def test_own_bounds_from_a_link(open_page, demo):
    every, _, _ = demo
    at = open_page("interactions", rule="hand", lower="-0.3", upper="0.25", **SMALL)
    expected = int(Threshold("effect", -0.3, 0.25).true(every).sum())
    assert f"{expected:,} of" in text(at) and "set by hand" in text(at)
    assert asked(at, "lower") == "-0.3"
    at.segmented_control(key="rule").set_value("").run()
    assert "lower" not in at.query_params


def test_nonsense_in_a_link_gives_way_to_defaults(open_page):
    at = open_page(
        "interactions", ix="nope", fdr="banana", rule="hand", lower="x", calls="-3", method="nobody", gene="no", **SMALL
    )
    assert not at.exception and chart(at, "null")


def test_curves_and_table_are_those_of_the_package(open_page, demo):
    _, pairs, bound = demo
    at = open_page("interactions", ix="finds", curve="precision_recall", **SMALL)
    drawn = chart(at, "curves")
    for method in ("cautious", "no_change"):
        found = finding(pairs, method, bound)
        np.testing.assert_allclose(
            trace(drawn, f"curve-{method}")["y"], found.curves["precision_recall"].mean, atol=1e-6
        )
    assert not any(t.get("uid") == "curve-additive" for t in drawn["data"])
    assert any("Additive cannot compete" in c.value for c in at.caption)
    table = at.dataframe[0].value.set_index("method")
    assert table.loc["Noisy oracle†", "recall@500"] == pytest.approx(
        finding(pairs, "noisy-oracle", bound).table["recall"].mean(), abs=1e-4
    )
    assert table.loc["Additive", "remark"] == "by definition predicts none" and np.isnan(table.loc["Additive", "AUROC"])


def test_no_change_is_drawn_even_where_it_is_switched_off(open_page):
    at = open_page("interactions", ix="finds", show=["cautious"], **SMALL)
    uids = {t.get("uid") for t in chart(at, "curves")["data"]}
    assert {"curve-no_change", "curve-cautious"} <= uids and "curve-half_sum" not in uids


def test_calls_are_composed_and_confused(open_page):
    at = open_page("interactions", ix="calls", calls="100", method="no_change", **SMALL)
    bars = chart(at, "composition")
    total = sum(np.asarray(trace(bars, f"calls-{c}")["x"], float) for c in PAPER_CLASSES)
    np.testing.assert_allclose(total, 100, rtol=1e-6)
    assert "none synergistic or opposite" in chart(at, "mosaic")["note"]
    clouds = chart(at, "clouds")
    assert sum(len(t["x"]) for t in clouds["data"] if t["type"] == "scatter" and t.get("mode") == "markers") < 1500


def test_best_false_calls_lead_to_profiles(open_page, demo):
    _, pairs, bound = demo
    at = open_page("interactions", ix="which", **SMALL)
    line = false_calls(pairs, "cautious", bound).iloc[0]
    links = [e.proto for e in at.get("page_link") if e.proto.page == "profiles" or "profiles" in e.proto.page]
    mine = next(p for p in links if "Cautious" in p.label)
    assert line["gene"] in mine.label and f"gene={line['gene']}" in mine.query_string
    at.button(key="look-cautious").click().run()
    assert line["gene"] in chart(at, "gene")["question"] and line["perturbation"] in chart(at, "double")["question"]
    assert asked(at, "p") == line["perturbation"]
    at.switch_page("pages/profiles.py").run()
    assert at.selectbox(key="p").value == line["perturbation"] and "ix" not in at.query_params


def test_gene_and_double_views_show_the_observation(open_page, demo):
    _, pairs, _ = demo
    gene, double = str(pairs.genes[3]), str(pairs.doubles["perturbation"].iloc[2])
    at = open_page("interactions", ix="which", gene=gene, p=double, **SMALL)
    seen = trace(chart(at, "gene"), "gene-observed")
    column = pairs.genes.get_loc(gene)
    truth = dict(zip(pairs.doubles["perturbation"], pairs.delta_ab[:, column], strict=True))
    np.testing.assert_allclose(seen["x"], [truth[d] for d in seen["ids"]], atol=1e-5)
    assert double in seen["ids"]


def test_interaction_scores_without_distances(open_page):
    at = open_page("interactions", ix="scores", **SMALL)
    assert "correlates" in chart(at, "scores")["note"]
    at.segmented_control(key="score").set_value("dcor").run()
    assert not any(f["key"] == "scores" for f in figures(at)) and any("take up to a minute" in i.value for i in at.info)


def test_published_layers_say_where_to_get_them(open_page, monkeypatch, tmp_path):
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path))
    monkeypatch.delenv("PERTURBVIZ_DATA", raising=False)
    at = open_page("interactions", ix="published", **SMALL)
    assert any("download it on the Data page" in i.value for i in at.info)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"data": "demo-b"}, "holds none"),
        ({"size": "singles"}, "Only single perturbations"),
        ({"genes": "de", "n": "50"}, "DE genes differ"),
    ],
)
def test_empty_states(open_page, query, sentence):
    at = open_page("interactions", **query)
    assert any(sentence in i.value for i in at.info)
    assert not any(f["key"] == "null" for f in figures(at))
    assert {"metric", "_preset"} <= {box.key for box in at.sidebar.selectbox}, "no controls to lead out of it"


@pytest.mark.parametrize("section", ["", "finds", "calls", "which", "scores"])
def test_tiny_data_without_a_null(open_page, random_benchmark, monkeypatch, tmp_path, section):
    """Fewer than 200 values, no standard errors, and a method that predicts nothing."""
    b = random_benchmark(n_single=4, n_genes=20)
    b = b.with_predictions("silent", "Silent", {"": np.full(b.adata.shape, np.nan)})
    save(b.adata, tmp_path / "tiny.h5ad")
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    at = open_page("interactions", data="file:tiny.h5ad", ix=section, genes="all")
    assert any("at least 200 values" in c.value for c in at.caption)
    assert figures(at)


def test_names_from_files_are_shown_not_obeyed(open_page, random_benchmark, monkeypatch, tmp_path):
    b = random_benchmark(n_single=7, n_genes=40)
    nasty = "<img src=x onerror=alert(1)> **b**"
    b = b.with_predictions("nasty", nasty, {"": b.prediction("good", "1")})
    save(b.adata, tmp_path / "nasty.h5ad")
    monkeypatch.setenv("PERTURBVIZ_DATA", str(tmp_path))
    for section in ("finds", "calls", "which", "scores"):
        at = open_page("interactions", data="file:nasty.h5ad", ix=section, genes="all")
        for figure in figures(at):
            assert "<img" not in str(figure["layout"]) + str([t.get("name", "") for t in figure["data"]])
        assert "**b**" not in text(at)
