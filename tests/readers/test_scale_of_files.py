"""The scale of numbers is looked at once, alike in every format, convert and aggregate, truth and prediction."""

import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from perturbviz.benchmark import load as load_benchmark
from perturbviz.cells import read_report
from tests.readers.screen import GENES, PER_CONDITION, cells_file, counts, logs, means, warned


# -- ordinary input ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_matrix], ids=["dense", "csr", "csc"])
def test_ordinary_cells_and_tables_have_no_warning(world, form):
    cells_file(world.folder / "t.h5ad", form(world.log), world.labels)
    noisy = world.log + np.abs(np.random.default_rng(0).normal(0, 0.1, world.log.shape)).astype("f4")
    cells_file(world.folder / "p.h5ad", form(noisy), world.labels)
    for truth, prediction in (("t.h5ad", "p.h5ad"), ("truth.csv", "pred.csv"), ("t.h5ad", "pred.csv")):
        status, said = world.convert(truth, prediction)
        assert status == 0 and not warned(said)
        world.check(predicted=means(noisy, world.labels).iloc[1:] if prediction == "p.h5ad" else world.predicted)
    status, said = world.aggregate("t.h5ad")
    assert status == 0 and len(said.splitlines()) == 1
    world.check()


# -- whole numbers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [100, 3000])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_whole_numbers_are_counts_however_small(world, depth, form):
    x, labels = counts(depth)
    assert (x.max() < 50) == (depth == 100)
    cells_file(world.folder / "t.h5ad", form(x), labels)
    wanted = means(logs(x), labels)
    status, said = world.convert("t.h5ad")
    assert status == 2 and "whole numbers from 0" in said and "--value-space counts" in said
    assert world.convert("t.h5ad", "pred.csv", "--truth-value-space", "counts")[0] == 0
    world.check(wanted)
    status, said = world.aggregate("t.h5ad")  # it says what it did
    assert status == 0 and "counts, normalised per cell" in said
    world.check(wanted)
    np.savez(world.folder / "p.npz", pred=x, conditions=np.array(labels), genes=np.array(GENES))
    status, said = world.convert("truth.csv", "p.npz")  # another format, and a prediction
    assert status == 2 and "look like counts" in said


def test_a_table_of_whole_numbers_is_no_table_of_logarithms(world):
    sums = pd.DataFrame(world.x, columns=GENES).groupby(pd.Series(world.labels), sort=False).sum()
    (sums // 200).to_csv(world.folder / "small.csv")  # below 50
    assert (sums // 200).to_numpy().max() < 50
    status, said = world.convert("small.csv")
    assert status == 2 and "looks like counts" in said
    status, said = world.convert("truth.csv", "small.csv")
    assert status == 2 and "look like counts" in said


def test_what_is_declared_is_done_and_doubted_aloud(world):
    x, labels = counts(100)
    cells_file(world.folder / "t.h5ad", x, labels)
    status, said = world.convert("t.h5ad", "pred.csv", "--truth-value-space", "lognorm")
    assert status == 0 and "taken for log-normalised as you say, but the values look like counts" in " ".join(
        warned(said)
    )
    world.check(means(x, labels))
    status, said = world.aggregate("t.h5ad", "--value-space", "lognorm")
    assert status == 0 and "as you say, but the values look like counts" in said
    world.check(means(x, labels))


def test_corrected_counts_are_asked_about_and_normalised_where_declared(world):
    x = world.x * np.float32(0.173)  # no whole numbers, and no logarithms either
    cells_file(world.folder / "t.h5ad", x, world.labels)
    for status, said in (world.convert("t.h5ad"), world.aggregate("t.h5ad")):
        assert status == 2 and "counts that were corrected" in said
    for status, said in (
        world.convert("t.h5ad", "pred.csv", "--truth-value-space", "counts"),
        world.aggregate("t.h5ad", "--value-space", "counts"),
    ):
        assert status == 0 and "not whole numbers: taken for counts as you say" in said
        world.check()


# -- logarithms ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mark", [True, False], ids=["uns", "no uns"])
def test_no_logarithm_is_taken_twice(world, mark):
    obs = {"nperts": [0 if c == "ctrl" else c.count("+") + 1 for c in world.labels]}
    labels = ["control" if c == "ctrl" else c.replace("+", "_") for c in world.labels]
    uns = {"log1p": {"base": None}} if mark else {}
    cells_file(world.folder / "t.h5ad", sp.csr_matrix(world.log), labels, "perturbation", obs=obs, uns=uns)
    status, said = world.convert("t.h5ad")  # the layout of scPerturb, whose files are counts
    assert status == 0 and "no logarithm is taken again" in said and not warned(said)
    world.check(predicted=world.predicted)
    status, said = world.convert("t.h5ad", "pred.csv", "--truth-value-space", "counts")
    assert status == 2 and "is not taken twice" in said
    cells_file(world.folder / "u.h5ad", world.log, world.labels, uns=uns)
    status, said = world.aggregate("u.h5ad", "--value-space", "counts")
    assert status == 2 and "is not taken twice" in said


def test_counts_beside_the_mark_of_a_logarithm_are_counts(world):
    """A file of counts that was restored to X keeps uns["log1p"]: whole numbers decide."""
    cells_file(world.folder / "t.h5ad", world.x, world.labels, uns={"log1p": {"base": None}})
    assert world.convert("t.h5ad", "pred.csv", "--truth-value-space", "counts")[0] == 0
    world.check()
    assert world.aggregate("t.h5ad")[0] == 0
    world.check()


# -- missing and infinite ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("value", "word"), [(np.nan, "missing"), (np.inf, "infinite")])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix, sp.csc_matrix], ids=["dense", "csr", "csc"])
def test_a_missing_value_is_named_with_cell_and_gene(world, value, word, form):
    x = world.log.copy()
    x[PER_CONDITION + 2, 7] = value
    cells_file(world.folder / "t.h5ad", form(x), world.labels)
    status, said = world.convert("t.h5ad")
    assert status == 2 and f"the value of gene GEN7 in c17 (GEN0) is {word}" in said and "counts" not in said
    status, said = world.aggregate("t.h5ad")
    assert status == 2 and f"the value of gene GEN7 in cell c17 is {word}" in said and "counts" not in said
    status, said = world.convert("truth.csv", "t.h5ad")
    assert status == 2 and f"gene GEN7 in c17 (GEN0) is {word}" in said
    table = world.predicted.copy()
    table.iloc[1, 7] = value
    table.to_csv(world.folder / "p.csv")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 2 and "GEN1" in said and "GEN7" in said


def test_a_cell_without_any_value_is_left_out_and_named(world):
    x = world.log.copy()
    x[PER_CONDITION + 2] = np.nan
    cells_file(world.folder / "t.h5ad", x, world.labels)
    status, said = world.convert("t.h5ad")
    assert status == 0 and "1 row without any value (NaN) left out: c17 (GEN0)" in " ".join(warned(said))
    keep = np.arange(len(x)) != PER_CONDITION + 2
    world.check(means(world.log[keep], [c for c, k in zip(world.labels, keep, strict=True) if k]))
    status, said = world.aggregate("t.h5ad")
    assert status == 0 and "1 cell without any value (NaN) left out: c17" in said
    world.check(means(world.log[keep], [c for c, k in zip(world.labels, keep, strict=True) if k]))


def test_what_an_outer_join_leaves_empty_is_not_predicted(world):
    """Rows of other cells and genes of another panel are NaN throughout: neither is a prediction of nothing."""
    x = world.log.copy()
    x[np.array(world.labels) == "GEN1"] = np.nan
    x[:, 5] = np.nan
    cells_file(world.folder / "p.h5ad", x, world.labels)
    status, said = world.convert("truth.csv", "p.h5ad")
    assert (
        status == 0 and "15 rows without any value (NaN) left out: GEN1" in said and "1 gene without any value" in said
    )
    b = load_benchmark(world.folder / "b.h5ad")
    assert b.adata.n_vars == len(GENES) - 1 and "GEN5" not in b.genes
    rows = dict(zip(b.conditions, b.prediction("M", ""), strict=True))
    assert np.isnan(rows["GEN1"]).all()
    np.testing.assert_allclose(rows["GEN2"], world.truth.loc["GEN2"].drop("GEN5"), atol=1e-5)


# -- rows on another scale -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("depth", [100, 3000])
def test_a_condition_of_counts_among_logarithms_is_named(world, depth):
    x, labels = counts(depth)
    mixed = logs(x)
    of = np.array(labels) == "GEN2"
    mixed[of] = x[of] if depth == 100 else x[of] / 20
    cells_file(world.folder / "p.h5ad", mixed, labels)
    status, said = world.convert("truth.csv", "p.h5ad")
    assert status == 0 and any("GEN2" in line and "scale" in line for line in warned(said))
    table = world.predicted.copy()
    table.loc["GEN2"] = np.expm1(table.loc["GEN2"]) / 60  # a table, as another scale of one row
    table.to_csv(world.folder / "p.csv")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 0 and re.search(r"1 condition is on another scale than the others.*\(GEN2\)", said)
    cells_file(world.folder / "t.h5ad", mixed, labels)
    status, said = world.aggregate("t.h5ad")
    assert status == 0 and ("are whole numbers, as counts are" in said) == (depth == 100)


# -- scaled --------------------------------------------------------------------------------------------------------
def test_scaled_values_are_named_with_the_layers_that_may_be_meant(world):
    scaled = ((world.log - world.log.mean(axis=0)) / world.log.std(axis=0)).astype("f4")
    layers = {"lognorm": world.log, "counts": world.x}
    cells_file(world.folder / "t.h5ad", scaled, world.labels, layers=layers)
    status, said = world.convert("t.h5ad")
    assert (
        status == 2 and "looks scaled" in said and "--truth-layer for the truth): the file has counts, lognorm" in said
    )
    status, said = world.aggregate("t.h5ad")
    assert status == 2 and "(--layer): the file has counts, lognorm" in said
    assert world.convert("t.h5ad", "pred.csv", "--truth-layer", "lognorm")[0] == 0
    world.check(predicted=world.predicted)
    assert world.convert("t.h5ad", "pred.csv", "--truth-layer", "counts", "--truth-value-space", "counts")[0] == 0
    world.check()
    assert world.aggregate("t.h5ad", "--layer", "lognorm")[0] == 0
    world.check()
    status, said = world.convert("truth.csv", "t.h5ad")  # as a prediction
    assert status == 2 and "looks scaled" in said
    assert world.convert("truth.csv", "t.h5ad", "--layer", "lognorm")[0] == 0
    world.check(predicted=world.truth.iloc[1:])
    status, said = world.convert("truth.csv", "t.h5ad", "--layer", "nothing")
    assert status == 2 and "has no 'nothing' (--layer); it has: X, counts, lognorm" in said
    means(scaled, world.labels).iloc[1:].to_csv(world.folder / "p.csv")
    status, said = world.convert("truth.csv", "p.csv")  # as a table
    assert status == 2 and "changes" in said


def test_raw_is_a_slot(world):
    scaled = ((world.log - world.log.mean(axis=0)) / world.log.std(axis=0)).astype("f4")[:, :10]
    whole = ad.AnnData(
        world.log, pd.DataFrame({"condition": world.labels}, index=[f"c{i}" for i in range(len(world.labels))])
    )
    whole.var_names = GENES
    adata = whole[:, :10].copy()
    adata.X, adata.raw = scaled, whole
    adata.write_h5ad(world.folder / "t.h5ad")
    assert "the file has raw" in world.convert("t.h5ad")[1]
    assert world.convert("t.h5ad", "pred.csv", "--truth-layer", "raw")[0] == 0
    world.check(predicted=world.predicted)


# -- changes -------------------------------------------------------------------------------------------------------
def test_sparse_changes_are_asked_about(world):
    """Only what changes is written, and only upwards: nearly all zero, far below expression, no negative value."""
    changes = (world.predicted - world.truth.loc["ctrl"]).clip(lower=0)
    changes[changes < 0.4] = 0
    assert (changes.to_numpy() == 0).mean() > 0.6
    changes.to_csv(world.folder / "p.csv")
    status, said = world.convert("truth.csv", "p.csv")
    assert status == 2 and "look like changes against control" in said
    assert world.convert("truth.csv", "p.csv", "--value-space", "delta", "--truth-value-space", "lognorm")[0] == 0
    world.check(predicted=changes + world.truth.loc["ctrl"])


# -- another slot than X -------------------------------------------------------------------------------------------
def test_a_prediction_in_a_layer_is_named_and_can_be_chosen(world):
    rng = np.random.default_rng(2)
    predicted = np.maximum(world.log + rng.normal(0, 0.2, world.log.shape), 0).astype("f4")
    start = world.log[rng.integers(0, PER_CONDITION, len(world.log))]
    for column in ("condition", "target_gene"):
        cells_file(
            world.folder / "p.h5ad", start, world.labels, column, layers={"predicted": predicted, "counts": world.x}
        )
        status, said = world.convert("truth.csv", "p.h5ad")
        assert status == 0 and "predicted lies beside it" in " ".join(warned(said)) and "counts lies" not in said
        status, said = world.convert("truth.csv", "p.h5ad", "--layer", "predicted")
        assert status == 0 and "lies beside" not in said
        world.check(predicted=means(predicted, world.labels).iloc[1:])


def test_cpa_in_both_places_is_read_from_the_logarithms(world):
    """Its tutorial normalises a copy of obsm["CPA_pred"], which holds counts, into the layer of that name."""
    x, labels = counts(seed=12)
    x = x + np.float32(0.3)  # means of a negative binomial: no whole numbers
    cells_file(
        world.folder / "p.h5ad", world.x, labels, "cond_harm", obsm={"CPA_pred": x}, layers={"CPA_pred": logs(x)}
    )
    status, said = world.convert("truth.csv", "p.h5ad")
    assert status == 0 and "Predictions are taken from 'layers/CPA_pred'" in said
    world.check(predicted=means(logs(x), labels).iloc[1:])


def test_the_report_of_aggregate_keeps_what_was_said(world):
    x, labels = counts(100)
    cells_file(world.folder / "t.h5ad", x, labels)
    world.aggregate("t.h5ad", "--value-space", "lognorm")
    report = read_report(ad.read_h5ad(world.folder / "b.h5ad"))
    assert any("look like counts" in note for note in report.notes)
