"""Published tables of scores: their own metrics are values of the view, and nothing unknown about them is made up."""

import shutil

import numpy as np
import pytest

from perturbviz.catalogue.download import open_dataset
from perturbviz.scoring.published_scores import label_of, name_of, scores_of
from perturbviz.scoring.rankings import rank
from perturbviz.ui import chart as ui_chart
from perturbviz.ui import memo
from tests.charts import figures
from tests.pages.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
FILES = {
    "scperturbench": "scperturbench_combo_top100.csv",
    "ahlmann-eltze-2025-scores": "ahlmann_eltze_2025_double_perturbations.xlsx",
}
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the real data of ../shared/data are not here")
METRICS = {
    "scperturbench": [
        *("cor", "Rank_pcc", "edistance_score", "Rank_edistance", "mse_score", "Rank_mse", "DEG_score", "Rank_deg"),
        *("was_score", "Rank_was", "sym_score", "Rank_sym", "ac_score", "ac_rank", "Rank"),
    ],
    "ahlmann-eltze-2025-scores": ["l2", "pearson", "pearson_delta"],
}
LABELS = {"ahlmann-eltze-2025-scores": ["L2", "r", "rΔ vs control"]}


@pytest.fixture(autouse=True)
def downloaded(tmp_path_factory, monkeypatch):
    """A folder of downloads that holds both tables."""
    folder = tmp_path_factory.mktemp("cache")
    for file in FILES.values():
        shutil.copy(SHARED / file, folder / file)
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(folder))


@pytest.fixture(scope="module", params=list(FILES))
def table(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    shutil.copy(SHARED / FILES[request.param], folder)
    return request.param, open_dataset(request.param, folder)


def chart(at, key):
    return next(f for f in figures(at) if f["key"] == key)


def drawn_order(at):
    trace = chart(at, "order")["data"][0]
    return dict(zip(trace["ids"], np.asarray(trace["x"], float), strict=True))


def test_real_systems_change_places_with_metric_context_and_genes(open_page, tmp_path, monkeypatch):
    new = {
        "ahlmann-eltze-2025-single-scores": "ahlmann_eltze_2025_single_perturbations.xlsx",
        "scperturbench-contexts": "scperturbench_cellular_ood_distance0.csv",
    }
    for file in new.values():
        shutil.copy(SHARED / file, tmp_path / file)
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path))
    at = open_page(data="ahlmann-eltze-2025-single-scores")
    assert at.selectbox(key="context").value == "Replogle K562, panel A"
    drawn = drawn_order(at)
    assert len(drawn) == 7 and min(drawn, key=drawn.get) == "gears"
    at.selectbox(key="metric").set_value("pearson_delta").run()
    drawn = drawn_order(at)
    assert sorted(drawn, key=drawn.get, reverse=True).index("gears") == 5
    at = open_page(data="scperturbench-contexts", metric="rank_edistance")
    drawn = drawn_order(at)
    assert sorted(drawn, key=drawn.get).index("baseControl") == 2
    at.button_group(key="_table_genes").set_value("de:20").run()
    assert not at.exception and address(at)["n"] == "20" and drawn_order(at) != drawn


def address(at):
    """Parameters of the address, one value each."""
    return {name: value[-1] if isinstance(value, list) else value for name, value in dict(at.query_params).items()}


def assert_shows(at, table, metric):
    assert not at.exception, at.exception[0].message
    assert not at.error and not [i for i in at.info if "holds no" in i.value]
    expected = rank(scores_of(table, metric)).table["score"].dropna()
    drawn = drawn_order(at)
    assert set(drawn) == set(expected.index)
    np.testing.assert_allclose([drawn[m] for m in expected.index], expected, rtol=1e-6)
    said = " ".join(m.value for m in [*at.markdown, *at.caption])
    assert name_of(table, metric) in said.replace("\\", "") and "pert. mean" not in said


def test_every_metric_can_be_chosen_from_the_list(open_page, table):
    data, scores = table
    at = open_page(data=data)
    assert {o.replace("\\", "") for o in at.button_group(key="show").options} == set(scores.names.values())
    assert len(scores.names) == len(scores.frame["method"].unique()) == (15 if data == "scperturbench" else 9)
    assert list(scores.metrics) and set(scores.metrics) == set(METRICS[data])
    for metric in METRICS[data]:
        at.selectbox(key="metric").set_value(metric).run()
        assert_shows(at, scores, metric)
        assert address(at) == {"data": data} | ({"metric": metric} if metric != "l2" else {})


@pytest.mark.parametrize("page", ["rankings", "errors"])
def test_every_metric_opens_from_a_link(open_page, table, page):
    data, scores = table
    at = open_page(page, data=data)
    for metric in METRICS[data] if page == "errors" else METRICS[data][2::5]:
        at.query_params["metric"] = metric  # as when a link is followed
        at.run()
        assert not at.exception and address(at).get("metric", "l2") == metric
        assert at.selectbox(key="metric").value == metric
        if page == "rankings":
            assert_shows(at, scores, metric)
        else:
            assert {f["key"] for f in figures(at)} >= {"distribution", "paired"}
            assert any(f"by {name_of(scores, metric)}" in m.value.replace("\\", "") for m in at.markdown)


@pytest.fixture
def tables(monkeypatch):
    """Key of a chart -> the numbers of its CSV."""
    found = {}
    memo.forget()  # a panel that was sent before would not be sent again

    def recorded(panel, token):
        found[panel.key] = panel.numbers()
        return sent(panel, token)

    sent = ui_chart.payload
    monkeypatch.setattr(ui_chart, "payload", recorded)
    return found


def test_columns_carry_the_tables_own_reference_on_screen_and_in_the_files(open_page, table, tables):
    data, scores = table
    labels = [label_of(scores, m) for m in scores.metrics]
    assert labels == LABELS.get(data, labels) and not [label for label in labels if "pert. mean" in label]
    at = open_page(data=data)
    assert list(chart(at, "bump")["layout"]["xaxis"]["ticktext"]) == labels == list(tables["bump"].columns[1:])
    at = open_page(data=data, section="Score table")
    rows = chart(at, "score-table")["layout"]["yaxis"]["ticktext"]
    assert sorted(row[:-2] for row in rows) == sorted(labels)
    written = tables["score-table"].groupby("metric")[["reference", "better"]].first()
    assert written["reference"].to_dict() == {m: scores.reference(m) for m in scores.metrics}
    assert written["better"].to_dict() == {m: known["better"] for m, known in scores.metrics.items()}
    if data == "ahlmann-eltze-2025-scores":
        assert written["reference"].to_dict() == {"l2": "none", "pearson": "none", "pearson_delta": "control"}


def test_sections_work_or_say_in_one_sentence_what_they_need(open_page, table):
    data, scores = table
    metric = METRICS[data][-1]
    for section, keys in {
        "Score table": {"score-table"},
        "Robustness": {"blobs", "podium", "significance", "ways"},
    }.items():
        at = open_page(data=data, metric=metric, section=section)
        assert not at.exception and {f["key"] for f in figures(at)} == keys, section
    for section in ("Every view", "Across data sets", "Retrieval"):
        at = open_page(data=data, metric=metric, section=section)
        assert not at.exception and not figures(at) and len(at.info) == 1, section


@pytest.mark.parametrize("page", ["profiles", "interactions", "calibration", "goodhart", "linear_model"])
def test_other_pages_say_in_one_sentence_what_they_would_need(open_page, page):
    at = open_page(page, data="scperturbench", metric="edistance_score")
    assert not at.exception and len(at.info) == 1
    assert "needs predictions and truth gene by gene" in at.info[0].value
    assert address(at)["metric"] == "edistance_score"


def test_a_change_of_data_takes_over_what_means_the_same_and_nothing_else(open_page):
    at = open_page(metric="pearson_delta", ref="perturbation", genes="all")
    at.selectbox(key="data").set_value("scperturbench").run()
    assert address(at) == {"data": "scperturbench", "metric": "cor"}
    at.selectbox(key="metric").set_value("edistance_score").run()
    at.selectbox(key="data").set_value("demo").run()
    assert not at.exception and address(at) == {"metric": "l2"} and drawn_order(at)
