"""Files of other versions and kinds: read, or one sentence that says what they are and what to do."""

import bz2
import gzip
import json
import pickle
import zipfile

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest

from tests.readers.screen import GENES, cells_file


def loom(path, world):
    with h5py.File(path, "w") as file:
        file["matrix"] = world.log.T
        file["row_attrs/Gene"], file["col_attrs/condition"] = np.array(GENES, "S"), np.array(world.labels, "S")


def tenx(path, world):
    with h5py.File(path, "w") as file:
        file["matrix/data"] = np.ones(5)
        file["matrix/features/name"], file["matrix/barcodes"] = np.array(GENES, "S"), np.array(world.labels, "S")


def mudata(path, world):
    with h5py.File(path, "w") as file:
        file["mod/rna/X"], file["mod/adt/X"] = np.ones((2, 2)), np.ones((2, 2))
        file["obs/_index"], file["var/_index"] = np.array(["a", "b"], "S"), np.array(["a", "b"], "S")


def torch(path, world):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"...")


def packed_h5ad(path, world):
    whole = cells_file(world.folder / "whole.h5ad", world.log, world.labels)
    path.write_bytes(gzip.compress(whole.read_bytes()))


def seurat(path, world):
    path.write_bytes(b"RDX3\nX\n" + bytes(60))


WRITERS = {
    loom: "is a .loom file",
    tenx: "is a 10x .h5 of counts",
    mudata: "is a MuData file of adt, rna",
    torch: "was saved by torch.save",
    packed_h5ad: "is a compressed .h5ad: unpack it first",
    seurat: "holds an R object",
}


@pytest.mark.parametrize("writer", WRITERS, ids=lambda w: w.__name__)
@pytest.mark.parametrize("ending", ["own", "h5ad"])
def test_foreign_containers_are_called_by_their_name(world, writer, ending):
    own = {loom: "loom", tenx: "h5", mudata: "h5mu", torch: "pt", packed_h5ad: "h5ad.gz", seurat: "robj"}[writer]
    path = world.folder / f"x.{own if ending == 'own' else ending}"
    writer(path, world)
    for status, said in (world.convert(path.name), world.aggregate(path.name)):
        assert status == 2 and WRITERS[writer] in said and len(said.splitlines()) == 1


def test_other_compressions(world):
    (world.folder / "x.csv.bz2").write_bytes(bz2.compress(world.truth.to_csv().encode()))
    status, said = world.convert("x.csv.bz2")
    assert status == 2 and "compressed with bzip2: unpack it first" in said


def old_h5ad(path, world):
    """As anndata before 0.7 wrote it: structured arrays, categories under uns."""
    kinds = sorted(set(world.labels))
    obs = np.zeros(len(world.labels), dtype=[("index", "S12"), ("condition", "i1"), ("n_counts", "f4")])
    obs["index"] = [f"c{i}".encode() for i in range(len(world.labels))]
    obs["condition"] = [kinds.index(c) for c in world.labels]
    var = np.zeros(len(GENES), dtype=[("index", "S12"), ("n_cells", "i8")])
    var["index"] = [g.encode() for g in GENES]
    with h5py.File(path, "w") as file:
        file["X"], file["obs"], file["var"] = world.log, obs, var
        file["uns/condition_categories"] = np.array([c.encode() for c in kinds])


def test_old_anndata_is_read_by_both_commands(world):
    old_h5ad(world.folder / "t.h5ad", world)
    for status, said in (world.convert("t.h5ad"), world.aggregate("t.h5ad")):
        assert status == 0 and "Warning" not in said
        world.check()


@pytest.mark.filterwarnings("ignore:Writing zarr v2")
@pytest.mark.parametrize("version", [2, 3])
def test_zarr_is_for_aggregate(world, version):
    obs = pd.DataFrame({"condition": world.labels}, index=[f"c{i}" for i in range(len(world.labels))])
    with ad.settings.override(zarr_write_format=version):
        ad.AnnData(world.log, obs=obs, var=pd.DataFrame(index=GENES)).write_zarr(world.folder / "t.zarr")
    assert world.aggregate("t.zarr")[0] == 0
    world.check()
    status, said = world.convert("t.zarr")
    assert status == 2 and "is a .zarr store: run `python -m perturbviz aggregate` on it first" in said


def test_aggregate_takes_raw_and_names_it(world):
    cells_file(world.folder / "t.h5ad", world.log, world.labels)
    a = ad.read_h5ad(world.folder / "t.h5ad")
    a.raw = a.copy()
    a.X = ((world.log - world.log.mean(0)) / world.log.std(0).clip(0.1)).astype("f4")
    a.write_h5ad(world.folder / "t.h5ad")
    status, said = world.aggregate("t.h5ad")
    assert status == 2 and "the file has raw" in said
    assert world.aggregate("t.h5ad", "--layer", "raw")[0] == 0
    world.check()


def test_aggregate_of_a_file_without_x_says_what_it_has(world):
    cells_file(world.folder / "t.h5ad", None, world.labels, layers={"lognorm": world.log})
    status, said = world.aggregate("t.h5ad")
    assert status == 2 and "has no X: it has lognorm; choose one (--layer)" in said
    assert world.aggregate("t.h5ad", "--layer", "lognorm")[0] == 0
    world.check()


def test_aggregate_leaves_out_a_cell_without_any_value(world):
    x = world.log.copy()
    x[17] = np.nan
    cells_file(world.folder / "t.h5ad", x, world.labels)
    status, said = world.aggregate("t.h5ad")
    assert status == 0 and "1 cell without any value (NaN) left out: c17" in said
    keep = np.arange(len(x)) != 17
    from tests.readers.screen import means

    world.check(means(x[keep], [c for c, k in zip(world.labels, keep, strict=True) if k]))


@pytest.mark.filterwarnings("error")
def test_half_precision_is_summed_without_a_word(world):
    cells_file(world.folder / "t.h5ad", world.log.astype("f2"), world.labels)
    assert len(world.aggregate("t.h5ad", "--trust")[1].splitlines()) == 1


PARTS = {"train": ["GEN0+ctrl", "ctrl"], "valid": ["GEN1+ctrl"], "test": ["GEN2"], "ood": ["GEN0+GEN1"]}


@pytest.mark.parametrize("form", ["json", "csv", "pkl"])
def test_parts_of_a_split_mean_the_same_in_every_format(world, form):
    path = world.folder / f"s.{form}"
    if form == "csv":
        path.write_text("condition,split\n" + "".join(f"{c},{part}\n" for part, v in PARTS.items() for c in v))
    else:
        path.write_bytes(pickle.dumps(PARTS) if form == "pkl" else json.dumps(PARTS).encode())
    status, said = world.convert("truth.csv", "pred.csv", "--split", path)
    assert status == 0 and "parts under other words (valid is val, ood is test)" in said
    b = world.check()
    parts = dict(zip(b.conditions, b.splits[""], strict=True))
    assert parts == {"ctrl": "unassigned", "GEN0": "train", "GEN1": "val", "GEN2": "test", "GEN0+GEN1": "test"}


def test_unknown_parts_are_named(world):
    (world.folder / "s.csv").write_text("condition,split\nGEN0,train\nGEN1,later\nGEN2,test\n")
    status, said = world.convert("truth.csv", "pred.csv", "--split", world.folder / "s.csv")
    assert status == 0 and "not understood, their perturbations stay unassigned (later)" in said
