import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.scores import score_view
from perturbviz.scoring.view import View
from tests.charts import figures
from tests.pages.conftest import ROOT

SHOWN = ["overconfident", "de-specialist", "additive"]


def by_key(at, key):
    return next(f for f in figures(at) if f["key"] == key)


@pytest.fixture(scope="module")
def demo():
    return Evaluation(load(ROOT / "data" / "demo.h5ad"))


def test_every_view_counts_wins_and_names_the_deciding_choice(open_page, demo):
    at = open_page(section="Every view", show=SHOWN)
    shares = by_key(at, "shares")["data"][0]
    assert sorted(shares["ids"]) == sorted(SHOWN)
    assert np.sum(shares["x"]) == pytest.approx(1)
    deciding = by_key(at, "deciding")["data"][0]
    assert set(deciding["y"]) == {"metric", "reference", "genes", "n", "split", "average"}
    assert np.sum(deciding["x"]) == pytest.approx(1)

    from perturbviz.analyses.all_views.defensible import defensible
    from perturbviz.analyses.all_views.grid import DIRECT_SIZES
    from perturbviz.ui import cache_views

    swept = cache_views.all_views(demo.benchmark, View(show=tuple(SHOWN)))
    assert set(DIRECT_SIZES) & {s.subset.n for s in swept.settings}
    views = defensible(swept)
    curve = by_key(at, "curve")["data"][0]
    method = at.selectbox(key="method").value
    for column in np.linspace(0, len(curve["customdata"]) - 1, 6).astype(int):
        view = views.view(int(curve["customdata"][column]))
        evaluation = demo if view.split == "held-out" else Evaluation(demo.benchmark, view.parts)
        table = rank(score_view(evaluation, view.with_(show=tuple(SHOWN))), view.avg, n=10).table
        assert table.loc[method, "rank"] == curve["y"][column]


def test_robustness_shows_places_that_add_up(open_page):
    at = open_page(section="Robustness")
    assert {f["key"] for f in figures(at)} == {"blobs", "podium", "significance", "ways"}
    better = np.nan_to_num(np.asarray(by_key(at, "significance")["data"][0]["z"], float))
    np.testing.assert_array_equal(better, -better.T)


def test_the_order_is_compared_across_data_sets(open_page):
    at = open_page(section="Across data sets")
    drawn = by_key(at, "across")
    assert drawn["note"].startswith("Compared are the 2 methods with a score on every data set (8 others have not).")
    assert any("mean" in str(t.get("uid")) for t in drawn["data"])
    at = open_page(section="Across data sets", metric="pearson_delta")
    assert not at.exception and any("Not comparable" in i.value for i in at.info)


def test_retrieval_shows_the_distances_behind_centroid_accuracy(open_page, demo):
    at = open_page(section="Retrieval", method="cautious")
    z = np.asarray(by_key(at, "distances")["data"][0]["z"], float)
    own = np.diagonal(z)[:, None]
    accuracy = ((z > own).sum(axis=1) / (len(z) - 1)).mean()
    assert f"centroid accuracy {accuracy:.2f}" in by_key(at, "distances")["note"]


def test_too_many_candidates_are_not_drawn(open_page, monkeypatch):
    monkeypatch.setattr("perturbviz.ui.sections.rankings.MOST_CANDIDATES", 20)
    at = open_page(section="Retrieval")
    assert not figures(at)
    said = next(i.value for i in at.info if "candidates" in i.value)
    assert "for up to 20: choose" in said


def test_views_that_would_take_minutes_are_left_out_by_name(open_page, monkeypatch):
    monkeypatch.setattr("perturbviz.scoring.scores.COMPARISONS", 0)
    at = open_page(section="Every view", show=SHOWN[:2])
    said = next(c.value for c in at.caption if c.value.startswith("Not among them:"))
    assert "Centroid accuracy" in said and "L2" not in said
    assert by_key(at, "shares")


@pytest.mark.parametrize("section", ["Every view", "Robustness", "Retrieval"])
def test_a_link_to_a_section_opens_it_and_stays_in_the_address(open_page, section):
    at = open_page(section=section, show=SHOWN)
    assert at.query_params["section"] in (section, [section])


def test_the_score_table_holds_what_each_view_gives(open_page, demo):
    at = open_page(section="Score table", show=SHOWN)
    figure = by_key(at, "score-table")
    heat, cells = (next(t for t in figure["data"] if t["uid"] == uid) for uid in ("map", "scores"))
    labels = figure["layout"]["yaxis"]["ticktext"]
    columns = figure["layout"]["xaxis"]["ticktext"]
    shown = {(int(y), int(x)): t for x, y, t in zip(cells["x"], cells["y"], cells["text"], strict=True)}
    for metric, reference, label in (
        ("l2", "control", "L2 ↓"),
        ("pearson_delta", "perturbation", "rΔ vs pert. mean ↑"),
    ):
        row = labels.index(label)
        table = rank(score_view(demo, View(metric=metric, ref=reference, show=tuple(SHOWN))), n=10).table
        for name, score, place in table[["name", "score", "rank"]].itertuples(index=False):
            column = columns.index(name)
            assert np.asarray(heat["z"])[row][column] == len(SHOWN) - place
            written = shown[row, column].replace("<b>", "").replace("</b>", "")
            assert float(written) == pytest.approx(score, abs=0.5 * 10.0 ** -len(written.partition(".")[2]) + 1e-9)
            assert shown[row, column].startswith("<b>") == (place == 1)
    frame = labels.index("L2 ↓")
    assert [s["y0"] for s in figure["layout"]["shapes"] if s["type"] == "rect"] == [frame - 0.5]  # the current view


def test_rows_of_the_score_table_share_their_decimals_and_no_zero_is_negative():
    from perturbviz.panels.figures.score_map import decimals, written

    assert [decimals(np.array(v)) for v in ([4.29, 10.3], [0.0187, 0.107, 0.02], [0.0, np.nan], [1234.0])] == [
        2,
        4,
        0,
        0,
    ]
    assert written(-0.0001, 3, False) == "0.000" and written(10.27, 2, True) == "<b>10.27</b>"
