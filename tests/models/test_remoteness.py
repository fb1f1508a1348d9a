"""Error against distance to training: by hand, and on a fitted model."""

import numpy as np
import pandas as pd
import pytest

from perturbviz.models.compete import predict
from perturbviz.models.error_by_distance import LEFT_OUT, area, by_distance, leaving_out_the_nearest
from perturbviz.models.linear import LinearModel
from perturbviz.models.matching import MatchingMean
from perturbviz.models.neighbours import distance_to_training
from perturbviz.scoring.evaluation import Evaluation


def test_leaving_out_the_nearest_by_hand():
    table = pd.DataFrame({"distance": [0.3, 0.1, *np.linspace(0.4, 1.1, 8)], "e": [2.0, 1.0, *range(3, 11)]})
    curve = leaving_out_the_nearest(table, ["e"])
    assert tuple(curve.index) == LEFT_OUT and list(curve["n"]) == [10, 9, 8, 7, 6, 5, 4, 3]
    np.testing.assert_allclose(curve["e"], [5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9])
    np.testing.assert_allclose(curve["distance"].to_numpy()[:3], [0.1, 0.3, 0.4])
    assert area(curve, "e") == pytest.approx((5.5 + 9) / 2)  # a straight line
    assert area(leaving_out_the_nearest(table.assign(e=3.0), ["e"]), "e") == pytest.approx(3)


def test_distances_are_those_of_the_fitted_embedding(random_benchmark):
    evaluation = Evaluation(random_benchmark(predictions={}))
    found = predict(evaluation, LinearModel(dims=3, sum_doubles=True))
    errors = {"error": np.arange(len(evaluation.rows), dtype=float)}
    table = by_distance(evaluation.rows, found, errors)
    rows = evaluation.rows.assign(error=errors["error"])
    apart = [
        distance_to_training([name], found.fits[seed, context].fitted_on, found.fits[seed, context].rows)
        for seed, context, name in zip(rows["seed"], rows["context"], rows["perturbation"], strict=True)
    ]
    own = pd.concat(apart)
    assert len(own) > len(table)  # splits overlap: their means count
    np.testing.assert_allclose(table["distance"], own["distance"].groupby(level=0).mean().loc[table.index])
    np.testing.assert_allclose(table["error"], rows.groupby("perturbation")["error"].mean().loc[table.index])
    assert all(n in set(own.loc[[p], "nearest"]) for p, n in table["nearest"].items())
    lost = rows["perturbation"] == rows["perturbation"][0]
    errors["error"][lost] = np.nan
    assert len(by_distance(evaluation.rows, found, errors)) == len(table) - 1
    assert by_distance(evaluation.rows, predict(evaluation, MatchingMean()), errors).empty
