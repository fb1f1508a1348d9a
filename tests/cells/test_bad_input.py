"""Wrong files and requests get one clear sentence; odd ones are reported; nothing half-written is left behind."""

import argparse
import threading

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from perturbviz.cells import AggregateCancelledError, AggregateError, aggregate, read_report
from perturbviz.cli import aggregate as cli
from perturbviz.errors import UserError
from tests.cells.simulated import ASKED, counts_of, lognorm


@pytest.fixture
def cells():
    return counts_of(120, 12)


def run(cells, tmp_path, **options):
    cells.write_h5ad(tmp_path / "cells.h5ad")
    return aggregate(tmp_path / "cells.h5ad", **{**ASKED, **options})


def refusal(cells, tmp_path, **options):
    """The sentence, after checking that it is one and that no file was written."""
    with pytest.raises(AggregateError) as caught:
        run(cells, tmp_path, out=tmp_path / "bench.h5ad", **options)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["cells.h5ad"]
    return str(caught.value)


def notes(adata):
    return " ".join(read_report(adata).notes)


def test_missing_control_lists_the_labels(cells, tmp_path):
    sentence = refusal(cells, tmp_path, control="NT")
    assert "'NT'" in sentence
    assert "'control'" in sentence
    assert "'A+B'" in sentence


def test_missing_columns_list_the_candidates(cells, tmp_path):
    assert "perturbation, line" in refusal(cells, tmp_path, condition="gene")
    assert "'donor'" in refusal(cells, tmp_path, context="donor")


def test_counts_declared_log_normalised_are_used_as_they_are_and_noted(cells, tmp_path):
    result = run(cells, tmp_path, value_space="lognorm")
    assert "taken for log-normalised as you say, but the values look like counts" in notes(result)
    control = (cells.obs["perturbation"] == "control").to_numpy()
    for context in result.varm["control_mean"]:
        rows = control if context == "all" else control & (cells.obs["line"] == context).to_numpy()
        expected = np.asarray(cells.X[rows].mean(axis=0)).ravel()
        np.testing.assert_allclose(result.varm["control_mean"][context], expected, rtol=1e-5)


def test_counts_further_down_the_file_are_refused_too(cells, tmp_path):
    values = lognorm(cells.X)
    values[77] = 60.5
    cells.X = sparse.csr_matrix(values)
    sentence = refusal(cells, tmp_path, bytes_per_block=320)
    assert "counts mistaken for log-normalised values" in sentence


def test_log_normalised_declared_counts_are_refused(cells, tmp_path):
    cells.X = sparse.csr_matrix(lognorm(cells.X))
    assert "do not look like counts" in refusal(cells, tmp_path, value_space="counts")


def test_scaled_values_are_refused_unless_declared(cells, tmp_path):
    cells.X = lognorm(cells.X) - 1
    assert "neither counts nor log-normalised" in refusal(cells, tmp_path)
    result = run(cells, tmp_path, value_space="lognorm")
    assert result.X.min() < 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_missing_values_are_refused(cells, tmp_path, value):
    cells.X[5, 3] = value
    assert refusal(cells, tmp_path, value_space=None)


def test_all_zero_is_refused(cells, tmp_path):
    cells.X = sparse.csr_matrix(cells.shape, dtype=np.float32)
    assert "all zero" in refusal(cells, tmp_path)


def test_no_cells_is_refused(cells, tmp_path):
    assert "no cells" in refusal(cells[:0].copy(), tmp_path)


def test_only_missing_labels_is_refused(cells, tmp_path):
    cells.obs["line"] = [np.nan] * len(cells)
    assert "nothing to aggregate" in refusal(cells, tmp_path, context="line")


def test_damaged_files_are_refused(cells, tmp_path):
    path = tmp_path / "cells.h5ad"
    cells.write_h5ad(path)
    whole = path.read_bytes()
    for content in (b"", b"not hdf5", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(AggregateError, match="empty|cannot be read"):
            aggregate(path, **ASKED)
    with pytest.raises(AggregateError, match="no such file"):
        aggregate(tmp_path / "other.h5ad", **ASKED)
    (tmp_path / "folder.zarr").mkdir()
    with pytest.raises(AggregateError, match="cannot be read"):
        aggregate(tmp_path / "folder.zarr", **ASKED)


def test_sparse_indices_outside_the_matrix_are_refused(cells, tmp_path):
    cells.X.indices[17] = 99
    assert "damaged" in refusal(cells, tmp_path)


def test_missing_folder_is_refused_before_the_work(cells, tmp_path):
    with pytest.raises(AggregateError, match="does not exist"):
        run(cells, tmp_path, out=tmp_path / "nowhere" / "bench.h5ad", progress=lambda f, w: pytest.fail("worked"))


def test_unreachable_scheduler_is_refused(cells, tmp_path):
    assert "Unknown scheduler" in refusal(cells, tmp_path, scheduler="localhost")
    assert "address" in refusal(cells, tmp_path, scheduler="localhost:1")


def test_condition_of_one_cell_is_reported_and_undefined(cells, tmp_path):
    labels = cells.obs["perturbation"].astype(object)
    labels.iloc[3] = "LONELY"
    cells.obs["perturbation"] = labels
    result = run(cells, tmp_path)
    lonely = result["LONELY"]
    np.testing.assert_allclose(lonely.X[0], lognorm(cells.X)[3], atol=1e-6)
    assert all(np.isnan(lonely.layers[k]).all() for k in lonely.layers)
    assert lonely.obs[["n_cells", "n_cells_a", "n_cells_b"]].to_numpy().tolist() == [[1, 0, 0]]
    assert "Only one cell" in notes(result)
    assert "LONELY" in notes(result)


def test_missing_labels_are_dropped_and_counted(cells, tmp_path):
    labels = cells.obs["perturbation"].astype(object)
    labels.iloc[:5], labels.iloc[5:7] = np.nan, "no_reads_found"
    cells.obs["perturbation"] = pd.Categorical(labels)
    result = run(cells, tmp_path)
    assert result.obs["n_cells"].sum() == 113
    assert result.uns["perturbviz"]["n_dropped_cells"] == 7
    assert "7 of 120 cells" in notes(result)


def test_duplicate_genes_get_a_suffix_and_are_never_averaged(cells, tmp_path):
    expected = run(cells, tmp_path).X
    cells.var_names = ["TWICE", *cells.var_names[1:-1], "TWICE"]
    result = run(cells, tmp_path)
    assert list(result.var_names[[0, -1]]) == ["TWICE", "TWICE-1"]
    assert result.var["symbol_duplicated"].sum() == 2
    np.testing.assert_array_equal(result.X, expected)
    assert "TWICE" in notes(result)
    cells.var["ensembl_id"] = [f"ENSG{i:011d}" for i in range(12)]
    assert run(cells, tmp_path).var_names[-1] == "ENSG00000000011"


def test_context_without_control_has_no_comparison_with_control(cells, tmp_path):
    line = cells.obs["line"].astype(object)
    line[cells.obs["perturbation"] == "control"] = "x/1"
    line[line == "x"] = "x/1"
    cells.obs["line"] = line
    result = run(cells, tmp_path, context="line", out=tmp_path / "bench.h5ad")
    assert set(result.obs["context"]) == {"x_1", "y"}
    y = (result.obs["context"] == "y").to_numpy()
    assert np.isnan(result.layers["de_score_ctrl"][y]).all()
    assert not np.isnan(result.layers["de_score"][y]).any()
    assert result.varm["control_mean"]["y"].isna().all()
    assert "No control cells" in notes(result)


def test_empty_cells_are_counted(cells, tmp_path):
    dense = cells.X.toarray()
    dense[4] = 0
    for matrix in (sparse.csr_matrix(dense), sparse.csc_matrix(dense), dense):
        cells.X = matrix
        assert "1 cells have no counts" in notes(run(cells, tmp_path, bytes_per_block=800))


@pytest.mark.parametrize("how", ["flag", "callback"])
def test_cancelling_leaves_the_old_file_alone(cells, tmp_path, how):
    (tmp_path / "bench.h5ad").write_bytes(b"old")
    flag = threading.Event()

    class StopError(Exception):
        pass

    def progress(fraction, what):
        if how == "callback":
            raise StopError
        flag.set()

    with pytest.raises(StopError if how == "callback" else AggregateCancelledError):
        run(cells, tmp_path, out=tmp_path / "bench.h5ad", progress=progress, cancel=flag, bytes_per_block=160)
    assert (tmp_path / "bench.h5ad").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bench.h5ad", "cells.h5ad"]


def test_command_line_reports_on_stderr_and_writes_the_file(cells, tmp_path, capsys):
    cells.write_h5ad(tmp_path / "cells.h5ad")
    parser = argparse.ArgumentParser()
    cli.register(parser.add_subparsers(required=True))
    command = ["aggregate", str(tmp_path / "cells.h5ad"), "--condition", "perturbation", "--control", "control"]
    arguments = parser.parse_args([*command, "--context", "line", "-o", str(tmp_path / "bench.h5ad")])
    assert arguments.func(arguments) == 0
    assert (tmp_path / "bench.h5ad").is_file()
    said = capsys.readouterr()
    assert said.out == ""
    assert "120 cells x 12 genes, 4 perturbations and control in 2 contexts; values taken as counts" in said.err
