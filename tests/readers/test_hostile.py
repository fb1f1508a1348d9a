"""Damaged and hostile files: refused with one sentence, and nothing is run, written elsewhere or filled up."""

import gzip
import io
import json
import os
import pickle
import stat
import struct
import tarfile
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import zstandard

from perturbviz.errors import UserError
from perturbviz.readers import Options, load
from perturbviz.readers.assemble import add_prediction, assemble
from perturbviz.readers.pickles import safe_pickle
from perturbviz.readers.safety import unpack
from tests.readers import tiny
from tests.readers.layouts import WRITERS, run_folder
from tests.readers.layouts_h5 import save


@pytest.mark.parametrize(
    "layout", ["gears_npz", "state_infer", "cellsimbench", "vcc_submission", "const_ae_rds", "perturbdict"]
)
@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_damaged_files_are_one_sentence(tmp_path, layout, damage):
    words = WRITERS[layout](tmp_path).words
    path = next(p for p in map(_path, words) if p.suffix not in (".csv", ".txt") and p.exists())
    for file in [path] if path.is_file() else [p for p in path.iterdir() if p.is_file()]:
        data = file.read_bytes()
        noise = np.random.default_rng(0).bytes(len(data))
        file.write_bytes({"cut": data[: len(data) // 3], "empty": b"", "noise": noise}[damage])
    with pytest.raises(UserError) as error:
        loaded = load(path, Options(genes=tuple(tiny.GENES), allow_pickle=True))
        raise AssertionError(f"was read: {loaded}")
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def _path(word):
    from pathlib import Path

    return Path(word.removeprefix("m="))


@pytest.mark.parametrize("ending", [".h5ad", ".npz", ".xlsx", ".zip", ".parquet", ".vcc", ".RDS", ".tsv.gz"])
def test_wrong_ending(tmp_path, ending):
    path = tmp_path / f"x{ending}"
    path.write_text("condition,KLF1\nBAK1,1.0\n")
    with pytest.raises(UserError, match="damaged|not a text table|no binary"):
        load(path)


def test_binary_content_in_a_csv(tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    path.rename(tmp_path / "p.csv")
    with pytest.raises(UserError, match="text table|columns"):
        load(tmp_path / "p.csv")


@pytest.mark.parametrize("depth", [500, 100_000])
def test_deep_json(tmp_path, depth):
    folder = run_folder(tmp_path / "r", tiny.prediction(), str)
    (folder / "all_predictions.json").write_text("[" * depth + "]" * depth)
    with pytest.raises(UserError, match="nested too deeply|must hold an object|not valid JSON"):
        load(folder)


def test_a_million_columns(tmp_path):
    with (tmp_path / "wide.csv").open("w") as file:
        for row in ("g", "1"):
            file.write("x," + ",".join([row] * 1_000_000) + "\n")
    with pytest.raises(UserError, match=r"declares 1,000,001 columns, more than the limit"):
        load(tmp_path / "wide.csv")


def test_limits_are_settings(tmp_path, monkeypatch):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "0")
    with pytest.raises(UserError, match="PERTURBVIZ_MAX_MB"):
        load(path)
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "many")
    with pytest.raises(UserError, match="must be a whole number"):
        load(path)


def test_more_rows_than_the_limit_are_refused_and_not_cut(tmp_path, monkeypatch):
    tiny.truth().to_csv(tmp_path / "t.csv")
    tiny.truth().reset_index().to_parquet(tmp_path / "t.parquet")
    run_folder(tmp_path / "r", tiny.truth(), str)
    np.savez(tmp_path / "t.npz", pred=tiny.truth().to_numpy(), conditions=np.array(tiny.CONDITIONS))
    save(tmp_path / "t.h5ad", tiny.truth().to_numpy(), tiny.CONDITIONS)
    for setting, value, word in (("ROWS", "5", "rows"), ("COLUMNS", "4", "columns")):
        monkeypatch.setenv(f"PERTURBVIZ_MAX_{setting}", value)
        for name in ("t.csv", "t.parquet", "r", "t.npz", "t.h5ad"):
            with pytest.raises(UserError, match=rf"{word}, (more than )?the limit|more than 5 rows, the limit"):
                load(tmp_path / name)
        monkeypatch.setenv(f"PERTURBVIZ_MAX_{setting}", "7")
        assert load(tmp_path / "t.csv").truth.values.shape == (6, 6)  # exactly what is in it


def test_a_csv_is_the_same_whatever_its_blocks(tmp_path, monkeypatch):
    from perturbviz.readers import matrix

    frame = tiny.truth().astype(object)
    frame.iloc[3, 1], frame.iloc[5, 2] = "NA", ""
    frame.to_csv(tmp_path / "t.csv")
    whole = matrix.read(tmp_path / "t.csv", Options())
    monkeypatch.setattr(matrix, "_BLOCK", 14)
    parts = matrix.read(tmp_path / "t.csv", Options())
    np.testing.assert_array_equal(parts.truth.values, whole.truth.values)
    assert parts.truth.labels == whole.truth.labels == tiny.CONDITIONS


def test_a_small_gz_that_grows_beyond_the_limit(tmp_path, monkeypatch):
    text = "c," + ",".join(f"G{i}" for i in range(2000)) + "\n" + ("A" + ",0.5" * 2000 + "\n") * 200
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "p.pkl.gz").write_bytes(gzip.compress(pickle.dumps({"A": np.zeros(400_000)})))
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "1")
    for name in ("t.csv.gz", "p.pkl.gz"):
        with pytest.raises(UserError, match="more than the limit of 1 MB"):
            load(tmp_path / name, Options(allow_pickle=True))


@pytest.mark.parametrize("layout", ["const_ae", "gears_npz", "state_infer", "vcc_submission", "const_ae_rds", "arrays"])
def test_the_time_limit_is_noticed_while_reading(tmp_path, monkeypatch, layout):
    from perturbviz.readers import safety

    words = WRITERS[layout](tmp_path).words
    path = [p for p in map(_path, words) if p.exists() and p.suffix not in (".csv", ".txt", "") or p.is_dir()][-1]
    options = Options(genes=tuple(tiny.GENES), allow_pickle=True)
    load(path, options)  # no limit outside of time_limit()
    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "60")
    clock = [0.0]
    monkeypatch.setattr(safety.time, "monotonic", lambda: clock.__setitem__(0, clock[0] + 20) or clock[0])
    with (
        safety.time_limit(),
        pytest.raises(UserError, match=r"takes more than 60 seconds to read .PERTURBVIZ_MAX_SECONDS."),
    ):
        load(path, options)
    load(path, options)


def test_the_time_limit_inside_another_is_the_shorter(monkeypatch):
    from perturbviz.readers import safety

    monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "0")
    with safety.time_limit():
        monkeypatch.setenv("PERTURBVIZ_MAX_SECONDS", "1000")
        with safety.time_limit(), pytest.raises(UserError):
            safety.check_time("x")


def test_ragged_rows_text_cells_and_missing_header(tmp_path):
    (tmp_path / "a.csv").write_text("c,A,B\nKLF1,1,2\nBAK1,1,2,3\n")
    with pytest.raises(UserError, match="cannot be read as a table|differ in length"):
        load(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("c,A,B\nBAK1,1,2\nKLF1,1,two\n")
    with pytest.raises(UserError, match="'two' in row 'KLF1', column 'B' is not a number"):
        load(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("c,A,B\n")
    with pytest.raises(UserError, match="is empty"):
        load(tmp_path / "c.csv")


def test_rows_and_columns_swapped(tmp_path):
    tiny.truth().to_csv(tmp_path / "t.csv")
    tiny.prediction().T.to_csv(tmp_path / "p.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    changed, report = add_prediction(benchmark, load(tmp_path / "p.csv"), name="m")
    assert "rows and columns were swapped" in " ".join(report.lines()) and changed.methods == ("m",)


def test_names_in_other_scripts_and_with_html(tmp_path):
    names = {"BAK1": "БАК1", "CEBPA": "<script>alert(1)</script>", "KLF1": "基因"}
    frame = tiny.truth().iloc[:4].rename(index=names, columns={"TBCE": "<b>T</b>", "KLF1": "β-Globin"})
    frame.to_csv(tmp_path / "t.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    assert set(names.values()) <= set(benchmark.conditions) and "β-Globin" in benchmark.genes
    (frame.iloc[1:] + 0.1).to_csv(tmp_path / "p.csv")
    benchmark, report = add_prediction(benchmark, load(tmp_path / "p.csv"), name="模型 <i>")
    assert report.counts["matched"] == 3
    (slug,) = benchmark.methods
    assert slug.isascii() and benchmark.display_name(slug) == "模型 <i>"


# -- archives --------------------------------------------------------------------------------------------------------
def archive(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for entry, data in entries:
            file.writestr(entry, data)
    return path


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:\\evil.txt"])
def test_path_traversal(tmp_path, name):
    path = archive(tmp_path / "x.zip", (name, "boo"))
    with pytest.raises(UserError, match="outside its folder"):
        load(path)
    assert not list(tmp_path.glob("**/*evil*"))


def test_links_in_a_zip(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(UserError, match="holds a link"):
        load(archive(tmp_path / "x.zip", (entry, "/etc/passwd")))


def test_zip_bomb(tmp_path):
    path = archive(tmp_path / "x.zip", ("p.csv", b"0" * 60_000_000))
    with pytest.raises(UserError, match="zip bomb"):
        load(path)
    np.savez_compressed(
        tmp_path / "b.npz", pert_cat=np.array(["A"]), pred=np.zeros((1, 16_000_000)), truth=np.zeros((1, 1))
    )
    with pytest.raises(UserError, match="zip bomb"):
        load(tmp_path / "b.npz")


def test_too_many_entries(tmp_path, monkeypatch):
    monkeypatch.setenv("PERTURBVIZ_MAX_FILES", "3")
    with pytest.raises(UserError, match="holds 4 files"):
        load(archive(tmp_path / "x.zip", *((f"{i}.txt", "x") for i in range(4))))


def test_an_entry_that_is_longer_than_it_says(tmp_path):
    path = archive(tmp_path / "x.zip", ("a.txt", b"x" * 5000))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.find(mark) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(bytes(data))
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError):
        unpack(path, tmp_path / "out")


def test_links_and_bombs_in_a_vcc(tmp_path):
    with tarfile.open(tmp_path / "l.vcc", "w") as file:
        info = tarfile.TarInfo("pred.h5ad.zst")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(UserError, match="link or device"):
        load(tmp_path / "l.vcc")


def test_a_vcc_that_unpacks_beyond_the_limit(tmp_path, monkeypatch):
    data = zstandard.compress(b"\0" * 3_000_000)
    with tarfile.open(tmp_path / "b.vcc", "w") as file:
        info = tarfile.TarInfo("pred.h5ad.zst")
        info.size = len(data)
        file.addfile(info, io.BytesIO(data))
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "1")
    with pytest.raises(UserError, match="more than the limit of 1 MB"):
        load(tmp_path / "b.vcc")


# -- HDF5, NPY, RDS ---------------------------------------------------------------------------------------------------
def test_hdf5_with_absurd_shapes(tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file.create_dataset("X", shape=(10**7, 10**6), dtype="f4", chunks=(1, 10**6))
    with pytest.raises(UserError, match="refused as damaged or made up|more than the limit"):
        load(path)


def test_sparse_matrix_with_absurd_shape(tmp_path):
    import scipy.sparse as sp

    path = save(tmp_path / "p.h5ad", sp.csr_matrix(tiny.prediction().to_numpy()), tiny.TEST)
    with h5py.File(path, "r+") as file:
        file["X"].attrs["shape"] = np.array([2, 10**9])
    with pytest.raises(UserError, match="declares 1,000,000,000 columns"):
        load(path)


def test_hdf5_that_points_to_other_files(tmp_path):
    secret = save(tmp_path / "secret.h5ad", tiny.truth().to_numpy(), tiny.CONDITIONS)
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file["X"] = h5py.ExternalLink(str(secret), "X")
    with pytest.raises(UserError, match="link to another file"):
        load(path)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file.create_dataset("X", (2, 6), "f4", external=[(str(secret), 0, 48)])
    with pytest.raises(UserError, match="lies in another file"):
        load(path)


def test_npy_header_that_lies(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**6)})
    np.savez(tmp_path / "ok.npz", conditions=np.array(["A"]))
    with zipfile.ZipFile(tmp_path / "ok.npz", "a") as file:
        file.writestr("pred.npy", header.getvalue())
    with pytest.raises(UserError, match="more than the limit"):
        load(tmp_path / "ok.npz")


def test_rds_that_lies_about_lengths(tmp_path):
    head = b"X\n" + struct.pack(">iii", 2, 0x040300, 0x020300)
    for body in (
        struct.pack(">ii", 19, 2**31 - 1),
        struct.pack(">ii", 14, 2**31 - 1),
        struct.pack(">iii", 19, 1, 19) * 300,
    ):
        (tmp_path / "x.RDS").write_bytes(gzip.compress(head + body))
        with pytest.raises(UserError, match="damaged or cut short|nested|more than the limit|than a list"):
            load(tmp_path / "x.RDS")


# -- pickles ----------------------------------------------------------------------------------------------------------
class Evil:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: {"pert_cat": e}, lambda e: [e]])
def test_pickles_run_nothing(tmp_path, wrap):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(wrap(Evil(tmp_path / "ran"))))
    with pytest.raises(UserError, match=r"posix.system, which is refused"):
        safe_pickle(tmp_path / "x.pkl")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.f2py.diagnose\nrun\n(tR.",
        b"c__main__\nx\n.",
        b"\x80\x04\x95",
        b"P1\n.",
    ],
)
def test_pickle_opcodes(tmp_path, code):
    (tmp_path / "x.pkl").write_bytes(code)
    with pytest.raises(UserError):
        safe_pickle(tmp_path / "x.pkl")


def test_old_and_new_numpy_pickles(tmp_path):
    x = {"A_B": np.arange(3.0), "label": np.str_("x"), "names": np.array(["a", "b"], dtype=object)}
    for protocol in range(2, 6):
        data = pickle.dumps(x, protocol=protocol)
        for old, new in ((b"numpy._core", b"numpy._core"), (b"numpy._core.multiarray", b"numpy.core.multiarray")):
            if len(old) == len(new) or protocol < 4:
                (tmp_path / "x.pkl").write_bytes(data.replace(old, new))
                found = safe_pickle(tmp_path / "x.pkl")
                np.testing.assert_array_equal(found["A_B"], x["A_B"])
                assert found["names"] == ["a", "b"]


def test_json_of_the_wrong_kind(tmp_path):
    folder = run_folder(tmp_path / "r", tiny.prediction(), str)
    for content in ([], {}, {"A": "text"}, {"A": {"b": 1}}, {"A": [[1, 2]]}, 5):
        (folder / "all_predictions.json").write_text(json.dumps(content))
        with pytest.raises(UserError):
            load(folder)
    (folder / "gene_names.json").write_text('{"a": 1}')
    with pytest.raises(UserError, match="list of gene names"):
        load(folder)


def test_nothing_loaded_is_lost(tmp_path):
    tiny.truth().to_csv(tmp_path / "t.csv")
    tiny.prediction().to_csv(tmp_path / "p.csv")
    benchmark, _ = assemble(load(tmp_path / "t.csv"))
    benchmark, _ = add_prediction(benchmark, load(tmp_path / "p.csv"), name="first")
    before = benchmark.content_id
    bad = pd.DataFrame(np.inf, tiny.TEST, tiny.GENES)
    bad.to_csv(tmp_path / "bad.csv")
    with pytest.raises(UserError):
        add_prediction(benchmark, load(tmp_path / "bad.csv"), name="second")
    tiny.prediction().iloc[:, :3].to_csv(tmp_path / "few.csv")
    add_prediction(benchmark, load(tmp_path / "few.csv"), name="second")
    assert benchmark.content_id == before and benchmark.methods == ("first",)
