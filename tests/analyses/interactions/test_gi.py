import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import TheilSenRegressor

from perturbviz.analyses.interactions import gi_scores, gi_table, norman_classes, published_classes
from perturbviz.analyses.interactions.gi import theil_sen
from perturbviz.errors import UserError

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "metrics_golden.json").read_text())["gears_gi"]
A = np.array([1, 0, 0, -0.5, 0, 0.2])
B = np.array([0, 1, 0, 0, -0.5, 0])
AB = np.array([0.6, 0.9, 0, -0.8, -0.5, 0.6])


def test_golden():
    scores = gi_scores(A, B, AB)
    for name, value in GOLDEN.items():
        if name != "ols":
            got = getattr(scores, {"mag": "magnitude"}.get(name, name))
            assert got == pytest.approx(value, abs=1e-6), name
    ols = gi_scores(A, B, AB, "ols", distances=False)
    assert (ols.c1, ols.c2) == pytest.approx(GOLDEN["ols"], abs=1e-6)
    assert np.isnan(ols.dcor)


def test_theil_sen_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    x[:5, 1] = 0  # parallel rows
    y = x @ [0.8, 1.1] + 0.1 * rng.standard_t(2, size=60)
    reference = TheilSenRegressor(fit_intercept=False, random_state=0).fit(x, y).coef_
    np.testing.assert_allclose(theil_sen(x, y), reference, atol=1e-6)


def test_sampled_pairs_estimate_the_same():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    y = x @ [0.8, 1.1] + 0.1 * rng.normal(size=300)
    np.testing.assert_allclose(theil_sen(x, y, max_pairs=5_000), theil_sen(x, y), atol=0.02)


def test_theil_sen_shrugs_off_outliers_least_squares_does_not():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 200))
    ab = a + b
    ab[:20] = 30
    robust, plain = (gi_scores(a, b, ab, e, distances=False) for e in ("theilsen", "ols"))
    assert abs(robust.c1 - 1) + abs(robust.c2 - 1) < 0.1 < abs(plain.c1 - 1) + abs(plain.c2 - 1)


def test_meaning_of_scores():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 150))
    additive = gi_scores(a, b, a + b)
    assert additive.magnitude == pytest.approx(np.sqrt(2)) and additive.corr_fit == pytest.approx(1)
    assert additive.dominance == pytest.approx(0, abs=1e-9) and additive.eq_contr > 0.8
    epistatic = gi_scores(a, b, a + 0.1 * b)
    assert epistatic.dominance == pytest.approx(1) and epistatic.eq_contr < additive.eq_contr
    assert gi_scores(a, b, 2 * (a + b), distances=False).magnitude > additive.magnitude
    assert gi_scores(a, b, rng.normal(size=150), distances=False).corr_fit < 0.5


def test_undefined_scores_are_nan():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 30))
    no_change = gi_scores(a, b, np.zeros(30))
    assert no_change.magnitude == 0
    assert all(np.isnan(getattr(no_change, n)) for n in ("corr_fit", "dominance", "dcor", "eq_contr"))
    assert np.isfinite(no_change.dcor_singles)
    assert np.isnan(gi_scores(a, b, a - b, distances=False).dominance)
    assert np.isnan(gi_scores(a[:2], b[:2], a[:2]).c1)
    with pytest.raises(UserError, match="theilsen"):
        gi_scores(a, b, a, "median")


def test_missing_genes_are_left_out():
    rng = np.random.default_rng(5)
    a, b, ab = rng.normal(size=(3, 40))
    longer = [np.append(v, e) for v, e in ((a, np.nan), (b, 1.0), (ab, 1.0))]
    assert gi_scores(*longer) == gi_scores(a, b, ab)


def test_table_and_published_classes():
    known = norman_classes()
    assert len(known) == 88
    sizes = {c: list(known.values()).count(c) for c in set(known.values())}
    assert sizes == {
        "neomorphic": 13,
        "additive": 16,
        "epistasis": 9,
        "redundant": 8,
        "potentiation": 6,
        "synergy_similar_pheno": 11,
        "synergy_dissimilar_pheno": 13,
        "suppressor": 12,
    }
    assert all("+".join(sorted(double.split("+"))) == double for double in known)
    assert published_classes(["CNN1+CBL", "CBL+CNN1", "X+Y"]) == ["synergy_similar_pheno"] * 2 + [""]
    table = gi_table(["CBL+CNN1", "X+Y"], [A, B], [B, A], [AB, AB])
    assert list(table["published_class"]) == ["synergy_similar_pheno", ""]
    assert table.loc["CBL+CNN1", "c1"] == pytest.approx(table.loc["X+Y", "c2"])


def test_all_rows_at_once_are_the_rows_one_by_one():
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 9, 50))
    y = 0.7 * a + 1.2 * b + 0.3 * rng.normal(size=a.shape)
    b[1] = 2 * a[1]  # parallel singles
    y[2], y[3] = 0, a[3] - b[3]  # nothing predicted; coefficients of different sign
    y[4, :10], a[5, 3:], b[6] = np.nan, np.nan, 0
    a[5, :3] = [1.0, 2.0, np.nan]
    table = gi_table([f"A+B{i}" for i in range(9)], a, b, y)
    for i in range(9):
        one = gi_scores(a[i], b[i], y[i], "ols", distances=False)
        for name in ("c1", "c2", "magnitude", "corr_fit", "dominance"):
            assert table[name].iloc[i] == pytest.approx(getattr(one, name), abs=1e-9, nan_ok=True), (i, name)
