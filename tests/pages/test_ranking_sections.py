import numpy as np
import pytest

from perturbviz.benchmark import load
from perturbviz.evaluation import Evaluation
from perturbviz.rankings import rank
from perturbviz.scores import score_view
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

    from perturbviz.sweep.grid import DIRECT_SIZES
    from perturbviz.ui import cache_views
    from perturbviz.view import View
    from perturbviz.views import defensible

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
    tau = by_key(at, "significance")["data"][0]["z"]
    np.testing.assert_array_equal(np.nan_to_num(tau), -np.nan_to_num(np.asarray(tau).T))


def test_the_order_is_compared_across_data_sets(open_page):
    at = open_page(section="Across data sets")
    drawn = by_key(at, "across")
    assert "leads on" in drawn["note"]
    assert any("mean" in str(t.get("uid")) for t in drawn["data"])


def test_retrieval_shows_the_distances_behind_centroid_accuracy(open_page, demo):
    at = open_page(section="Retrieval", method="cautious")
    z = np.asarray(by_key(at, "distances")["data"][0]["z"], float)
    own = np.diagonal(z)[:, None]
    accuracy = ((z > own).sum(axis=1) / (len(z) - 1)).mean()
    assert f"centroid accuracy {accuracy:.2f}" in by_key(at, "distances")["note"]


@pytest.mark.parametrize("section", ["Every view", "Robustness", "Retrieval"])
def test_a_link_to_a_section_opens_it_and_stays_in_the_address(open_page, section):
    at = open_page(section=section, show=SHOWN)
    assert at.query_params["section"] in (section, [section])
