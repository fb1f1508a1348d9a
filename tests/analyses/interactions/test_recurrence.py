import numpy as np
import pytest

from perturbviz.analyses.interactions import call_counts, call_recurrence
from perturbviz.errors import UserError

GENES = [f"g{i}" for i in range(50)]


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    truth, habitual = rng.normal(size=(2, 20, 50))
    habitual[:, [3, 8]] += 5
    return {"truth": truth, "habitual": habitual}


def test_habit_is_seen(layers):
    found = call_recurrence(layers, GENES, n=40, k=2)
    assert set(found.top) == {"g3", "g8"}
    assert found.share[1] > 0.95 and found.share[0] < 0.3
    assert found.effective_number[1] == pytest.approx(2, abs=0.3) and found.effective_number[0] > 10
    np.testing.assert_allclose(found.counts.sum(axis=0), 40)


def test_counts_match_sorting(layers):
    top = np.argsort(-layers["truth"].ravel())[:30]
    genes = np.bincount(top % 50, minlength=50)
    doubles = np.bincount(top // 50, minlength=20)
    np.testing.assert_allclose(call_counts(layers["truth"], 30), genes)
    np.testing.assert_allclose(call_counts(layers["truth"], 30, "doubles"), doubles)
    np.testing.assert_allclose(call_counts(-layers["truth"], 30, side="suppression"), genes)


def test_permuting_genes_changes_nothing(layers):
    order = np.random.default_rng(1).permutation(50)
    one = call_recurrence(layers, GENES, n=40, side="both")
    other = call_recurrence({k: v[:, order] for k, v in layers.items()}, [GENES[i] for i in order], n=40, side="both")
    np.testing.assert_allclose(np.sort(one.counts, axis=0), np.sort(other.counts, axis=0))
    assert one.names[0] == other.names[0]


def test_missing_layer_has_no_share(layers):
    found = call_recurrence({**layers, "absent": np.full((20, 50), np.nan)}, GENES, n=40)
    assert np.isnan(found.share[2]) and np.isnan(found.effective_number[2])


def test_bad_input(layers):
    with pytest.raises(UserError, match="names"):
        call_recurrence(layers, GENES[:5])
    with pytest.raises(UserError, match="no layer"):
        call_recurrence({}, GENES)
    with pytest.raises(UserError, match="doubles × genes"):
        call_counts(np.zeros(5))
