"""Names, file format, validation, splits."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark import benchmark as bm
from perturbviz.benchmark import splits as partition
from perturbviz.benchmark.perturbations import CONTROL, n_perturbed, parse_condition, targets
from perturbviz.errors import UserError


# -- names (the rules of the file formats) -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "label",
    [
        "ctrl",
        "control",
        "non-targeting",
        "NT",
        "Dimethyl Sulfoxide",
        "DMSO_TF",
        "[('DMSO_TF', 0.0, 'uM')]",
        " ctrl ",
        "ctrl+ctrl",
        "vehicle",
        "NTC",
    ],
)
def test_control_labels(label):
    assert parse_condition(label) == CONTROL


@pytest.mark.parametrize(
    "label", [None, float("nan"), np.nan, pd.NA, "nan", "None", "no_reads_found", "", "  ", "A+nan"]
)
def test_unknown_is_not_control(label):
    assert parse_condition(label) is None


@pytest.mark.parametrize(
    ("label", "sep", "vocab", "expected"),
    [
        ("A", "+", None, "A"),
        ("A+ctrl", "+", None, "A"),
        ("ctrl+A", "+", None, "A"),
        ("CHRNB1+ctrl ", "+", None, "CHRNB1"),
        ("B+A", "+", None, "A+B"),
        ("B + A", "+", None, "A+B"),
        ("A+A", "+", None, "A"),
        ("B,A", ",", None, "A+B"),
        ("B_A", "_", {"A", "B"}, "A+B"),
        ("A_control", "_", {"A"}, "A"),
        ("TBCE_ENSG00000116957", "_", {"A", "B"}, "TBCE_ENSG00000116957"),
        ("A_B", "_", {"A", "B", "A_B"}, "A_B"),
        ("RP11-34P13.14", "+", None, "RP11-34P13.14"),
        ("HLA-A", "", None, "HLA-A"),
        ("a+B", "+", None, "B+a"),  # code-point order
    ],
)
def test_canonical_names(label, sep, vocab, expected):
    assert parse_condition(label, sep, vocab) == expected


def test_own_control_label():
    assert parse_condition("Scramble", extra_control=["scramble"]) == CONTROL
    assert parse_condition("A+Scramble", extra_control=["scramble"]) == "A"


@pytest.mark.parametrize(
    "label",
    ["(+)-JQ1", "flurbiprofen-(+/-)", "S-(+)-rolipram", "CD4+", "+A", "[A+B]2", "(+-JQ1"],
)
def test_a_sign_inside_brackets_or_at_the_edge_is_part_of_the_name(label):
    assert parse_condition(label) == label and targets(label) == (label,)
    assert targets(parse_condition(f"{label}+KLF1")) == tuple(sorted([label, "KLF1"]))


def test_a_name_that_is_never_split_stays_one():
    assert targets(parse_condition("vitamin A+D", sep="")) == ("vitamin A\uff0bD",)
    assert targets(parse_condition("vitamin A+D | K", sep="|")) == ("K", "vitamin A\uff0bD")


@pytest.mark.parametrize(("label", "name"), [("591.0", "591"), (591.0, "591"), ("591.5", "591.5"), ("A1.0", "A1.0")])
def test_whole_numbers_have_no_decimals(label, name):
    assert parse_condition(label) == name
    assert parse_condition("3367.0", extra_control=["3367"]) == CONTROL


def test_controls_by_pattern_and_what_is_none():
    assert [parse_condition(n, extra_control=["NT-*"]) for n in ("NT-1", "nt-22", "NT1")] == [CONTROL, CONTROL, "NT1"]
    assert parse_condition("CTRL", not_control={"CTRL"}) == "CTRL" and parse_condition("CTRL") == CONTROL


gene = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", min_size=1, max_size=8).filter(
    lambda name: any(map(str.isalnum, name))
)


@given(st.lists(gene, min_size=1, max_size=4), st.randoms())
def test_name_does_not_depend_on_order_and_is_stable(parts, random):
    shuffled = list(parts)
    random.shuffle(shuffled)
    name = parse_condition("+".join(parts))
    assert name == parse_condition("+".join(shuffled))
    assert name is None or parse_condition(name) == name
    if name not in (None, CONTROL):
        assert n_perturbed(name) == len(targets(name)) == len(set(targets(name)))


# -- file ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def adata(make_adata):
    truth = np.arange(12).reshape(4, 3)
    return make_adata(truth, ["ctrl", "A", "B", "A+B"], control=[0, 1, 2], predictions={"m": truth + 1})


def test_roundtrip_keeps_everything(adata, tmp_path):
    path = bm.save(adata, tmp_path / "x.h5ad")
    back, original = bm.load(path), Benchmark.from_adata(adata)
    np.testing.assert_array_equal(back.truth, original.truth)
    np.testing.assert_array_equal(back.prediction("m", ""), original.prediction("m", ""))
    np.testing.assert_array_equal(back.control("c"), [0, 1, 2])
    assert list(back.genes) == list(original.genes) and list(back.conditions) == list(original.conditions)
    assert back.truth.dtype == np.float32
    assert back.content_id == original.content_id
    assert os.listdir(tmp_path) == ["x.h5ad"]


def test_failed_save_keeps_the_old_file(adata, tmp_path, monkeypatch):
    path = bm.save(adata, tmp_path / "x.h5ad")
    before = path.read_bytes()

    def half_written(self, file, **_):
        with open(file, "wb") as out:
            out.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(type(adata), "write_h5ad", half_written)
    with pytest.raises(OSError, match="No space left"):
        bm.save(adata, path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["x.h5ad"]


def test_content_id_sees_every_change(make_adata):
    def make(**changes):
        arguments = {
            "truth": np.eye(3),
            "conditions": ["A", "B", "C"],
            "control": [0, 0, 1.0],
            "predictions": {"m": np.eye(3)},
            "split": ["train", "test", "test"],
            **changes,
        }
        return Benchmark.from_adata(make_adata(**arguments)).content_id

    variants = [
        make(),
        make(truth=np.eye(3) * 2),
        make(conditions=["A", "B", "D"]),
        make(genes=["x", "y", "z"]),
        make(control=[0, 0, 2.0]),
        make(predictions={"m": np.ones((3, 3))}),
        make(predictions={"k": np.eye(3)}),
        make(split=["train", "val", "test"]),
        make(space="delta"),
    ]
    assert len(set(variants)) == len(variants)
    assert make() == variants[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"a,b\n1,2\n", "cannot be read"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "cut"),
    ],
)
def test_unreadable_files_get_one_sentence(tmp_path, content, says):
    path = tmp_path / "bad.h5ad"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as error:
        bm.load(path)
    assert "bad.h5ad" in str(error.value) and "\n" not in str(error.value)


def test_file_of_another_kind(make_adata, tmp_path):
    adata = make_adata(np.eye(2), ["A", "B"])
    del adata.uns["perturbviz"]
    adata.write_h5ad(tmp_path / "other.h5ad")
    with pytest.raises(UserError, match="convert"):
        bm.load(tmp_path / "other.h5ad")


def test_file_being_written_is_not_called_damaged(adata, tmp_path, monkeypatch):
    path = bm.save(adata, tmp_path / "x.h5ad")

    def locked(_):
        raise BlockingIOError("unable to lock file")

    monkeypatch.setattr(bm, "read_h5ad", locked)
    with pytest.raises(UserError, match="being written"):
        bm.load(path)


# -- validation ----------------------------------------------------------------------------------------------------
def _schema(a):
    a.uns["perturbviz"]["schema"] = 99


def _space(a):
    a.uns["perturbviz"]["value_space"] = "counts"


def _column(a):
    del a.obs["context"]


def _gene(a):
    a.var_names = ["g0", "g0", "g2"]


def _condition(a):
    a.obs["condition"] = ["ctrl", "A", "A", "A+B"]


def _sparse(a):
    a.layers["pred__m"] = sp.csr_matrix(a.layers["pred__m"])


def _reserved(a):
    a.layers["pred__no_change"] = a.X


def _slash(a):
    a.layers["pred__a/b"] = a.X


def _no_meta(a):
    del a.uns["perturbviz"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_schema, "newer perturbviz"),
        (_space, "Unknown value space 'counts'"),
        (_column, "column.* context"),
        (_gene, "Gene 'g0' occurs more than once"),
        (_condition, "Condition 'A' occurs more than once"),
        (_sparse, "dense"),
        (_reserved, "no_change"),
        (_slash, "cannot name a method"),
        (_no_meta, "not a perturbviz"),
    ],
)
def test_validation_says_what_is_wrong(adata, damage, says):
    damage(adata)
    with pytest.raises(UserError, match=says):
        Benchmark.from_adata(adata)


def test_empty_benchmark(make_adata):
    with pytest.raises(UserError, match="empty: 0 conditions"):
        Benchmark.from_adata(make_adata(np.zeros((0, 3)), []))


# -- splits --------------------------------------------------------------------------------------------------------
def test_split_of_the_file_serves_all_seeds(make_benchmark):
    nothing = {"m__1": np.eye(3), "m__10": np.eye(3), "m__2": np.eye(3)}
    b = make_benchmark(np.eye(3), ["A", "B", "C"], split=["train", "test", "val"], predictions=nothing)
    assert b.seeds == ("1", "2", "10")
    assert all(list(b.splits[s]) == ["train", "test", "val"] for s in b.seeds)


def test_unknown_parts_are_unassigned(make_benchmark):
    b = make_benchmark(np.eye(3), ["A", "B", "C"], split={"1": ["train", "holdout", np.nan]})
    assert list(b.splits["1"]) == ["train", "unassigned", "unassigned"]


def test_without_split_singles_train_and_doubles_are_held_out(make_benchmark):
    b = make_benchmark(np.zeros((4, 2)), ["ctrl", "A", "B", "A+B"])
    assert list(b.splits[""]) == ["unassigned", "train", "train", "test"]
    assert "singles are training" in b.split_origin


def test_without_split_and_doubles_there_are_folds_by_name(make_benchmark):
    names = [f"P{i}" for i in range(40)]
    b = make_benchmark(np.zeros((41, 2)), ["ctrl", *names])
    assert len(b.seeds) == partition.N_FOLDS
    held = np.stack([b.splits[s] == "test" for s in b.seeds])
    assert (held[:, 1:].sum(axis=0) == 1).all() and not held[:, 0].any()
    fewer = make_benchmark(np.zeros((10, 2)), names[:10][::-1])
    for k, seed in enumerate(b.seeds):  # the fold of a name does not depend on which others are there
        parts = dict(zip(fewer.conditions, fewer.splits[seed], strict=True))
        assert all((parts[n] == "test") == held[k, 1 + i] for i, n in enumerate(names[:10]))


# -- methods -------------------------------------------------------------------------------------------------------
def test_with_predictions_leaves_the_original_untouched(adata):
    b = Benchmark.from_adata(adata)
    before, layers = b.content_id, set(adata.layers)
    more = b.with_predictions("new", "New model", {"": np.full(adata.shape, 7.0)}, note="a guess")
    assert more.methods == ("m", "new") and more.display_name("new") == "New model"
    assert (more.prediction("new", "any") == 7).all()
    assert b.methods == ("m",) and set(adata.layers) == layers and "new" not in b.meta.get("methods", {})
    assert Benchmark.from_adata(b.adata).content_id == before != more.content_id
    assert np.shares_memory(more.truth, b.truth)
    assert np.shares_memory(more.adata.layers["pred__m"], adata.layers["pred__m"])
    fewer = more.without_method("m")
    assert fewer.methods == ("new",) and more.methods == ("m", "new")


def test_replacing_a_method_replaces_all_its_seeds(adata):
    b = Benchmark.from_adata(adata).with_predictions("x", "X", {"1": adata.X, "2": adata.X})
    again = b.with_predictions("x", "X", {"1": adata.X + 1})
    assert again.prediction("x", "2") is None and (again.prediction("x", "1") == adata.X + 1).all()


@pytest.mark.parametrize("slug", ["a_b", "", "a/b", "no_change", "ä"])
def test_slugs_that_cannot_name_a_layer(adata, slug):
    with pytest.raises(UserError):
        Benchmark.from_adata(adata).with_predictions(slug, "X", {"": adata.X})


def test_predictions_of_another_shape(adata):
    with pytest.raises(UserError, match="2 x 3.*4 conditions x 3 genes"):
        Benchmark.from_adata(adata).with_predictions("x", "X", {"": np.zeros((2, 3))})


@given(st.text(max_size=20))
def test_every_display_name_has_a_valid_slug(name):
    bm.check_slug(bm.slugify(name))


# -- value spaces --------------------------------------------------------------------------------------------------
def test_control_is_zero_in_delta_space_and_unknown_without_control_mean(make_benchmark):
    delta = make_benchmark(np.ones((2, 3)), ["A", "B"], space="delta")
    assert delta.has_control and not delta.has_expression and (delta.control("c") == 0).all()
    bare = make_benchmark(np.ones((2, 3)), ["A", "B"])
    assert not bare.has_control and np.isnan(bare.control("c")).all()
