import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from perturbviz.analyses.interactions import auroc, average_precision, nonadditive_precision, nonadditive_recall

METRICS = (nonadditive_recall, nonadditive_precision, average_precision, auroc)


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    observed = rng.standard_t(3, size=2000)
    return observed, 0.5 * observed + rng.normal(size=2000), np.abs(observed) > 2


def test_agrees_with_scikit_learn(pairs):
    observed, predicted, positive = pairs
    for score in (predicted, np.round(predicted, 1)):
        assert average_precision(observed, score, positive) == pytest.approx(
            average_precision_score(positive, np.abs(score)), abs=1e-12
        )
        assert auroc(observed, score, positive) == pytest.approx(roc_auc_score(positive, np.abs(score)), abs=1e-12)


def test_top_calls_counted(pairs):
    observed, predicted, positive = pairs
    top = np.argsort(-np.abs(predicted))[:100]
    assert nonadditive_precision(observed, predicted, positive, n=100) == pytest.approx(positive[top].mean())
    assert nonadditive_recall(observed, predicted, positive, n=100) == pytest.approx(
        positive[top].sum() / positive.sum()
    )


def test_perfect_prediction(pairs):
    observed, _, positive = pairs
    n = int(positive.sum())
    assert [m(observed, observed, positive) for m in (average_precision, auroc)] == pytest.approx([1, 1])
    assert nonadditive_recall(observed, observed, positive, n=n) == 1
    assert nonadditive_precision(observed, observed, positive, n=n) == 1


@pytest.mark.parametrize("metric", METRICS)
def test_undefined(metric, pairs):
    observed, predicted, positive = pairs
    assert np.isnan(metric(observed, np.zeros_like(observed), positive))
    assert np.isnan(metric(observed, np.full_like(observed, 1e-8), positive))
    assert np.isnan(metric(observed, np.full_like(observed, np.nan), positive))
    assert np.isnan(metric(observed, predicted, np.zeros_like(positive)))
    assert np.isfinite(metric(observed, predicted, positive))


@pytest.mark.parametrize("metric", METRICS)
def test_missing_pairs_do_not_count(metric, pairs):
    observed, predicted, positive = pairs
    holes = np.array([np.nan, 5.0]), np.array([9.0, np.nan]), np.array([False, True])
    longer = [np.concatenate(parts) for parts in zip(pairs, holes, strict=True)]
    assert metric(*longer) == pytest.approx(metric(observed, predicted, positive))
