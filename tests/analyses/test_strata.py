"""Quarters of weak and strong perturbations: on made sizes and on a real screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.strata import effect_sizes, strata
from perturbviz.errors import UserError
from perturbviz.panels.strata import who_wins
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.scores import score

FILE = Path(__file__).parents[3] / "shared" / "data" / "norman_pseudobulk.npz"


@pytest.mark.skipif(not FILE.is_file(), reason="norman_pseudobulk.npz of ../shared/data is not here")
def test_no_method_but_half_sum_is_close_to_weak_doubles_and_additive_is_close_to_strong_ones():
    e = Evaluation(assemble(load(FILE))[0])
    rows = np.flatnonzero(e.predicted("additive"))
    methods = ["half_sum", "mean", "additive", "no_change"]
    found = strata(score(e, "l2", methods=methods, rows=rows), effect_sizes(e, rows))
    np.testing.assert_allclose(found.averages[0], [12.3, 15.7, 15.8, 15.9], atol=0.06)
    np.testing.assert_allclose(found.averages[3], [23.1, 31.7, 24.6, 34.2], atol=0.06)
    assert found.counts.sum() == 126 and np.ptp(found.counts) <= 1
    assert who_wins(found).endswith("Half-sum is first, and among the strongest too.")


def test_quarters_are_by_size_of_the_observed_change(make_benchmark):
    sizes = np.array([8.0, 1, 7, 2, 6, 3, 5, 4])
    truth = np.vstack([np.zeros(4), sizes[:, None] * np.eye(4)[np.arange(8) % 4]])
    shrunk, grown = truth * 0.5, truth + 1.0
    split = ["train"] + ["test"] * 8
    names = ["ctrl", *(f"P{i}" for i in range(8))]
    e = Evaluation(
        make_benchmark(truth, names, control=truth[0], split=split, predictions={"shrunk": shrunk, "grown": grown})
    )
    np.testing.assert_allclose(effect_sizes(e, np.arange(8)), sizes)
    found = strata(score(e, "l2", methods=["shrunk", "grown"]), sizes)
    assert found.counts.tolist() == [2, 2, 2, 2]
    np.testing.assert_allclose(found.averages[:, 0], [0.75, 1.75, 2.75, 3.75])
    assert found.first(0) == ["shrunk"] and found.first(3) == ["grown"]
    assert who_wins(found).startswith("Among the weakest quarter of the perturbations shrunk is first, among the str")


def test_what_has_no_quarters_says_why(make_benchmark):
    truth = np.vstack([np.zeros(3), np.eye(3)])
    split, names = ["train"] + ["test"] * 3, ["ctrl", "A", "B", "C"]
    e = Evaluation(make_benchmark(truth, names, control=truth[0], split=split, predictions={"m": truth}))
    with pytest.raises(UserError, match="at least eight"):
        strata(score(e, "l2"), effect_sizes(e, np.arange(3)))
    with pytest.raises(UserError, match="one value a data set"):
        strata(score(e, "gene_correlation"), np.ones(1))
