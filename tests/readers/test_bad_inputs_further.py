"""More ways in which the bad inputs of test_bad_inputs occur; numbers as there."""

import h5py
import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Options, load
from perturbviz.readers.assemble import add_prediction, assemble
from tests.readers import layouts, tiny
from tests.readers.layouts_h5 import save
from tests.readers.test_bad_inputs import add, sentences, warnings


def test_18_identical_rows_are_said_not_refused(bench, tmp_path):
    frame = tiny.prediction()
    frame.iloc[1] = frame.iloc[0].to_numpy()  # what a perturbation mean predicts, and what an unfilled array looks like
    assert "2 of 2 predicted rows are identical to another predicted row" in warnings(add(bench, frame, tmp_path)[1])


def test_18_uninitialised_values(bench, tmp_path):
    garbage = np.full((2, 6), 1e30, np.float32)
    with pytest.raises(UserError, match="look like counts"):
        add_prediction(bench, load(save(tmp_path / "p.h5ad", garbage, tiny.TEST)), name="m")


def test_19_the_file_name_is_the_label_where_labels_were_copied(bench, tmp_path):
    case = layouts.WRITERS["pertpy"](tmp_path)
    (folder,) = (w.removeprefix("m=") for w in case.words if w.startswith("m="))
    loaded = load(folder, Options(system="pertpy"))
    assert any("its own labels are those of the control cells" in n for n in loaded.notes)
    assert add_prediction(bench, loaded, name="m")[1].counts["matched"] == 2


def test_23_tables_as_anndata_before_0_7_wrote_them(bench, tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    with h5py.File(path, "r+") as file:
        del file["obs"], file["var"], file["uns"]
        file["obs"] = np.array(
            [(b"c1", 1, b"x"), (b"c2", 0, b"y")], [("index", "S9"), ("condition", "i1"), ("o", "S1")]
        )
        file["uns/condition_categories"] = [name.encode() for name in reversed(tiny.TEST)]
        file["var"] = np.array([(g.encode(), 1.0) for g in tiny.GENES], [("index", "S20"), ("mean", "f4")])
    changed, report = add_prediction(bench, load(path), name="m")
    assert report.counts["matched"] == 2 and report.counts["genes_matched"] == 6
    np.testing.assert_allclose(changed.prediction("m", "")[-1], tiny.prediction().iloc[-1], rtol=1e-6)


def test_23_nullable_columns(bench, tmp_path):
    import pandas.api.types as types

    obs = {"n": pd.array([1, None], dtype="Int64"), "ok": pd.array([True, None], dtype="boolean")}
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST, obs=obs)
    assert types.is_extension_array_dtype(obs["n"])
    assert add_prediction(bench, load(path), name="m")[1].counts["matched"] == 2


def test_29_cut_short(tmp_path):
    path = save(tmp_path / "p.h5ad", tiny.prediction().to_numpy(), tiny.TEST)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError, match="damaged, cut short"):
        load(path)


def test_32_measured_values_among_the_predicted(bench, tmp_path):
    frame = pd.concat([tiny.truth().loc[["KLF1"]], tiny.prediction()])
    text = warnings(add(bench, frame, tmp_path)[1])
    assert "1 of 3 predicted rows are identical to what was measured" in text
    assert "identical to what was measured" not in warnings(add(bench, tiny.prediction(), tmp_path)[1])


def test_32_what_cannot_be_detected_is_said(bench, tmp_path):
    _, report = add(bench, tiny.prediction(), tmp_path)
    assert "cannot be told from its predictions" in sentences(report) and "cannot be told" not in warnings(report)


def test_32_validation_and_test_named_the_other_way_round(tmp_path):
    swapped = {"train": tiny.SPLIT["train"], "valid": tiny.SPLIT["test"], "ood": tiny.SPLIT["val"]}
    table = {c: part for part, names in swapped.items() for c in names}
    tiny.truth().to_csv(tmp_path / "truth.csv")
    benchmark, (report,) = assemble(load(tmp_path / "truth.csv"), (), {"": table})
    assert "3 train, 1 val, 1 test" in sentences(report)
    parts = dict(zip(benchmark.conditions, benchmark.splits[""], strict=True))
    assert (parts["BAK1+CEBPA"], parts["CEBPA+KLF1"]) == ("val", "test")
