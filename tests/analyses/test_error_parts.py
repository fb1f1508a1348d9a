"""Parts of the squared error on a real screen, and on rows that are partly predicted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perturbviz.analyses.error_parts import error_parts
from perturbviz.metrics.distance import mse_parts
from perturbviz.panels import captions
from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset

FILE = Path(__file__).parents[3] / "shared" / "data" / "norman_pseudobulk.npz"


@pytest.mark.skipif(not FILE.is_file(), reason="norman_pseudobulk.npz of ../shared/data is not here")
def test_half_sum_beats_additive_by_scale_on_norman():
    e = Evaluation(assemble(load(FILE))[0])
    rows = np.flatnonzero(e.predicted("additive"))
    parts = error_parts(e, rows, GeneSubset("all"), ["additive", "half_sum"])
    np.testing.assert_allclose(parts, [[0.010, 0.049, 0.142], [0.004, 0.014, 0.142]], atol=6e-4)
    np.testing.assert_allclose(parts.sum(axis=1), [0.200, 0.160], atol=6e-4)
    assert captions.parts_of_errors(["Half-sum", "Additive"], parts[::-1]).endswith(
        "Additive is worse mostly by scale."
    )


def test_rows_without_a_prediction_do_not_count(make_benchmark):
    truth = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [3.0, 1.0, 1.0]])
    prediction = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [np.nan] * 3])
    split, control = ["train", "test", "test"], truth[0]
    b = make_benchmark(truth, ["ctrl", "A", "B"], control=control, split=split, predictions={"m": prediction})
    e = Evaluation(b)
    parts = error_parts(e, np.arange(2), GeneSubset("all"), ["m"])
    np.testing.assert_allclose(parts[0], mse_parts(truth[1:2], prediction[1:2])[:, 0])
