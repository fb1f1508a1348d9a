"""Large benchmarks: mapped instead of read, the same numbers, and digested once."""

import numpy as np
import pytest
from anndata import read_h5ad

from perturbviz.analyses.all_views import sweep
from perturbviz.benchmark import benchmark as bm
from perturbviz.benchmark import storage
from perturbviz.errors import UserError
from perturbviz.metrics import CATALOGUE
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset
from perturbviz.scoring.scores import score


@pytest.fixture
def mapped(monkeypatch):
    """Every file counts as large."""
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")


@pytest.fixture
def path(tmp_path, random_benchmark):
    rng = np.random.default_rng(1)
    halves = {k: rng.random((22, 30)) for k in ("half_a", "half_b", "se")}
    return bm.save(random_benchmark(layers=halves), tmp_path / "b.h5ad")


def test_a_large_file_is_mapped_and_a_small_one_read(path, monkeypatch):
    assert bm.load(path).truth.flags.writeable
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")
    b = bm.load(path)
    for matrix in (b.truth, *b.layers.values()):
        assert type(matrix) is np.ndarray and not matrix.flags.writeable and not matrix.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        b.truth[0, 0] = 1
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "lots")
    with pytest.raises(UserError, match="whole number"):
        bm.load(path)


def test_mapped_is_the_same_benchmark(path, monkeypatch):
    read = bm.load(path)
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")
    b = bm.load(path)
    assert b.content_id == read.content_id and b.methods == read.methods and b.seeds == read.seeds
    assert b.adata.obs.equals(read.adata.obs) and list(b.genes) == list(read.genes)
    np.testing.assert_array_equal(b.control("c"), read.control("c"))
    for one, other in zip((b.truth, *b.layers.values()), (read.truth, *read.layers.values()), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("metric", CATALOGUE)
def test_every_metric_works_on_read_only_values(path, monkeypatch, metric):
    read = Evaluation(bm.load(path))
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")
    here = Evaluation(bm.load(path))
    reference = "control" if CATALOGUE[metric].card.reference == "delta" else "none"
    found, error = [], []
    for evaluation in (read, here):
        try:
            found.append(score(evaluation, metric, reference, GeneSubset("all")).values)
        except UserError as why:  # the metric makes no sense on these data, mapped or not
            error.append(str(why))
    assert len(found) == 2 or (len(error) == 2 and error[0] == error[1])
    if found:
        np.testing.assert_array_equal(*found)


def test_the_sweep_works_on_read_only_values(path, mapped):
    assert np.isfinite(sweep(Evaluation(bm.load(path)), threads=1).scores).any()


def test_compressed_layers_are_read(path, mapped):
    adata = read_h5ad(path)
    adata.write_h5ad(path, compression="gzip")
    b = bm.load(path)
    assert b.truth.flags.writeable and b.content_id
    np.testing.assert_array_equal(b.truth, adata.X)


def test_a_file_that_is_replaced_leaves_the_old_one_readable(path, mapped, make_benchmark):
    b, mark = bm.load(path), storage.mark(path)
    before = b.truth.copy()
    bm.save(make_benchmark(np.ones((3, 4)), ["ctrl", "A", "B"]), path)
    np.testing.assert_array_equal(b.truth, before)
    assert storage.mark(path) != mark and bm.load(path).truth.shape == (3, 4)


def test_digests_are_computed_once_a_file(path, tmp_path, mapped, monkeypatch):
    notes = tmp_path / "notes"
    first = bm.load(path, notes).content_id
    monkeypatch.setattr(storage, "digest", lambda matrix: pytest.fail("read again"))
    assert bm.load(path, notes).content_id == first
    monkeypatch.undo()
    monkeypatch.setenv("PERTURBVIZ_MAP_MB", "0")
    (note,) = notes.iterdir()
    for broken in ("", "[]", "{", '{"file": 1}', note.read_text().replace(path.name, "other.h5ad")):
        note.write_text(broken)
        assert bm.load(path, notes).content_id == first
    changed = read_h5ad(path)
    changed.X[0, 0] += 1
    bm.save(changed, path)
    assert bm.load(path, notes).content_id != first
    (tmp_path / "file").touch()
    assert bm.load(path, tmp_path / "file" / "notes").content_id != first  # a folder that cannot be: no error


def test_a_method_that_is_added_is_the_only_thing_digested(path, mapped, monkeypatch):
    b = bm.load(path)
    assert b.content_id
    seen = []
    real = storage.digest
    monkeypatch.setattr(storage, "digest", lambda matrix: seen.append(matrix) or real(matrix))
    more = b.with_predictions("new", "New", {"": b.truth + 1})
    assert more.content_id != b.content_id and len(seen) == 1 and seen[0] is more.layers["pred__new"]
    assert more.content_id == bm.Benchmark.from_adata(more.adata).content_id
    back = more.without_method("new")
    assert back.digests == b.digests
    assert not more.layers["pred__good"].flags.writeable, "the mapped layers of others are shared, not copied"
