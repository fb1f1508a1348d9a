"""Hostile files end in one sentence, on the command line and as an upload; nothing is left, nobody else notices."""

from __future__ import annotations

import contextlib
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import psutil
import pytest
import scipy.sparse as sp

from perturbviz.cli import main
from perturbviz.errors import UserError
from perturbviz.readers import Options, isolation
from perturbviz.readers.base import Profiles
from perturbviz.ui import uploads
from tests.readers import tiny

pytestmark = pytest.mark.filterwarnings("ignore:This process")
MAKERS = {}


def maker(match: str, place: str = "truth"):
    """Register a writer of a hostile file with what its sentence says."""

    def add(function):
        MAKERS[function.__name__] = (function, match, place)
        return function

    return add


def cells(path: Path, x, **more) -> Path:
    obs = pd.DataFrame({"condition": (tiny.CONDITIONS * 10)[: x.shape[0]]}, index=[f"c{i}" for i in range(x.shape[0])])
    ad.AnnData(x, obs=obs, var=pd.DataFrame(index=tiny.GENES), **more).write_h5ad(path)
    return path


def sparse(folder: Path, change) -> Path:
    path = cells(folder / "cells.h5ad", sp.csr_matrix(np.ones((24, 6), "f4")))
    with h5py.File(path, "r+") as file:
        change(file["X"])
    return path


def bench(folder: Path, change) -> Path:
    """A good benchmark of one method, spoilt by ``change(file)``."""
    n, path = len(tiny.CONDITIONS), folder / "bench.h5ad"
    obs = pd.DataFrame(
        {"condition": tiny.CONDITIONS, "context": "k", "is_control": [c == "ctrl" for c in tiny.CONDITIONS]},
        index=[f"k|{c}" for c in tiny.CONDITIONS],
    )
    obs["n_cells"] = 10.0
    obs["split"] = ["train"] * (n - 2) + ["test"] * 2
    x = tiny.truth().to_numpy(np.float32)
    meta = {"schema": 1, "value_space": "lognorm", "title": "t", "methods": {"m": {"name": "m"}}}
    adata = ad.AnnData(
        x, obs=obs, var=pd.DataFrame(index=tiny.GENES), layers={"pred__m": x + 1}, uns={"perturbviz": meta}
    )
    adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def put(file, name, values) -> None:
    about = dict(file[name].attrs)
    del file[name]
    file[name] = values
    file[name].attrs.update(about)


@maker(r"cells.h5ad is damaged: 'X' is no sparse matrix, it names column 100,000,000 and has 6 columns")
def indices_beyond(folder):
    return sparse(folder, lambda x: x["indices"].write_direct(np.full(144, 10**8, x["indices"].dtype)))


@maker("is no sparse matrix, it names column -3")
def indices_below(folder):
    return sparse(folder, lambda x: x["indices"].write_direct(np.full(144, -3, x["indices"].dtype)))


@maker("is no sparse matrix, its row pointers do not start at 0")
def pointers_that_fall(folder):
    return sparse(folder, lambda x: x["indptr"].__setitem__(5, 0))


@maker("is no sparse matrix, its row pointers do not start at 0")
def pointers_that_start_late(folder):
    return sparse(folder, lambda x: x["indptr"].__setitem__(0, 6))


@maker("is no sparse matrix, its row pointers do not start at 0")
def pointers_that_end_early(folder):
    return sparse(folder, lambda x: x["indptr"].__setitem__(24, 140))


@maker("is no sparse matrix, its shape is not two whole numbers")
def shape_below_zero(folder):
    return sparse(folder, lambda x: x.attrs.__setitem__("shape", np.array([24, -6])))


@maker(r"holds .* MB, more than the limit of 500 MB .PERTURBVIZ_MAX_MB")
def linked_layers(folder):
    """Sixty names of one compressed matrix."""

    def change(file):
        n, block = 1100, zlib.compress(np.ones((50, 6000), "f4").tobytes(), 9)
        data = file.create_dataset("layers/pred__a", (n, 6000), "f4", chunks=(50, 6000), compression="gzip")
        for start in range(0, n, 50):
            data.id.write_direct_chunk((start, 0), block)
        for i in range(60):
            file[f"layers/pred__{i}"] = h5py.SoftLink("/layers/pred__a") if i % 2 else data

    return bench(folder, change)


@maker("lies within itself")
def circle_of_links(folder):
    return bench(folder, lambda file: file["uns"].__setitem__("again", file["/uns"]))


@maker(r"The text of bench.h5ad.* holds .* MB, more than the limit of 500 MB|The text of text.h5ad")
def repeated_text(folder):
    """Many references to one long text."""
    path, n = cells(folder / "text.h5ad", np.ones((24, 6), "f4")), 20_000
    with h5py.File(path, "r+") as file:
        data = file.create_dataset("obs/more", (n,), h5py.string_dtype(), chunks=(n,), compression="gzip")
        data.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
        data[0] = "A" * 100_000
        file["obs"].attrs["column-order"] = [*file["obs"].attrs["column-order"], "more"]
    with h5py.File(path, "r+") as file:
        block = zlib.decompress(file["obs/more"].id.read_direct_chunk((0,))[1])
        file["obs/more"].id.write_direct_chunk((0,), zlib.compress(block[:16] * n, 9))
    return path


@maker("array 'conditions' is of the type '<U0': use plain numbers or text")
def names_of_no_bytes(folder):
    claimed = BytesIO()
    header = {"descr": "<U0", "fortran_order": False, "shape": (10**10,)}
    np.lib.format.write_array_header_1_0(claimed, header)
    values = BytesIO()
    np.save(values, np.ones((2, 6)))
    with zipfile.ZipFile(folder / "u.npz", "w") as archive:
        for name, data in (("pred", values), ("conditions", claimed), ("genes", claimed)):
            archive.writestr(f"{name}.npy", data.getvalue())
    return folder / "u.npz"


@maker("It makes an array of its own, which is refused|is a pickle", "prediction")
def pickle_with_a_pointer(folder):
    (folder / "p.pkl").write_bytes(b"\x80\x03cnumpy\nndarray\n(K\x01\x85X\x01\x00\x00\x00OC\x08AAAAAAAAtR.")
    return folder / "p.pkl"


@maker("nothing in it|holds no files")
def empty_zip(folder):
    with zipfile.ZipFile(folder / "empty.zip", "w"):
        pass
    return folder / "empty.zip"


@maker("holds 'a.csv' twice")
def one_name_twice(folder):
    with zipfile.ZipFile(folder / "twice.zip", "w") as archive, pytest.warns(UserWarning):
        archive.writestr("a.csv", "c,A\nx,1\n")
        archive.writestr("a.csv", "c,A\nx,2\n")
    return folder / "twice.zip"


@maker("a field of its first lines is longer than 131,072 letters")
def long_name(folder):
    (folder / "long.csv").write_text("c," + "A" * 200_000 + ",B\nctrl,1,2\nx,1,2\n")
    return folder / "long.csv"


@maker("condition 'BAK1.CEBPA' must be a list of numbers", "prediction")
def huge_number(folder):
    run = folder / "run"
    run.mkdir()
    (run / "gene_names.json").write_text('["CEBPA", "KLF1"]')
    (run / "all_predictions.json").write_text('{"BAK1+CEBPA": [' + "9" * 400 + ", 1]}")
    return run


@maker("'is_control' must say true or false, but one value is 'maybe'")
def control_maybe(folder):
    words = np.array([b"maybe"] * len(tiny.CONDITIONS), dtype="S5")
    return bench(folder, lambda f: put(f, "obs/is_control", words))


@maker("'is_control' must say true or false, but one value is 'nan'")
def control_nan(folder):
    return bench(folder, lambda f: put(f, "obs/is_control", np.full(len(tiny.CONDITIONS), np.nan)))


@maker("Every condition of the data set is marked as control")
def control_everywhere(folder):
    return bench(folder, lambda f: f["obs/is_control"].__setitem__(slice(None), True))


@maker("infinite value .observed. for condition .*, gene ")
def infinite_truth(folder):
    return bench(folder, lambda f: f["X"].__setitem__((3, slice(0, 2)), np.inf))


@maker("infinite value .'pred__m'. for condition")
def infinite_prediction(folder):
    return bench(folder, lambda f: f["layers/pred__m"].__setitem__((3, 1), -np.inf))


@maker("All observed values of the data set are missing")
def nothing_but_nan(folder):
    return bench(folder, lambda f: f["X"].__setitem__(Ellipsis, np.nan))


@maker("pred__m holds values of the type complex64")
def complex_layer(folder):
    return bench(folder, lambda f: put(f, "layers/pred__m", np.ones((len(tiny.CONDITIONS), 6), np.complex64)))


@maker("'n_cells' is -1 for condition .*: a number of cells is 0 or more")
def cells_below_zero(folder):
    return bench(folder, lambda f: f["obs/n_cells"].__setitem__(2, -1))


@maker("schema is 'x': it must be a whole number")
def odd_schema(folder):
    def change(file):
        put(file, "uns/perturbviz/schema", "x")
        file["uns/perturbviz/schema"].attrs.update({"encoding-type": "string", "encoding-version": "0.2.0"})

    return bench(folder, change)


@dataclass
class Upload:
    """What Streamlit hands over."""

    name: str
    content: bytes
    file_id: str = "1"

    def getbuffer(self) -> memoryview:
        return memoryview(self.content)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "500")
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "20")
    before = {p.pid for p in psutil.Process().children()}
    yield
    assert not list((tmp_path / "tmp").glob("perturbviz*"))
    nursery = isolation._NURSERY.process.pid if isolation._NURSERY else -1
    time.sleep(0.05)
    for process in psutil.Process().children():  # servers and browsers of other tests start what they like
        with contextlib.suppress(psutil.NoSuchProcess):
            ended = process.status() == psutil.STATUS_ZOMBIE or "python" not in process.name()
            assert ended or process.pid in {*before, nursery}


@pytest.mark.parametrize("name", MAKERS)
def test_on_the_command_line(name, tmp_path, capsys):
    make, match, place = MAKERS[name]
    path, out = make(tmp_path), tmp_path / "out.h5ad"
    tiny.truth().to_csv(tmp_path / "good.csv")
    words = (
        ["--truth", str(path)]
        if place == "truth"
        else ["--truth", str(tmp_path / "good.csv"), "--prediction", f"m={path}"]
    )
    begun = time.monotonic()
    status = main(["convert", *words, "-o", str(out)])
    assert time.monotonic() - begun < 30
    said = capsys.readouterr().err.strip()
    assert status == 2 and not out.exists() and "\n" not in said
    assert pd.Series([said]).str.contains(match).all(), said


@pytest.mark.parametrize("name", MAKERS)
def test_as_an_upload(name, tmp_path):
    make, match, _ = MAKERS[name]
    path = make(tmp_path)
    parts = sorted(path.iterdir()) if path.is_dir() else [path]
    with pytest.raises(UserError, match=match):
        uploads.read_uploads([Upload(p.name, p.read_bytes()) for p in parts], Options())


def test_good_ones_are_read(tmp_path):
    """What the makers spoil is good before."""
    path = bench(tmp_path, lambda f: None)
    found = uploads.read_uploads([Upload("bench.h5ad", path.read_bytes())], Options())[0].benchmark
    np.testing.assert_array_equal(found.truth, tiny.truth().to_numpy(np.float32))
    assert found.is_control.tolist() == [c == "ctrl" for c in tiny.CONDITIONS]
    good = cells(tmp_path / "cells.h5ad", sp.csr_matrix(np.full((24, 6), 0.5, "f4")))
    assert uploads.read_uploads([Upload("cells.h5ad", good.read_bytes())], Options())[0].truth.values.shape == (6, 6)


@pytest.mark.parametrize("words", [[b"True", b"FALSE"], [1, 0], [1.0, 0.0]])
def test_yes_and_no_may_be_written_in_ways(tmp_path, words):
    flags = np.array([words[0] if c == "ctrl" else words[1] for c in tiny.CONDITIONS])
    path = bench(tmp_path, lambda f: put(f, "obs/is_control", flags))
    found = uploads.read_uploads([Upload("bench.h5ad", path.read_bytes())], Options())[0].benchmark
    assert found.is_control.tolist() == [c == "ctrl" for c in tiny.CONDITIONS]


def test_a_wide_table_is_read_in_time(tmp_path, monkeypatch):
    n = 60_000
    lines = ["c," + ",".join(f"g{i}" for i in range(n)), "ctrl" + ",1" * n, "x" + ",0.5" * (n - 2) + ",NA,"]
    found = uploads.read_uploads([Upload("wide.csv", "\n".join(lines).encode())], Options())[0].truth
    assert found.labels == ["ctrl", "x"] and found.values.shape == (2, n)
    assert (found.values[0] == 1).all() and (found.values[1, :-2] == 0.5).all() and np.isnan(found.values[1, -2:]).all()


def test_parquet_text_counts_as_what_it_becomes(tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "20")
    table = pa.table({"c": ["A" * 5000] * 10_000, "g": np.ones(10_000)})
    pq.write_table(table, tmp_path / "t.parquet", use_dictionary=True, compression="zstd")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    with pytest.raises(UserError, match="holds 50 MB, more than the limit of 20 MB"):
        uploads.read_uploads([Upload("t.parquet", (tmp_path / "t.parquet").read_bytes())], Options())


def test_a_pickle_of_lists_in_lists_ends(tmp_path):
    from perturbviz.readers.pickles import safe_pickle

    (tmp_path / "x.pkl").write_bytes(b"\x80\x03" + b"]q\x00" + b"]q\x01(h\x00h\x00h\x00h\x00e" * 1 + b".")
    safe_pickle(tmp_path / "x.pkl")
    nested = b"\x80\x03" + b"]q\x00" + b"".join(b"](" + b"h%c" % i * 8 + b"eq%c" % (i + 1) for i in range(25)) + b"."
    (tmp_path / "y.pkl").write_bytes(nested)
    begun = time.monotonic()
    with contextlib.suppress(UserError):
        safe_pickle(tmp_path / "y.pkl")
    assert time.monotonic() - begun < 5


def test_cells_out_of_bounds_are_one_line_for_aggregate(tmp_path, capsys):
    path = sparse(tmp_path, lambda x: x["indices"].write_direct(np.full(144, 10**8, x["indices"].dtype)))
    words = ["--condition", "condition", "--control", "ctrl", "-o", str(tmp_path / "o.h5ad")]
    assert main(["aggregate", str(path), *words]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said and "no sparse matrix" in said and not (tmp_path / "o.h5ad").exists()


@pytest.mark.parametrize("odd", ["B\0K1", "BAK1\nx", "KLF\u202e1", "a\tb", "\udc80"])
def test_names_with_control_characters_are_refused(odd, tmp_path):
    names = ["ctrl", "BAK1", odd]
    for label, gene in ((names, list("ABC")), (["ctrl", "x", "y"], ["A", "B", odd])):
        with pytest.raises(UserError, match=r"of a (condition|gene) holds the control character U\+[0-9A-F]{4}"):
            Profiles(np.ones((3, 3)), label, gene)
    Profiles(np.ones((1, 1)), [" BAK1\r\n"], ["A "])  # blanks around a name are not of it


def test_names_of_a_benchmark_hold_no_control_characters(tmp_path):
    path = bench(tmp_path, lambda f: f["uns/perturbviz/title"].__setitem__((), "a\u202eb"))
    with pytest.raises(UserError, match="of a data set holds the control character U.202E"):
        uploads.read_uploads([Upload("bench.h5ad", path.read_bytes())], Options())
