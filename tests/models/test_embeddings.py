"""Embeddings from files of every shape, from text, and the coverage of the real data."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.models.embedding_files import read_any, read_embedding, read_gene_texts
from perturbviz.models.embeddings import from_text, principal_axes
from perturbviz.models.linear import LinearModel
from perturbviz.models.lookup import perturbation_rows
from perturbviz.models.training import Training

TABLE = pd.DataFrame(np.arange(12.0).reshape(4, 3) / 7, index=["KLF1", "AHR", "FEV", "NEW"])
KNOWN = ["AHR", "KLF1", "FEV", "BAK1"]


def text(frame: pd.DataFrame, **kwargs) -> bytes:
    return frame.to_csv(**kwargs).encode()


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def parquet(frame: pd.DataFrame) -> bytes:
    return frame.rename(columns=str).to_parquet()


NAMES = np.array(TABLE.index, dtype=str)
FILES = {
    "rows are names, counted header": ("a.csv", text(TABLE)),
    "rows are names, worded header": ("a.tsv", text(TABLE.add_prefix("dim"), sep="\t")),
    "rows are names, no header": ("a.txt", text(TABLE, sep=" ", header=False)),
    "rows are names, header one short": ("a.tsv", text(TABLE.add_prefix("V"), sep="\t").replace(b"\tV0", b"V0", 1)),
    "columns are names, no row names": ("a.tsv", text(TABLE.T, sep="\t", index=False)),
    "columns are names, counted rows": ("a.csv", text(TABLE.T)),
    "columns are names, worded rows": ("a.csv", text(TABLE.T.rename("dim{}".format), sep=";")),
    "parquet, index": ("a.parquet", parquet(TABLE)),
    "parquet, column": ("a.parquet", parquet(TABLE.reset_index())),
    "parquet, columns are names": ("a.parquet", parquet(TABLE.T.reset_index(drop=True))),
    "npz, rows": ("a.npz", npz(embedding=TABLE.to_numpy(), genes=NAMES)),
    "npz, columns": ("a.npz", npz(x=TABLE.T.to_numpy(), names=NAMES, other=np.array(["p", "q", "r"]))),
    "npz, a vector a name": ("a.npz", npz(**{n: TABLE.loc[n].to_numpy() for n in TABLE.index})),
}


@pytest.mark.parametrize("which", FILES)
def test_any_shape_of_file_gives_the_same_table(which):
    name, content = FILES[which]
    found = read_embedding(io.BytesIO(content), KNOWN, name)
    np.testing.assert_allclose(found.table.loc[TABLE.index], TABLE, rtol=1e-9)
    assert found.table.shape == (4, 3) and found.n_known == 3
    assert "3 of 4 known names" in found.report and found.table.attrs["name"] == "a"


def test_square_table_is_turned_by_its_names(tmp_path):
    square = pd.DataFrame(np.arange(9.0).reshape(3, 3), index=["KLF1", "AHR", "FEV"], columns=["x", "y", "z"])
    for frame in (square, square.T):
        path = tmp_path / "square.tsv"
        frame.to_csv(path, sep="\t")
        np.testing.assert_allclose(read_embedding(path, KNOWN).table.loc["AHR"], [3, 4, 5])


def test_repeated_and_incomplete_rows_are_dropped_and_reported():
    messy = pd.concat([TABLE, TABLE.iloc[:1] + 9])
    messy.iloc[1, 1] = np.nan
    found = read_embedding(io.BytesIO(text(messy)), KNOWN, "messy.csv")
    assert "1 repeated names dropped" in found.report and "1 rows with missing values dropped" in found.report
    assert list(found.table.index) == ["KLF1", "FEV", "NEW"] and found.table.loc["KLF1", 0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", text(TABLE.rename(str.lower)), "names no known gene.*klf1, ahr, fev.*the data have AHR"),
        ("a.csv", text(TABLE.assign(word="x")), "not all numbers"),
        ("a.csv", b"", "not a table|names no known"),
        ("a.csv", b"\xff\xfe\x00\x01", "not a text file"),
        ("a.csv", b"KLF1\nAHR\n", "no numbers|names no known"),
        ("a.npz", b"nonsense", "not an NPZ"),
        ("a.npz", npz(x=np.array([{"a": 1}], dtype=object)), "not an NPZ file of plain arrays"),
        ("a.parquet", b"nonsense", "not a Parquet"),
        ("a.pkl", b"", "pickle can run code"),
        ("a.docx", b"", "not .docx"),
        ("a.csv", text(TABLE.map(lambda _: np.nan)), "missing values|names no known"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(name, content, message):
    with pytest.raises(UserError, match=message) as refused:
        read_embedding(io.BytesIO(content), KNOWN, name)
    assert "\n" not in str(refused.value)


def test_files_beyond_the_limits_are_refused_before_they_are_read(monkeypatch):
    bomb = io.BytesIO()
    np.savez_compressed(bomb, x=np.zeros((4000, 4000)), names=np.array(["KLF1"] * 4000))
    with pytest.raises(UserError, match="zip bomb"):
        read_embedding(io.BytesIO(bomb.getvalue()), KNOWN, "a.npz")
    columns = pd.DataFrame(np.zeros((1, 12)), index=["KLF1"]).rename(columns=str)
    monkeypatch.setenv("PERTURBVIZ_MAX_COLUMNS", "10")
    with pytest.raises(UserError, match="declares 13 columns, more than the limit of 10"):
        read_embedding(io.BytesIO(parquet(columns)), KNOWN, "a.parquet")
    monkeypatch.setenv("PERTURBVIZ_MAX_MB", "0")
    with pytest.raises(UserError, match="more than the limit of 0 MB"):
        read_embedding(io.BytesIO(text(TABLE)), KNOWN, "a.csv")
    with pytest.raises(UserError, match="more than the limit of 0 MB"):
        read_gene_texts(io.BytesIO(b'{"KLF1": "a factor"}'), "a.json")


def test_missing_file_and_bad_descriptions(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_embedding(tmp_path / "absent.tsv", KNOWN)
    for content in (b"[1]", b"{", b"{}", b'{"A": 1}'):
        with pytest.raises(UserError):
            read_gene_texts(io.BytesIO(content), "texts.json")
    assert read_gene_texts(io.BytesIO(json.dumps({"A": "words"}).encode())) == {"A": "words"}


def test_text_embedding_puts_similar_descriptions_together():
    texts = {
        "A": "erythroid transcription factor binding globin promoter",
        "B": "transcription factor of erythroid cells, globin promoter",
        "C": "mitochondrial ribosome translation subunit",
        "D": "ribosome subunit of mitochondrial translation",
        "E": "",
        "F": "erythroid transcription factor",  # without it two singular values are equal and the axes arbitrary
    }
    table = from_text(texts, dims=2)
    assert list(table.index) == list("ABCDF") and table.shape == (5, 2)
    unit = table.to_numpy() / np.linalg.norm(table, axis=1, keepdims=True)
    similar = unit @ unit.T
    assert min(similar[0, 1], similar[2, 3]) > 0.8 > 0.2 > abs(similar[0, 2])
    pd.testing.assert_frame_equal(table, from_text(texts, dims=2), atol=1e-9)
    assert (table.to_numpy()[table.abs().to_numpy().argmax(axis=0), range(2)] > 0).all()
    for bad in ({"A": "x"}, {"A": "one", "B": "two", "C": "three"}):
        with pytest.raises(UserError):
            from_text(bad)


def test_principal_axes_are_nested_and_keep_distances():
    np.testing.assert_allclose(principal_axes(TABLE, 3) @ principal_axes(TABLE, 3).T, TABLE @ TABLE.T, atol=1e-9)
    np.testing.assert_allclose(principal_axes(TABLE, 1), principal_axes(TABLE, 3).iloc[:, :1])


def _real(file, names, changes, genes):
    data = np.load(file)
    return Training(tuple(data[names]), data[changes], tuple(data[genes]))


def test_coverage_of_the_real_screens(shared_file):
    """57 of Norman's 104 targets and 7 of CaRPool's 28 are measured genes; text describes 103; no target is shared."""
    norman = _real(shared_file("data/norman_pseudobulk.npz"), "sing_labels", "lfc_s", "genes_hvg")
    carpool = _real(shared_file("data/carpool_thp1_pseudobulk.npz"), "single_genes", "atoms", "genes")
    texts = read_gene_texts(shared_file("data/gene_summaries.json"))

    def covered(source, training):
        _, reasons = perturbation_rows(source, training, dims=10).rows(training.names)
        return len(training.names) - len(reasons), len(training.names)

    assert covered("pca", norman) == (57, 104)
    assert covered("pca", carpool) == (7, 28)
    assert covered(from_text(texts, dims=5), norman) == (103, 104)
    assert not set(norman.names) & set(carpool.names)
    assert len(LinearModel().fit(norman).fitted_on) == 57


def test_descriptions_and_numbers_are_told_apart(tmp_path):
    texts = {f"g{i}": f"word{i % 3} factor of a kind" for i in range(9)}
    known = {"g1", "g2", "other"}
    as_json = read_any(json.dumps(texts).encode(), "texts.json", known)
    lines = "gene,text\n" + "".join(f"{g},{t}\n" for g, t in texts.items())
    as_csv = read_any(lines.encode(), "texts.csv", known)
    np.testing.assert_allclose(as_csv.table, as_json.table)
    assert as_json.n_known == 2 and "9 descriptions" in as_json.report and as_csv.table.attrs["name"] == "texts"
    numbers = read_any(b"gene,a,b\ng1,1,2\ng2,3,4\n", "numbers.csv", known)
    assert numbers.table.loc["g2"].tolist() == [3, 4]
    one_column = read_any(b"gene,a\ng1,1\ng2,3\n", "numbers.csv", known)
    assert one_column.table.shape == (2, 1)
    with pytest.raises(UserError, match="describes no known gene .it has 'g0'; the data have x"):
        read_any(json.dumps(texts).encode(), "texts.json", {"x"})
