"""Published tables of real systems' scores: directions, labels, common perturbations, and the flips they show."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Loaded, load
from perturbviz.readers.assemble import assemble
from perturbviz.readers.directions import direction
from perturbviz.readers.published_tables import scouter_condition
from perturbviz.scoring.published_scores import gene_choices, scores_of_view
from perturbviz.scoring.rankings import rank
from perturbviz.scoring.view import View

SHARED = Path(__file__).parents[3] / "shared" / "data"


@cache
def loaded(name: str) -> Loaded:
    if not (SHARED / name).is_file():
        pytest.skip(f"{name} of ../shared/data is not here")
    return load(SHARED / name)


def order(table, how: str = "mean", **view) -> list[str]:
    """Methods, best first."""
    found = rank(scores_of_view(table, View(**view)), how).table
    return list(found.sort_values("rank").index)


# -- directions -------------------------------------------------------------------------------------------------------
def test_direction_comes_from_a_table_of_known_columns():
    assert direction("pearson_distance", "scPerturBench")["better"] == "higher"
    assert "guessed" not in direction("pearson_distance", "scPerturBench")["note"]
    assert direction("1-PCC", "Scouter")["better"] == "lower"
    assert "note" not in direction("mse")
    guessed = direction("pearson_distance")  # of a source that is not known
    assert guessed["better"] == "lower" and "guessed from its name" in guessed["note"]


# -- Ahlmann-Eltze et al. 2025 ----------------------------------------------------------------------------------------
def singles():
    return loaded("ahlmann_eltze_2025_single_perturbations.xlsx").scores


def test_single_perturbations_hold_no_training_rows_and_no_control():
    frame = singles().frame
    assert "ctrl" not in set(frame["perturbation"])
    a = frame[frame["context"].str.endswith("panel A") & (frame["metric"] == "l2")]
    assert len(a) == 5061 and a["method"].nunique() == 7
    c = frame[frame["context"].str.endswith("panel C") & (frame["metric"] == "l2")]
    held_out = c.groupby("method").size()
    own_screen = {"linear-p-k562", "linear-p-rpe1"}
    assert set(held_out[list(set(held_out.index) - own_screen)]) == {458} and len(held_out) == 16
    for method, screen in (("linear-p-k562", "Replogle K562"), ("linear-p-rpe1", "Replogle RPE1")):
        assert not c[(c["method"] == method) & c["context"].str.startswith(screen)].size


def test_single_perturbations_flip_between_metrics():
    k562, rpe1, adamson = (f"{screen}, panel A" for screen in ("Replogle K562", "Replogle RPE1", "Adamson"))
    table = singles()
    scores = rank(scores_of_view(table, View(context=k562)), "mean").table
    assert scores["rank"]["gears"] == 1 and scores["score"]["gears"] == pytest.approx(4.08, abs=0.005)
    delta = rank(scores_of_view(table, View(context=k562, metric="pearson_delta")), "mean").table
    assert delta["rank"]["gears"] == 6 and delta["score"]["gears"] == pytest.approx(0.388, abs=5e-4)
    assert delta["rank"]["linear-selftrained"] == 1
    assert delta["score"]["linear-selftrained"] == pytest.approx(0.436, abs=5e-4)
    assert order(table, context=rpe1)[-1] == "gears"
    assert {order(table, context=rpe1, metric=m)[0] for m in ("l2", "pearson_delta")} == {"linear-selftrained"}
    assert order(table, context=adamson)[:3] == ["gears", "scbert", "geneformer"]
    median = rank(scores_of_view(table, View(context=adamson)), "median").table["rank"]
    assert median["scbert"] == 1 and median["gears"] == 5
    assert order(table, "median", context=adamson, metric="pearson_delta")[0] == "gears"


def test_two_genes_are_a_benchmark_of_doubles():
    benchmark, _ = assemble(loaded("ahlmann_eltze_2025_top_gene_plots.xlsx"))
    assert list(benchmark.genes) == ["HBG2", "HBZ"] and (~benchmark.is_control).sum() == 34
    y = benchmark.truth[~benchmark.is_control]
    rmse = {
        m: float(np.sqrt(np.mean(np.square(benchmark.prediction(m, "1")[~benchmark.is_control] - y))))
        for m in benchmark.methods
    }
    best = sorted(rmse, key=lambda m: rmse[m])
    assert best[:3] == ["additive-published", "scfoundation", "geneformer"] and best[-1] == "no-change-published"
    assert rmse["gears"] < rmse["scgpt"]


# -- scPerturBench ----------------------------------------------------------------------------------------------------
def distances():
    return loaded("scperturbench_cellular_ood_distance0.csv").scores


def place(metric: str, method: str, n: int = 100) -> float:
    return rank(scores_of_view(distances(), View(metric=f"rank_{metric}", genes="de", n=n)), "mean").table["rank"][
        method
    ]


METRICS = ("mse", "pearson_distance", "edistance", "sym_kldiv", "wasserstein")


@pytest.mark.parametrize(
    ("method", "places"),
    [
        ("trVAE", [1, 1, 9, 7, 1]),
        ("scPRAM", [6, 7, 1, 12, 7]),
        ("trainMean", [8, 4, 2, 10, 13]),
        ("baseControl", [9, 14, 3, 9, 12]),
        ("scDisInFact", [14, 11, 14, 1, 14]),
    ],
)
def test_places_of_the_mean_rank(method, places):
    assert [place(m, method) for m in METRICS] == places


def test_the_number_of_genes_is_a_choice():
    assert gene_choices(distances(), "mse") == ["de:100", "de:20", "de:50"]

    def mean_rank(metric, method, n):
        found = scores_of_view(distances(), View(metric=f"rank_{metric}", genes="de", n=n))
        return rank(found, "mean").table["score"][method]

    assert mean_rank("edistance", "baseControl", 20) == pytest.approx(6.7, abs=0.06)
    assert mean_rank("edistance", "baseControl", 100) == pytest.approx(5.2, abs=0.06)
    assert mean_rank("wasserstein", "trainMean", 20) == pytest.approx(9.5, abs=0.06)
    assert mean_rank("wasserstein", "trainMean", 100) == pytest.approx(11.3, abs=0.06)


def test_zeros_that_may_be_undefined_are_said():
    table = distances()
    assert "1,550 values of Pearson delta are exactly 0" in table.note
    found = scores_of_view(table, View(metric="pearson_distance", genes="de", n=100))
    assert "values are 0 (0 or less, or undefined" in found.reasons["baseControl"]


def test_ranks_are_on_what_every_method_gives():
    table = distances()
    assert len(scores_of_view(table, View(metric="mse")).rows) == 215
    assert len(scores_of_view(table, View(metric="mse", rows="own")).rows) == 217


# -- Scouter ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("label", "name"),
    [("B+A", "A+B"), ("A+ctrl", "A"), ("ctrl+A", "A"), ("A549_A+ctrl_1+1", "A"), ("A549_B+A_1+1", "A+B")],
)
def test_three_dialects_of_labels(label, name):
    assert scouter_condition(label) == name


def test_scouter_is_compared_on_common_perturbations():
    table = loaded("scouter_norman.csv").scores
    found = rank(scores_of_view(table, View(metric="NormMSE")), "mean")
    assert len(found.scores.rows) == 108
    np.testing.assert_allclose(found.table["score"][["Scouter", "biolord", "GEARS"]], [0.227, 0.516, 0.540], atol=6e-4)
    two = scores_of_view(table, View(metric="NormMSE", show=("GEARS", "biolord")))
    assert len(two.rows) == 506
    mean = pd.DataFrame(two.values.T, columns=two.methods).groupby(two.rows["context"]).mean()
    assert mean.loc["doubles, both targets seen", "biolord"] < mean.loc["doubles, both targets seen", "GEARS"]
    assert mean.loc["singles", "GEARS"] < mean.loc["singles", "biolord"]


def test_gi_scores_need_the_truth(tmp_path):
    columns = "c1,c2,mag,dcor,dominance,perturbation,gi_type\n"
    (tmp_path / "GI_scores_net_trueab.csv").write_text(
        columns + "1,2,0.5,0.1,,A+B,synergy\n1,2,3,0.1,1,C+D,redundant\n"
    )
    with pytest.raises(UserError, match="GI scores of one side only"):
        load(tmp_path / "GI_scores_net_trueab.csv")
    (tmp_path / "GI_scores_truth.csv").write_text(columns + "1,2,0.75,0.1,0,B+A,synergy\n1,1,3,0.1,1,C+D,redundant\n")
    table = load(tmp_path).scores
    found = scores_of_view(table, View(metric="mag"))
    assert dict(zip(found.rows["perturbation"], found.values[0], strict=True)) == {"A+B": 0.25, "C+D": 0.0}
    assert table.metrics["mag"]["better"] == "lower" and list(table.names) == ["net"]


# -- a user's own -----------------------------------------------------------------------------------------------------
def test_long_and_wide_tables_of_ones_own(tmp_path):
    long, wide = tmp_path / "long.csv", tmp_path / "wide.csv"
    long.write_text("Model,condition,metric,score,split\nx,A+B,mse,1,1\nx,B+C,mse,2,1\ny,B+A,mse,3,1\n")
    wide.write_text("method,perturbation,mse,oddity\nx,A+B,1,5\nx,B+C,2,5\ny,A+B,3,\n")
    for path in (long, wide):
        table = load(path).scores
        found = scores_of_view(table, View(metric="mse"))
        assert list(found.rows["perturbation"]) == ["A+B"] and found.values.tolist() == [[1.0], [3.0]]
    assert "guessed from the name of oddity" in " ".join(load(wide).notes)
    empty = tmp_path / "words.csv"
    empty.write_text("method,perturbation,remark\nx,A,good\n")
    with pytest.raises(UserError, match="no column of numbers"):
        load(empty)
