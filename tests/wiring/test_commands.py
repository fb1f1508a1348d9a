"""The command line: what is written stands under the names it belongs to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbviz.benchmark import save
from perturbviz.cli import main
from tests.wiring.test_scores import agree
from tests.wiring.world import BASELINES, METHODS, OWN

EVERY = {*METHODS, *BASELINES}


@pytest.fixture(scope="module")
def file(bench, tmp_path_factory) -> Path:
    return save(bench, tmp_path_factory.mktemp("commands") / "world.h5ad")


def run(file: Path, command: str, *words: str) -> pd.DataFrame:
    out = file.with_name(f"{command}.csv")
    assert main([command, str(file), *words, "-o", str(out)]) == 0
    return pd.read_csv(out, dtype={"seed": str})


@pytest.mark.parametrize(("split", "parts"), [("test,val", ("test", "val")), ("val", ("val",)), ("train", ("train",))])
@pytest.mark.parametrize("genes", ["own", "de:7-targets"])
@pytest.mark.parametrize(("metric", "reference"), [("mse", "none"), ("pearson_delta", "perturbation")])
def test_evaluate_writes_the_value_of_each_named_row(world, file, metric, reference, genes, split, parts):
    words = "own:" + ";".join(OWN) if genes == "own" else genes
    named = ["--metric", metric, "--genes", words, "--split", split]
    table = run(file, "evaluate", *named, *(["--reference", reference] if reference != "none" else []))
    assert set(table["method"]) == EVERY and set(table["reference"].fillna("none")) == {reference}
    rows = set(world.scored(parts))
    for line in table.itertuples():
        row = (line.seed, line.context, line.perturbation)
        assert row in rows
        assert agree(line.value, world.value(metric, reference, genes, line.method, row)), line
        assert line.n_genes == len(world.counted(genes, line.context, line.perturbation))
    assert len(table) == len(rows) * len(EVERY)


@pytest.mark.parametrize("average", ["mean", "median"])
def test_rank_averages_the_rows_that_every_method_predicts(world, file, average):
    named = ["--metric", "mse", "--genes", "own:" + ";".join(OWN), "--average", average]
    table = run(file, "rank", *named).set_index("method")
    rows = world.common(world.scored(), EVERY)
    scores = {}
    for method in EVERY:
        values = [world.value("mse", "none", "own", method, row) for row in rows]
        scores[method] = float(np.mean(values) if average == "mean" else np.median(values))
        assert agree(table["score"][method], scores[method]), method
        assert table["n_units"][method] == len({row[1:] for row in rows})
    order = sorted(scores.values())
    for method, score in scores.items():
        tied = [i for i, value in enumerate(order, 1) if abs(value - score) < 1e-9]
        assert table["rank"][method] == np.mean(tied), method
    assert list(table["rank"]) == sorted(table["rank"])
    shown = run(file, "rank", "--view", "metric=mse&genes=de&n=7&targets=false&seed=2&context=y&show=net&show=mean")
    rows = [r for r in world.common(world.scored(), ("net", "mean")) if r[:2] == ("2", "y")]
    for line in shown.itertuples():
        values = [world.value("mse", "none", "de:7-targets", line.method, row) for row in rows]
        assert agree(line.score, float(np.mean(values)))
    assert set(shown["method"]) == {"net", "mean"}


def test_interactions_writes_the_deviation_of_each_named_pair(world, file):
    table = run(file, "interactions", "--genes", "all", "--split", "test")
    for line in table.sample(600, random_state=0).itertuples():
        i, at = world.genes.index(line.gene), (line.context, line.perturbation)
        assert (line.seed, *at) in world.scored(("test",))
        expected = world.expected(*at)[i]
        assert agree(line.observed_deviation, world.truth[at][i] - expected)
        assert agree(line.predicted_deviation, world.predicted(line.method, line.seed, *at)[i] - expected)


def test_calibrate_counts_rows_of_the_half_that_is_the_truth(world, file):
    table = run(file, "calibrate", "--genes", "all")
    held_out = {(c, name) for _, c, name in world.scored(truth="half_a")}
    line = table[table["metric"] == "mse"].iloc[0]
    assert line["n"] == len(held_out) and line["negative"] == "mean"
    wins = {}
    for row in world.scored(truth="half_a"):
        high, low = (world.value("mse", "none", "all", m, row, truth="half_a") for m in (line["positive"], "mean"))
        wins.setdefault(row[1:], []).append(high < low)
    every = [w for some in wins.values() for w in some]
    assert line["bds"] == pytest.approx(sum(every) / len(every))
