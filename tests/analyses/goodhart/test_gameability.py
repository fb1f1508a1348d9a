"""The four tricks, reproduced on the demo and on two real screens."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.goodhart import Arena, Knobs
from perturbviz.analyses.goodhart.gameability import COLUMNS, empty_start, gameability, weak_start
from perturbviz.analyses.goodhart.partition import partition
from perturbviz.benchmark import load
from perturbviz.panels.captions import goodhart as captions
from perturbviz.readers import Options
from perturbviz.readers import load as read
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.prepared import Prepared

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
SETTINGS = (
    ("mse", "none"),
    ("mae", "none"),
    ("pds", "none"),
    ("centroid_accuracy", "none"),
    ("pearson_delta", "control"),
    ("pearson_delta", "perturbation"),
)


@pytest.fixture(scope="module", params=["demo", "norman", "carpool_thp1"])
def screen(request):
    """Evaluation, genes of the view and the gameability table of one screen."""
    if request.param == "demo":
        benchmark = load(ROOT / "data" / "demo.h5ad")
    else:
        path = DATA / f"{request.param}_pseudobulk.npz"
        if not path.exists():
            pytest.skip(f"{path.name} is not here")
        options = Options(allow_pickle=True)
        benchmark, _ = assemble(read(path, options), [], {}, options, options)
    evaluation = Evaluation(benchmark)
    subset = GeneSubset("expressed", 1000) if benchmark.has_expression else GeneSubset("all")
    rows = np.flatnonzero(evaluation.predicted("additive"))
    parts = partition(evaluation, rows)
    starts = [empty_start(evaluation), weak_start(evaluation)]
    result = gameability(evaluation, SETTINGS, subset, parts, starts, evaluation.methods)
    return evaluation, subset, rows, parts, result


def line(result, column, metric, reference="none", genes=None):
    table = result.table
    found = table[(table["column"] == column) & (table["metric"] == metric) & (table["reference"] == reference)]
    found = found[found["genes"].str.startswith("de") == (genes == "de")]
    assert len(found) == 1
    return found.iloc[0]


def test_the_mean_trick_of_pearson_delta(screen):
    """A prediction that says nothing scores high against control by adding what all perturbations share."""
    *_, result = screen
    found = line(result, "empty", "pearson_delta", "control")
    assert np.isnan(found["start"])  # no change is undefined
    assert found["reached"] > 0.3
    assert "systematic shift" in found["knobs"]
    # every perturbation gets the same change: it cannot be retrieved
    for metric in ("centroid_accuracy", "pds"):
        assert line(result, "empty", metric)["reached"] < 0.6


def test_the_amplitude_trick_of_pds(screen):
    """Multiplying all changes, which adds no information, raises retrieval and ruins the error."""
    evaluation, subset, rows, _, result = screen
    found = line(result, "size", "pds")
    knobs = Knobs.from_link(found["link"])
    assert knobs.turned == ("amplify",)
    assert knobs.amplify > 1
    assert found["reached"] > found["start"] + 0.02
    tried = result.tried[
        (result.tried["start"] == "weak")
        & (result.tried["metric"] == "mse")
        & ~result.tried["genes"].str.startswith("de")
    ]
    errors = tried.set_index("knobs")["reported"]
    assert errors[found["link"]] > errors[""]
    start = weak_start(evaluation)
    arena, prepared = Arena(evaluation, start.method, rows, start.before), Prepared(evaluation, rows, SETTINGS, subset)
    before, after = prepared.averages(arena.start), prepared.averages(arena.transform(knobs))
    assert after["pds", "none"] > before["pds", "none"]
    assert after["mse", "none"] > before["mse", "none"]
    assert after["pearson_delta", "control"] == pytest.approx(before["pearson_delta", "control"], abs=1e-4)


def test_the_shrink_trick_of_mse(screen):
    """Saying less lowers the error, although everything else stays as it was or gets worse."""
    *_, result = screen
    found = line(result, "size", "mse")
    knobs = Knobs.from_link(found["link"])
    assert knobs.turned == ("amplify",)
    assert knobs.amplify < 1
    assert found["reached"] < 0.97 * found["start"]
    tried = result.tried[(result.tried["start"] == "weak") & (result.tried["metric"] == "pds")].set_index("knobs")[
        "reported"
    ]
    assert tried[found["link"]] < tried[""]


def test_the_no_negatives_trick_of_de_genes(screen):
    """On DE genes alone it pays to predict larger changes; on the view's genes the same setting costs."""
    *_, result = screen
    found = line(result, "size", "mse", genes="de")
    knobs = Knobs.from_link(found["link"])
    assert knobs.amplify > 1
    assert found["reached"] < found["start"]
    assert found["elsewhere"] == -1
    assert Knobs.from_link(line(result, "size", "mse")["link"]).amplify < knobs.amplify


def test_the_four_tricks_are_told_with_their_numbers(screen):
    *_, result = screen
    told = captions.tricks(result)
    assert [shows for shows, _ in told] == [True] * 4
    mean, amplitude, shrink, negatives = (text for _, text in told)
    assert "from undefined to" in mean
    assert captions.number(line(result, "size", "pds")["reached"]) in amplitude
    assert captions.number(line(result, "size", "mse")["reached"]) in shrink
    assert "on the genes of this view gets worse" in negatives


def test_a_trick_that_does_not_work_is_not_claimed(screen):
    *_, result = screen
    still = result.table.assign(gain=False, elsewhere=0)
    told = captions.tricks(dataclasses.replace(result, table=still))
    assert [shows for shows, _ in told] == [False] * 4
    assert all("does not show up here" in text for _, text in told)
    nothing = captions.tricks(dataclasses.replace(result, table=still[still["metric"] == "mae"]))
    assert [shows for shows, _ in nothing] == [None] * 4


def test_the_table_is_tuned_and_reported_apart_and_complete(screen):
    evaluation, *_, parts, result = screen
    assert set(result.table["column"]) == set(COLUMNS)
    names = evaluation.rows["perturbation"].to_numpy()
    for seed in parts.seeds:
        assert not set(names[parts.tune[seed]]) & set(names[parts.report[seed]])
    assert (result.table["passed"] <= result.table["others"]).all()
    plain = result.tried[result.tried["knobs"] == ""].set_index(["start", "metric", "reference", "genes"])["reported"]
    for _, found in result.table.iterrows():
        key = ("empty" if found["column"] == "empty" else "weak", found["metric"], found["reference"], found["genes"])
        np.testing.assert_allclose(found["start"], plain[key], rtol=1e-9)
