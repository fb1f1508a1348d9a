"""The first screen on every kind of data: which switch it offers, what it says, and where it leads."""

import shutil

import pytest

from perturbviz.ui import session
from tests.charts import figures
from tests.pages.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
REAL = pytest.mark.skipif(not SHARED.is_dir(), reason="the real data of ../shared/data are not here")


@pytest.fixture
def downloaded(tmp_path, monkeypatch):
    for file in (
        "norman_pseudobulk.npz",
        "scperturbench_combo_top100.csv",
        "ahlmann_eltze_2025_double_perturbations.xlsx",
    ):
        shutil.copy(SHARED / file, tmp_path)
    monkeypatch.setenv("PERTURBVIZ_CACHE", str(tmp_path))


def address(at):
    return {name: value[-1] if isinstance(value, list) else value for name, value in dict(at.query_params).items()}


def slope(at):
    return next(f for f in figures(at) if f["key"] == "slope")


def dots(at):
    trace = next(t for t in slope(at)["data"] if t["uid"] == "ruler")
    return dict(zip(trace["ids"], [int(y) for y in trace["y"]], strict=True)), set(trace["x"])


def said(at):
    return " ".join(m.value for m in at.markdown)


def test_a_bare_address_opens_with_pearson_delta_and_writes_it(open_page):
    at = open_page()
    assert address(at) == {"metric": "pearson_delta"}
    assert at.title[0].value == "The winner depends on what you subtract."
    assert at.segmented_control(key="_ruler").value == "pearson_delta|control"
    assert "is first (0.814), statistically tied with Additive and Half-sum. Switch the ruler" in said(at)
    assert next(f["key"] for f in figures(at)) == "slope" and figures(at)[1]["key"] == "score-table"


def test_the_switch_turns_the_ruler_and_leaves_lines_and_layout(open_page):
    at = open_page()
    before = slope(at)
    order = dots(at)
    at.segmented_control(key="_ruler").set_value("pearson_delta|perturbation").run()
    assert address(at) == {"metric": "pearson_delta", "ref": "perturbation"}
    assert at.segmented_control(key="ref").value == "perturbation"  # the sidebar says the same
    assert dots(at)[1] == {1} and order[1] == {0} and dots(at)[0]["cautious"] == 8 and order[0]["cautious"] == 2
    assert slope(at)["height"] == before["height"] and slope(at)["note"] == before["note"]
    assert at.title[0].value == "The winner depends on what you subtract."
    assert "**Additive** is now first (0.575)" in said(at)
    at.segmented_control(key="_ruler").set_value("pearson_delta|control").run()
    assert dots(at) == order and address(at) == {"metric": "pearson_delta"}


def test_a_metric_without_reference_is_switched_with_pearson_delta_and_back(open_page):
    at = open_page(metric="l2")
    switch = at.segmented_control(key="_ruler")
    assert switch.value == "l2|none" and "what you measure" in at.title[0].value
    switch.set_value("pearson_delta|control").run()
    assert address(at) == {"metric": "pearson_delta"} and "what you measure" in at.title[0].value
    at.segmented_control(key="_ruler").set_value("l2|none").run()
    assert address(at) == {"metric": "l2"} and at.segmented_control(key="_ruler").value == "l2|none"


def test_other_metrics_and_genes_are_one_click_away(open_page):
    at = open_page()
    at.selectbox(key="_try_metric").set_value("cosine").run()
    assert address(at) == {"metric": "cosine"} and at.selectbox(key="_try_metric").value is None
    assert at.segmented_control(key="_ruler").value == "cosine|control"
    at.selectbox(key="_try_genes").set_value("de").run()
    assert address(at) == {"metric": "cosine", "genes": "de", "n": "100"} and not at.exception


def test_one_method_has_no_rank_and_the_baselines_are_one_click_away(open_page):
    at = open_page(metric="pearson_delta", show="additive")
    assert at.title[0].value == "One method: nothing to rank it against."
    assert "One method has no rank." in said(at)
    at.button(key="_all_methods").click().run()
    assert len(dots(at)[0]) == 10 and not at.exception


def test_the_doors_and_the_cast_list(open_page):
    at = open_page(metric="pearson_delta", ref="perturbation", section="Score table")
    assert at.title[0].value == "The winner depends on what you subtract."  # an open section leaves the switch
    assert at.segmented_control(key="_ruler").value == "pearson_delta|perturbation"
    assert [f["key"] for f in figures(at)] == ["score-table"]
    at.session_state["_cast"] = True
    at.run()
    assert "**Noisy oracle†**: Simulated with a look at the truth" in said(at)
    for page, tab in (("data", "Public data"), ("data", "Add your own")):
        there = open_page(page, data_section=tab)
        assert there.segmented_control(key="data_section").value == tab and not there.exception


@REAL
def test_norman_holds_baselines_only_and_says_so(open_page, downloaded):
    at = open_page(data="norman", metric="pearson_delta")
    assert at.title[0].value == "The winner stays; the order depends on what you subtract."
    assert "Four baselines, no model: add yours." in said(at)
    assert "**Additive** and **Half-sum** are first together (0.675)" in said(at)


@REAL
def test_tables_of_scores_are_switched_between_their_first_two_columns(open_page, downloaded):
    at = open_page(data="scperturbench", metric="cor")
    assert at.title[0].value == "The winner depends on what you measure."
    at.segmented_control(key="_ruler").set_value("edistance_score|published").run()
    assert address(at)["metric"] == "edistance_score"
    order = dots(at)[0]
    assert (order["scouter"], order["scGPT"]) == (12, 15)
    at = open_page(data="ahlmann-eltze-2025-scores")
    assert at.title[0].value == "Here the order does not depend on what you measure."


@REAL
def test_one_perturbation_names_no_winner_and_no_training_mean_offers_l2(open_page, downloaded):
    at = open_page(data="ahlmann-eltze-2025-source", metric="pearson_delta", genes="all")
    assert at.title[0].value == "One perturbation: too few to name a winner."
    assert "too few to call a method first" in said(at) and "is first" not in said(at)
    assert at.segmented_control(key="_ruler").options == ["Pearson delta vs the control mean", "L2 distance"]
    assert any("so the switch offers L2 instead" in c.value for c in at.caption)


def test_back_to_a_bare_address_is_not_written_again(monkeypatch):
    written = []

    class Address(dict):
        get_all = dict.get

        def from_dict(self, query):
            written.append(query)
            self.clear()
            self.update(query)

    bar = Address()
    monkeypatch.setattr(session.st, "session_state", {})
    monkeypatch.setattr(session.st, "query_params", bar)
    session.begin(home=True)
    session.page("rankings")
    session.write_link()
    assert written == [{"metric": ["pearson_delta"]}]
    bar.clear()  # Back
    session.begin(home=True)
    session.write_link()
    assert written == [{"metric": ["pearson_delta"]}]
    session.put("metric", "l2")
    session.write_link()
    assert written[1:] == [{"metric": ["l2"]}]  # a bare address would mean another metric
