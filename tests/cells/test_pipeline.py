"""The streamed result equals plain numpy on all cells, whatever the file format, blocks and scheduler."""

import json

import anndata as ad
import numpy as np
import pytest
from scipy import sparse

from perturbviz.analyses.calibration import calibration_map
from perturbviz.benchmark import load
from perturbviz.benchmark.perturbations import parse_condition
from perturbviz.cells import aggregate, read_report
from perturbviz.cells.labels import make_groups, random_halves
from perturbviz.cli import main
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from tests.cells.simulated import ASKED, REAL_CELLS, assert_same, counts_of, lognorm, plain_de


@pytest.fixture(scope="module")
def cells():
    return counts_of()


@pytest.fixture(scope="module")
def path(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    cells.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def result(path):
    return aggregate(path, **ASKED, context="line", energy=True)


def assert_equals_plain(result, values, names, contexts, seed=0):
    """Every number of ``result`` from the cells x genes ``values`` and the labels of the cells."""
    for i, (condition, context) in enumerate(zip(result.obs["condition"], result.obs["context"], strict=True)):
        within = contexts == context
        mine = within & (names == condition)
        x = values[mine]
        np.testing.assert_allclose(result.X[i], x.mean(0), atol=1e-6)
        np.testing.assert_allclose(result.layers["se"][i], x.std(0, ddof=1) / np.sqrt(len(x)), atol=1e-6)
        assert result.obs["n_cells"].iloc[i] == len(x)
        t, padj = plain_de(x, values[within & ~mine])
        np.testing.assert_allclose(result.layers["de_score"][i], t, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(result.layers["de_padj"][i], padj, rtol=1e-5, atol=1e-6)
        if condition != "ctrl":
            t, padj = plain_de(x, values[within & (names == "ctrl")])
            np.testing.assert_allclose(result.layers["de_score_ctrl"][i], t, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(result.layers["de_padj_ctrl"][i], padj, rtol=1e-5, atol=1e-6)
        else:
            assert np.isnan(result.layers["de_score_ctrl"][i]).all()
            np.testing.assert_allclose(result.varm["control_mean"][context], x.mean(0), atol=1e-6)


@pytest.mark.skipif(not REAL_CELLS.is_file(), reason=f"real cells are not there: {REAL_CELLS}")
def test_real_cells_equal_plain_numpy():
    result = aggregate(
        REAL_CELLS, condition="condition", control="control", context="cell_type", bytes_per_block=240_000
    )
    cells = ad.read_h5ad(REAL_CELLS)
    names = cells.obs["condition"].map(parse_condition).to_numpy(object)
    assert result.shape == (64, 500)
    assert_equals_plain(result, cells.X.toarray(), names, cells.obs["cell_type"].to_numpy(object))


def test_counts_are_normalised_per_cell_before_averaging(cells, result):
    names = cells.obs["perturbation"].map(parse_condition).to_numpy(object)
    assert_equals_plain(result, lognorm(cells.X), names, cells.obs["line"].to_numpy(object))
    assert result.uns["perturbviz"]["target_sum"] == 1e4
    assert read_report(result).value_space == "counts"


def test_halves_are_disjoint_halves_and_their_de_uses_cells_of_that_half_only(cells, result):
    groups = make_groups(cells.obs["perturbation"], "control", cells.obs["line"])
    half, _ = random_halves(groups, seed=0)
    values = lognorm(cells.X)
    for i in range(result.n_obs):
        mine = groups.code == i
        within = groups.context[groups.code] == groups.context[i]
        a = mine & (half == 0)
        assert a.sum() == mine.sum() // 2 == result.obs["n_cells_a"].iloc[i]
        assert result.obs["n_cells_a"].iloc[i] + result.obs["n_cells_b"].iloc[i] == mine.sum()
        np.testing.assert_allclose(result.layers["half_a"][i], values[a].mean(0), atol=1e-6)
        np.testing.assert_allclose(result.layers["half_b"][i], values[mine & ~a].mean(0), atol=1e-6)
        t, _ = plain_de(values[a], values[within & (half == 0) & ~mine])
        np.testing.assert_allclose(result.layers["de_score_a"][i], t, rtol=1e-5, atol=1e-5)
        if not result.obs["is_control"].iloc[i]:
            control = within & (groups.condition[groups.code] == "ctrl") & (half == 1)
            _, padj = plain_de(values[mine & ~a], values[control])
            np.testing.assert_allclose(result.layers["de_padj_ctrl_b"][i], padj, rtol=1e-5, atol=1e-6)


def test_rest_can_leave_control_out(cells, path):
    result = aggregate(path, **ASKED, rest="perturbed")
    groups = make_groups(cells.obs["perturbation"], "control")
    half, _ = random_halves(groups, seed=0)
    names, values = groups.condition[groups.code], lognorm(cells.X)
    for row, name in enumerate(result.obs["condition"]):
        mine, others = names == name, (names != name) & (names != "ctrl")
        for part, cells_of_part in (("", np.ones(len(half), bool)), ("_a", half == 0), ("_b", half == 1)):
            t, padj = plain_de(values[mine & cells_of_part], values[others & cells_of_part])
            np.testing.assert_allclose(result.layers[f"de_score{part}"][row], t, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(result.layers[f"de_padj{part}"][row], padj, rtol=1e-5, atol=1e-6)
    assert result.uns["perturbviz"]["de"]["reference"] == "the other perturbed cells"


@pytest.mark.skipif(not REAL_CELLS.is_file(), reason=f"real cells are not there: {REAL_CELLS}")
def test_real_cells_give_calibration_its_controls(tmp_path):
    asked = {"condition": "condition", "control": "control", "context": "cell_type", "rest": "perturbed"}
    aggregate(REAL_CELLS, **asked, out=tmp_path / "bench.h5ad")
    evaluation = Evaluation(load(tmp_path / "bench.h5ad"))
    (found,) = calibration_map(evaluation, [GeneSubset("all")], pairs=[("wmse", "none")])
    assert (found.positive, found.negative) == ("interpolated-duplicate", "mean")
    weak = "MAP2K3+SLC38A2"  # DE of the other half finds no gene here: the duplicate is the mean
    score = found.values[2][found.rows["perturbation"] == weak]
    assert score == pytest.approx([0], abs=1e-6)
    assert found.drf > 0.5 > found.values[2].min()


def test_halves_depend_on_the_seed_and_the_group_alone(cells):
    condition = cells.obs["perturbation"]
    groups = make_groups(condition, "control")
    half, _ = random_halves(groups, 0)
    assert (half != random_halves(groups, 1)[0]).any()
    fewer = condition.where(condition != "C")  # dropping one condition must not move the others
    kept = make_groups(fewer, "control")
    np.testing.assert_array_equal(random_halves(kept, 0)[0][kept.code >= 0], half[kept.code >= 0])


@pytest.mark.parametrize(
    "form", ["csc", "dense", "dense gzip", "float64 csr", "int csr", "zarr csr", "zarr dense", "layer"]
)
def test_every_storage_form_gives_the_same(form, cells, result, tmp_path):
    other, options = cells.copy(), {}
    if "csc" in form:
        other.X = sparse.csc_matrix(cells.X)
    elif "dense" in form:
        other.X = cells.X.toarray()
    elif form == "layer":
        other.layers["counts"], other.X, options = cells.X, cells.X * 0, {"layer": "counts"}
    else:
        other.X = cells.X.astype(np.float64 if "float64" in form else np.int32)
    where = tmp_path / ("cells.zarr" if "zarr" in form else "cells.h5ad")
    if "zarr" in form:
        other.write_zarr(where)
    else:
        other.write_h5ad(where, compression="gzip" if "gzip" in form else None)
    again = aggregate(where, **ASKED, context="line", energy=True, bytes_per_block=24_000, **options)
    assert_same(again, result)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("bytes_per_block", [4_000, 40_000])
def test_blocks_and_schedulers_do_not_matter(scheduler, bytes_per_block, path, result):
    again = aggregate(path, **ASKED, context="line", energy=True, scheduler=scheduler, bytes_per_block=bytes_per_block)
    assert_same(again, result)


def test_lognorm_values_are_used_as_they_are(cells, path, tmp_path):
    other = cells.copy()
    other.X = sparse.csr_matrix(lognorm(cells.X))
    other.write_h5ad(tmp_path / "log.h5ad")
    again = aggregate(tmp_path / "log.h5ad", **ASKED)
    assert_same(again, aggregate(path, **ASKED))
    assert "target_sum" not in again.uns["perturbviz"]


def test_the_saved_benchmark_is_canonical(path, tmp_path):
    result = aggregate(path, **ASKED, out=tmp_path / "bench.h5ad", seed=3)
    stored = load(tmp_path / "bench.h5ad")
    assert_same(stored.adata, result)
    assert list(result.obs_names) == ["A", "A+B", "B", "C", "ctrl"]
    assert result.obs["n_perturbed"].tolist() == [1, 2, 1, 1, 0]
    assert set(result.obs["split"]) == {"unassigned"}
    assert result.X.dtype == np.float32
    assert json.loads(json.dumps(result.uns["perturbviz"]))["seed_of_halves"] == 3
    assert read_report(stored.adata) == read_report(result)
    assert [p.name for p in tmp_path.iterdir()] == ["bench.h5ad"]


def test_effect_shows_where_it_was_put(result):
    rows = result.obs["condition"].str.contains("A") & ~result.obs["is_control"]
    assert (result.layers["de_padj_ctrl"][rows.to_numpy(), 1] < 1e-6).all()
    strength = result.obs["energy_distance"]
    assert strength[rows].min() > strength[~rows].max()


def test_that_energy_distances_come_from_a_sample_is_said_everywhere(path, result, tmp_path, capsys):
    said = "at most 100 cells a perturbation and 500 of control"
    assert any(said in sentence for sentence in read_report(result).sentences())
    kept = result.uns["perturbviz"]
    assert said in kept["aggregate"]["notes"]
    assert (kept["energy"]["cells_per_perturbation"], kept["energy"]["cells_of_control"]) == (100, 500)
    other = aggregate(path, **ASKED, context="line", energy=True, energy_cells=20)
    assert "at most 20 cells a perturbation and 100 of control" in other.uns["perturbviz"]["aggregate"]["notes"]
    plain = aggregate(path, **ASKED, context="line")
    assert "energy" not in plain.uns["perturbviz"] and "sample" not in plain.uns["perturbviz"]["aggregate"]["notes"]
    with pytest.raises(SystemExit):
        main(["aggregate", "--help"])
    assert said in " ".join(capsys.readouterr().out.split())
