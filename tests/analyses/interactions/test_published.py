from pathlib import Path

import pandas as pd
import pytest

from perturbviz.analyses.interactions.published import read_published
from perturbviz.errors import UserError

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "ahlmann_eltze_2025_double_perturbations.xlsx"


def write(path, **changes):
    sheets = {
        "Panel C": pd.DataFrame({"method": ["scgpt", "no_change"], "fdp": [0.2, 0.2], "tpr": [0.1, 0.3]}),
        "Panel E": pd.DataFrame({"label": ["Additive", "Synergy"], "n": [7, 3]}),
        "Panel F": pd.DataFrame(
            {
                "perturbation": ["B+A"],
                "gene_name": ["G"],
                "seed": [1],
                "method": ["scgpt"],
                "obs_minus_add": [0.5],
                "pred_minus_add": [-1.0],
                "interaction_label": ["Buffering"],
            }
        ),
    } | changes
    with pd.ExcelWriter(path) as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return path


def test_panels_in_our_words(tmp_path):
    layer = read_published(write(tmp_path / "w.xlsx"))
    assert layer.classes == {"additive": 7, "synergistic": 3} and layer.n_nonadditive == 3 and layer.n_pairs == 10
    assert list(layer.curves["method"]) == ["scGPT", "No change (published)"]
    assert layer.calls.iloc[0][["perturbation", "true_class"]].tolist() == ["A+B", "buffering"]
    assert layer.composition().loc["scGPT", "buffering"] == 1


def test_other_workbooks_give_a_sentence(tmp_path):
    with pytest.raises(UserError, match="lacks the column"):
        read_published(write(tmp_path / "w.xlsx", **{"Panel C": pd.DataFrame({"method": ["a"]})}))
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "other.xlsx")
    with pytest.raises(UserError, match="must hold the sheets"):
        read_published(tmp_path / "other.xlsx")


@pytest.mark.skipif(not REAL.exists(), reason="the public source data is not here")
def test_the_real_workbook():
    layer = read_published(REAL)
    assert (layer.n_nonadditive, layer.n_pairs) == (5035, 124_000)
    assert layer.composition().sum(axis=1).between(500, 501).all()
    at = layer.curves.set_index(["method", "fdp"])["tpr"]
    assert at.loc["No change (published)"].iloc[-1] == pytest.approx(1)
