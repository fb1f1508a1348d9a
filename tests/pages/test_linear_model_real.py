"""The linear model page on Norman's and CaRPool's screens, offered by an operator: who is predicted, how surely."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from perturbviz.benchmark import save
from perturbviz.models.recipe import Recipe, file_source
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from tests.pages.conftest import ROOT
from tests.pages.test_linear_model import chart, figures, means, written

DATA = ROOT.parent / "shared" / "data"
FILES = {"norman": "norman_pseudobulk.npz", "carpool": "carpool_thp1_pseudobulk.npz"}
TEXTS = "gene_summaries.json"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Path:
    """Both screens converted, and the descriptions of genes, in one folder."""
    missing = [name for name in (*FILES.values(), TEXTS) if not (DATA / name).exists()]
    if missing:
        pytest.skip(f"{missing[0]} is not beside this checkout (../shared/data)")
    folder = tmp_path_factory.mktemp("lab")
    for name, file in FILES.items():
        save(assemble(load(DATA / file))[0], folder / f"{name}.h5ad")
    (folder / "embeddings").mkdir()
    shutil.copy(DATA / TEXTS, folder / "embeddings")
    return folder


@pytest.fixture
def open_screen(open_page, lab, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_DATA", str(lab))
    return lambda name, **query: open_page("linear_model", data=f"file:{name}.h5ad", **query)


@pytest.fixture(scope="module")
def texts(lab) -> str:
    return file_source(TEXTS, (lab / "embeddings" / TEXTS).read_bytes())


def drawn(at):
    """Method -> number of points; and half widths of the intervals beside the means."""
    points, bars = chart(at, "standing")["data"]
    counts = Counter(name.partition("|")[0] for name in points["ids"])
    return counts, np.asarray([bars["error_x"]["array"], bars["error_x"]["arrayminus"]], float)


def test_normans_unseen_singles_have_intervals_for_each_embedding(open_screen, texts):
    at = open_screen("norman", unseen="folds")
    said = written(at)
    assert (
        "57 of 104 held-out perturbations could be predicted. Not predicted: 47 × target is not among the measured"
        in said
    )
    assert "Predicted of 104: This model (self-trained) 57, Random P 104, P gene-summaries 103." in said
    assert "25 fits" in said  # five folds of five seeds
    own, random, text = (Recipe(sum_doubles=True, perturbation=p) for p in ("pca", "random", texts))
    counts, intervals = drawn(at)
    assert {own.slug, random.slug, text.slug, "mean"} <= set(means(at))
    assert set(counts.values()) == {57} and (intervals > 0).all()
    assert "interval over perturbations" in chart(at, "standing")["note"]
    arrows = chart(at, "arrows")
    assert (
        "of 57 perturbations are predicted better by P gene-summaries than by This model (self-trained)"
        in arrows["note"]
    )
    assert sum(len(t["x"]) for t in arrows["data"] if t["uid"].startswith("heads")) == 57


def test_carpools_unseen_singles_are_points_without_interval(open_screen, texts):
    at = open_screen("carpool", unseen="folds")
    assert "7 of 28 held-out perturbations could be predicted" in written(at)
    counts, intervals = drawn(at)
    assert set(counts.values()) == {7} and not intervals.any()
    note = chart(at, "standing")["note"]
    assert (
        "No interval: 7 perturbations are common" in note
        and "too few" in note
        and "(at least 10)" in note
        and "Without" not in note
    )
    at.segmented_control(key="look").set_value("learning").run()  # the first splits predict next to nothing
    assert "draws predict nothing" in chart(at, "learning")["note"]
    at.pills(key="lm_beside").set_value(["random", texts]).run()
    assert "Without P gene-summaries there would be 7." in chart(at, "standing")["note"]


@pytest.mark.parametrize(("screen", "other"), [("norman", "carpool"), ("carpool", "norman")])
def test_norman_and_carpool_share_no_target(open_screen, screen, other):
    at = open_screen(screen, unseen="folds", recipe=Recipe(perturbation=f"d-file%3A{other}.h5ad").link)
    assert "share no target" in written(at) and not figures(at)


def test_normans_doubles_by_sums_of_rows_stand_beside_additive(open_screen):
    at = open_screen("norman")
    scores, recipe = means(at), Recipe(sum_doubles=True)
    assert "sums for doubles" in written(at) and "45 of 130 held-out perturbations could be predicted" in written(at)
    assert scores["additive"] < scores[recipe.slug] < scores["mean"]  # L2 over the same 45
    counts, intervals = drawn(at)
    assert counts[recipe.slug] == counts["additive"] == 45 and (intervals > 0).all()
    at.selectbox(key="lm_from").set_value("additive").run()
    assert at.query_params["from"] in ("additive", ["additive"])
    assert (
        "of 45 perturbations are predicted better by This model (self-trained) than by Additive"
        in chart(at, "arrows")["note"]
    )
