"""The embedded demo: made by its generator, in the canonical layout, and showing what it is there to show.

Scores are computed here from the file with numpy alone, apart from the package's own metrics.
"""

from __future__ import annotations

import dataclasses
import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from perturbviz.benchmark.perturbations import parse_condition, targets
from perturbviz.catalogue import demo, demo_predictors, demo_screen

SLUGS = ("additive-twist", "average-seeker", "cautious", "de-specialist", "noisy-oracle", "overconfident")
SEEDS = ("1", "2", "3", "4", "5")
#: Largest difference one flipped rounding may make (absolute, or relative for the last).
STEP = {"de_score": 1 / 8, "de_score_a": 1 / 8}
RELATIVE = {"se", "de_padj", "de_padj_b"}


@pytest.fixture(scope="module")
def adata() -> ad.AnnData:
    return demo.load_demo()


@pytest.fixture(scope="module")
def made() -> tuple[ad.AnnData, ad.AnnData]:
    return demo.make_demo()


# ---- the file is what the generator makes ---------------------------------------------------------------------------


def assert_same(stored: ad.AnnData, new: ad.AnnData) -> None:
    """Equal to 1e-6, but for a few values in ten thousand that another processor may round the other way."""
    assert list(stored.obs_names) == list(new.obs_names)
    assert list(stored.var_names) == list(new.var_names)
    pd.testing.assert_frame_equal(
        stored.obs.astype(str), new.obs.astype(str)[list(stored.obs)], check_dtype=False, check_names=False
    )
    assert set(stored.layers) == set(new.layers)
    for key, old in [("X", stored.X), *stored.layers.items()]:
        fresh = new.X if key == "X" else new.layers[key]
        assert old.dtype == np.float32
        np.testing.assert_array_equal(np.isnan(old), np.isnan(fresh), err_msg=key)
        difference = np.abs(np.nan_to_num(old) - np.nan_to_num(fresh))
        step = 1 / 8 * np.abs(old) if key in RELATIVE else STEP.get(key, 1 / 128)
        assert np.all((difference <= 1e-6) | (difference <= 1.001 * step)), key
        assert np.mean(difference > 1e-6) < 2e-4, key
    meta, fresh_meta = stored.uns["perturbviz"], new.uns["perturbviz"]
    assert {k: dict(v) for k, v in meta["methods"].items()} == fresh_meta["methods"]
    for key in ("schema", "value_space", "title", "description", "simulated", "target_sum"):
        assert meta[key] == fresh_meta[key]


def test_stored_demo_is_what_the_generator_makes(adata, made):
    assert_same(adata, made[0])


def test_stored_context_b_is_what_the_generator_makes(made):
    assert_same(demo.load_context_b(), made[1])


def test_written_file_reads_back_unchanged(made, tmp_path):
    path = tmp_path / "b.h5ad"
    demo.write(made[1], path)
    back = ad.read_h5ad(path)
    np.testing.assert_array_equal(back.X, made[1].X)
    assert_same(back, made[1])


def test_files_are_small():
    assert (demo.DATA / demo.DEMO).stat().st_size < 4.2 * 2**20
    assert (demo.DATA / demo.CONTEXT_B).stat().st_size < 0.6 * 2**20


# ---- layout ---------------------------------------------------------------------------------------------------------


def test_layout(adata):
    meta, obs = adata.uns["perturbviz"], adata.obs
    assert (meta["schema"], meta["value_space"], meta["log_base"]) == (1, "lognorm", "e")
    assert (meta["target_sum"], meta["control_label"], bool(meta["simulated"])) == (10000, "ctrl", True)
    assert set(meta["methods"]) == set(SLUGS)
    assert all(m["kind"] == "model" and m["note"].startswith("Simulated") for m in meta["methods"].values())
    assert "imulated" in meta["description"]
    predictions = {f"pred__{m}__{s}" for m in SLUGS for s in SEEDS}
    others = {"se", "half_a", "half_b", "planted", "expected", "de_score", "de_padj", "de_score_a", "de_padj_b"}
    assert set(adata.layers) == predictions | others
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", key) for key in adata.layers)
    assert all(parse_condition(name) == name for name in obs["condition"])
    assert list(obs["condition"]) == list(adata.obs_names)
    assert list(obs["n_perturbed"]) == [len(targets(n)) for n in adata.obs_names]
    assert list(obs["perturbed"]) == ["|".join(targets(n)) for n in adata.obs_names]
    assert (obs["n_cells"] == obs["n_cells_a"] + obs["n_cells_b"]).all()
    assert list(adata.obs_names[obs["is_control"]]) == ["ctrl"]
    assert {t for n in adata.obs_names for t in targets(n)} <= set(adata.var_names)
    assert np.isfinite(adata.X).all() and adata.X.min() >= 0
    np.testing.assert_array_equal(adata.varm["control_mean"]["A"], adata["ctrl"].X.ravel())
    np.testing.assert_array_equal(adata.varm["control_mean"].index, adata.var_names)


def test_sizes_and_expression(adata):
    counts = adata.obs["n_perturbed"].value_counts()
    assert counts[1] == 60 and 70 <= counts[2] <= 85 and adata.n_vars == 2000
    control = adata.varm["control_mean"]["A"]
    assert control.median() < 0.5 and control.quantile(0.9) > 1.5 and control.max() > 4
    rise = [adata[t, t].X.item() - control[t] for t in adata.obs_names[adata.obs["n_perturbed"] == 1]]
    assert np.mean(np.array(rise) > 0.4) > 0.7, "most activated genes go up in their own perturbation"
    # Position must not give rank away, or an error of alignment would go unseen.
    assert abs(stats.spearmanr(np.arange(adata.n_vars), control).statistic) < 0.3


def test_splits_and_held_out_predictions(adata):
    size = adata.obs["n_perturbed"].to_numpy()
    held_sets = []
    for seed in SEEDS:
        part = adata.obs[f"split__{seed}"].astype(str).to_numpy()
        assert set(part[size < 2]) == {"train"}
        n = int((size == 2).sum())
        assert [int((part == p).sum()) for p in ("val", "test")] == [n // 4, n // 4]
        held_sets.append(frozenset(np.flatnonzero(part != "train")))
        for slug in SLUGS:
            finite = np.isfinite(adata.layers[f"pred__{slug}__{seed}"])
            np.testing.assert_array_equal(finite.all(axis=1), part != "train")
            np.testing.assert_array_equal(finite.any(axis=1), part != "train")
    assert len(set(held_sets)) == 5 and held_sets[0] & held_sets[1]
    assert (adata.obs["split"].astype(str) == adata.obs["split__1"].astype(str)).all()


def test_halves_and_errors_agree_with_the_mean(adata):
    n, a, b = (adata.obs[c].to_numpy()[:, None] for c in ("n_cells", "n_cells_a", "n_cells_b"))
    joined = (a * adata.layers["half_a"] + b * adata.layers["half_b"]) / n
    assert np.abs(joined - adata.X).max() <= 1 / 128 + 1e-6
    # The two halves are independent: their difference has the variance that the standard error promises.
    expressed = adata.varm["control_mean"]["A"].to_numpy() > 0.5
    se = np.where(adata.layers["se"] > 0, adata.layers["se"], np.nan)  # 0 where no cell had a molecule of the gene
    z = (adata.layers["half_a"] - adata.layers["half_b"]) / (se * np.sqrt(n / a + n / b))
    assert np.nanstd(z[:, expressed]) == pytest.approx(1, abs=0.03)


def test_welch_scores_equal_a_cell_level_computation():
    rng = np.random.default_rng(3)
    groups = [rng.normal(m, 1, (n, 4)) for m, n in ((0, 9), (0.5, 5), (1, 7), (0, 6))]
    cells = demo_screen.Moments(
        np.array([len(g) for g in groups]),
        np.array([g.mean(0) for g in groups]),
        np.array([g.var(0, ddof=1) for g in groups]),
    )
    score, padj = demo_screen.welch_against_rest(cells, np.array([True, False, False, False]))
    for i, group in enumerate(groups):
        rest = np.vstack([g for j, g in enumerate(groups) if j not in (0, i)])
        t, p = stats.ttest_ind_from_stats(
            *(group.mean(0), group.std(0, ddof=1), len(group), rest.mean(0), rest.std(0, ddof=1), len(group)),
            equal_var=False,
        )
        np.testing.assert_allclose(score[i], t, rtol=1e-9)
        order = np.argsort(p)
        expected = np.minimum.accumulate((p[order] * 4 / np.arange(1, 5))[::-1])[::-1]
        np.testing.assert_allclose(padj[i][order], np.minimum(expected, 1), rtol=1e-9)


# ---- honesty of the simulation --------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", SLUGS)
def test_only_the_declared_oracles_look_at_the_truth(slug):
    rng = np.random.default_rng(0)
    control = rng.uniform(0.2, 3, 60)
    names = [f"T{i}" for i in range(20)]
    training = {n: control + rng.normal(0, 0.3, 60) for n in [*names, "T0+T1", "T2+T3"]}
    expected = np.tile(control, (2, 1)) + rng.normal(0, 0.3, (2, 60))
    task = demo_predictors.Task(control, training, ["T4+T5", "T6+T7"], expected, np.random.default_rng(1))
    other = dataclasses.replace(task, expected=expected + 1.0, rng=np.random.default_rng(1))
    predictor = demo_predictors.PREDICTORS[slug]
    unmoved = np.array_equal(predictor.predict(task), predictor.predict(other))
    assert unmoved == ("look at the truth" not in predictor.note) == (not predictor.sees_truth)
    assert ("sees_truth" in predictor.meta) == predictor.sees_truth


def test_the_file_says_who_has_seen_the_truth(adata):
    methods = adata.uns["perturbviz"]["methods"]
    assert {m for m, about in methods.items() if about.get("sees_truth")} == {"de-specialist", "noisy-oracle"}


def test_the_expectation_is_the_truth_without_its_noise(adata):
    control = adata.varm["control_mean"]["A"].to_numpy(float)
    top = control > 0.5
    se = np.where(adata.layers["se"] > 0, adata.layers["se"], np.nan)  # 0 where no cell had a molecule of the gene
    z = (adata.X - adata.layers["expected"])[:, top] / se[:, top]
    assert np.nanstd(z) == pytest.approx(1, abs=0.03) and abs(np.nanmean(z)) < 0.02
    row = {name: i for i, name in enumerate(adata.obs_names)}
    expected = adata.layers["expected"].astype(float)
    for name in (n for n in adata.obs_names if "+" in n):
        a, b = (expected[row[t]] - expected[row["ctrl"]] for t in targets(name))
        deviation = expected[row[name]] - expected[row["ctrl"]] - a - b
        assert np.abs(deviation - adata.layers["planted"][row[name]]).max() <= 3 / 128  # each is rounded


def test_planted_deviations_are_few_mostly_buffering_and_show_in_the_data(adata):
    row = {name: i for i, name in enumerate(adata.obs_names)}
    control = adata.varm["control_mean"]["A"].to_numpy(float)
    top = np.argsort(-control, kind="stable")[:1000]
    doubles = [n for n in adata.obs_names if "+" in n]
    planted = adata.layers["planted"].astype(float)
    assert not planted[[i for n, i in row.items() if "+" not in n]].any()
    parts = np.array([[row[t] for t in targets(n)] for n in doubles])
    a, b = (adata.X[parts[:, k]] - control for k in (0, 1))
    change = adata.X[[row[n] for n in doubles]] - control
    deviation = (change - a - b)[:, top]
    truth, expectation = planted[[row[n] for n in doubles]][:, top], (a + b)[:, top]
    true = np.abs(truth) > 0.15
    assert 0.01 < true.mean() < 0.05
    buffering = true & (truth * expectation < 0) & (np.abs(truth) <= 1.2 * np.abs(expectation))
    synergistic = true & (truth * expectation > 0)
    assert buffering.sum() > 0.6 * true.sum() > 3 * synergistic.sum() > 0
    assert np.corrcoef(deviation[true], truth[true])[0, 1] > 0.9
    assert abs(deviation[~true].mean()) < 0.02 and deviation[~true].std() < 0.15
    called = np.abs(deviation) > 0.35
    assert true[called].mean() > 0.7


# ---- what it is there to show ---------------------------------------------------------------------------------------


def correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson per row; NaN where one side is constant."""
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(y).max(1) < 1e-9, np.nan, (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)))


@pytest.fixture(scope="module")
def scores(adata) -> pd.DataFrame:
    """One row per method × held-out double (mean over the seeds that hold it out), one column per view."""
    truth, half_a, half_b = (m.astype(float) for m in (adata.X, adata.layers["half_a"], adata.layers["half_b"]))
    row = {name: i for i, name in enumerate(adata.obs_names)}
    control = adata.varm["control_mean"]["A"].to_numpy(float)
    top = np.argsort(-control, kind="stable")[:1000]
    tables = []
    for seed in SEEDS:
        part = adata.obs[f"split__{seed}"].astype(str).to_numpy()
        held = np.flatnonzero(part != "train")
        mean = truth[(part == "train") & ~adata.obs["is_control"].to_numpy()].mean(axis=0)
        additive = np.array([sum(truth[row[t]] - control for t in targets(adata.obs_names[i])) for i in held]) + control
        predictions = {m: adata.layers[f"pred__{m}__{seed}"][held].astype(float) for m in SLUGS}
        everywhere = np.ones((len(held), 1))
        predictions |= {"no_change": everywhere * control, "mean": everywhere * mean, "additive": additive}
        predictions |= {"half_sum": (additive + control) / 2}
        # Calibration: half A is the truth, half B the technical duplicate.
        predictions |= {"duplicate|half": half_b[held], "mean|half": everywhere * mean, "additive|half": additive}
        for method, predicted in predictions.items():
            y = (half_a if method.endswith("half") else truth)[held]
            strongest = np.argsort(-np.abs(y - control), axis=1, kind="stable")[:, :100]
            error = y - predicted
            distance = ((predicted[:, None, top] - y[None][:, :, top]) ** 2).sum(-1)
            farther = distance > np.diag(distance)[:, None]
            values = {
                "l2": np.sqrt((error[:, top] ** 2).sum(1)),
                "l2 all": np.sqrt((error**2).sum(1)),
                "l2 de": np.sqrt((np.take_along_axis(error, strongest, 1) ** 2).sum(1)),
                "pearson": correlation(y[:, top], predicted[:, top]),
                "pd control": correlation((y - control)[:, top], (predicted - control)[:, top]),
                "pd mean": correlation((y - mean)[:, top], (predicted - mean)[:, top]),
                "centroid": farther.sum(1) / (len(held) - 1),
            }
            tables.append(pd.DataFrame(values).assign(method=method, pert=adata.obs_names[held]))
    return pd.concat(tables).groupby(["method", "pert"]).mean()


def gap(scores: pd.DataFrame, column: str, first: str, second: str) -> tuple[float, float]:
    """95 % bootstrap interval of first − second; resamples perturbations, each with all its seeds."""
    paired = (scores.loc[first, column] - scores.loc[second, column]).to_numpy()
    draws = np.random.default_rng(0).integers(0, paired.size, (2000, paired.size))
    return tuple(np.quantile(paired[draws].mean(axis=1), [0.025, 0.975]))


FLIPS = [  # (view where the first wins, is lower better there), (view where the second wins, …), first, second
    (("l2", True), ("pd control", False), "average-seeker", "overconfident"),
    (("l2", True), ("pd control", False), "additive-twist", "cautious"),
    (("pd control", False), ("pd mean", False), "average-seeker", "noisy-oracle"),
    (("pd control", False), ("pd mean", False), "cautious", "additive-twist"),
    (("l2 all", True), ("l2 de", True), "additive-twist", "de-specialist"),
    (("l2 all", True), ("l2 de", True), "cautious", "noisy-oracle"),
    (("l2", True), ("centroid", False), "average-seeker", "noisy-oracle"),
    (("l2", True), ("centroid", False), "cautious", "overconfident"),
    (("pd control", False), ("l2 de", True), "overconfident", "de-specialist"),
]


@pytest.mark.parametrize(("here", "there", "first", "second"), FLIPS)
def test_ranking_flips_clear_of_the_bootstrap_interval(scores, here, there, first, second):
    def wins(view: tuple[str, bool], a: str, b: str) -> bool:
        column, lower_is_better = view
        low, high = gap(scores, column, a, b)
        return high < 0 if lower_is_better else low > 0

    assert wins(here, first, second), f"{first} should lead {second} on {here[0]}"
    assert wins(there, second, first), f"{second} should lead {first} on {there[0]}"


def test_error_and_spread_of_predictions_disagree(adata, scores):
    """Saying nearly the same for every perturbation costs little error; the spread of the predictions shows it."""
    top = np.argsort(-adata.varm["control_mean"]["A"].to_numpy(), kind="stable")[:1000]
    ratio = {
        slug: np.median(
            [
                np.nanstd(adata.layers[f"pred__{slug}__{s}"][:, top], axis=0)
                / adata.X[adata.obs[f"split__{s}"].astype(str) != "train"][:, top].std(axis=0)
                for s in SEEDS
            ]
        )
        for slug in SLUGS
    }
    assert gap(scores, "l2", "average-seeker", "overconfident")[1] < 0
    assert ratio["average-seeker"] < 0.35 and 0.6 < ratio["overconfident"] < 1.1 and ratio["noisy-oracle"] > 1.2


def test_raw_pearson_is_near_one_for_everything(scores):
    assert scores["pearson"].groupby("method").mean().min() > 0.95


def test_additive_is_hard_to_beat_on_l2(scores):
    methods = [*SLUGS, "no_change", "mean", "half_sum"]
    mean = scores["l2"].groupby("method").mean()
    assert mean["additive"] < mean[methods].min()


def test_mean_baseline_shines_against_control_and_is_undefined_against_itself(scores):
    assert scores.loc["mean", "pd control"].mean() > 0.5
    assert scores.loc["mean", "pd mean"].isna().all()
    assert scores.loc["no_change", "pd control"].isna().all()
    assert scores.loc["mean", "centroid"].between(0, 1).all()


def test_average_seeker_falls_when_the_reference_is_the_mean(scores):
    control, mean = (scores[c].groupby("method").mean() for c in ("pd control", "pd mean"))
    assert control["average-seeker"] > 0.7 and mean["average-seeker"] < 0.4
    assert (mean[["additive-twist", "overconfident", "noisy-oracle"]] > mean["average-seeker"] + 0.1).all()


def test_technical_duplicate_does_not_win_everywhere(scores):
    assert gap(scores, "l2 all", "duplicate|half", "mean|half")[0] > 0
    assert gap(scores, "l2", "duplicate|half", "additive|half")[0] > 0
    assert gap(scores, "l2 de", "duplicate|half", "mean|half")[1] < 0
    assert gap(scores, "centroid", "duplicate|half", "mean|half")[0] > 0


def test_no_change_beats_several_predictors_at_finding_non_additive_pairs(adata):
    row = {name: i for i, name in enumerate(adata.obs_names)}
    control = adata.varm["control_mean"]["A"].to_numpy(float)
    top = np.argsort(-control, kind="stable")[:1000]
    hits: dict[str, list[float]] = {}
    for seed in SEEDS:
        held = np.flatnonzero(adata.obs[f"split__{seed}"].astype(str) != "train")
        sums = [sum(adata.X[row[t]] - control for t in targets(adata.obs_names[i])) for i in held]
        additive = (np.array(sums) + control)[:, top]
        true = (np.abs(adata.X[held][:, top] - additive) > 0.35).ravel()
        predictions = {m: adata.layers[f"pred__{m}__{seed}"][held][:, top] for m in SLUGS}
        for method, predicted in (predictions | {"no_change": control[None, top]}).items():
            calls = np.argsort(-np.abs(predicted - additive).ravel(), kind="stable")[:500]
            hits.setdefault(method, []).append(true[calls].sum() / true.sum())
    recall = {m: np.array(v) for m, v in hits.items()}
    beaten = [m for m in SLUGS if (recall["no_change"] > recall[m]).all()]
    assert {"additive-twist", "de-specialist", "average-seeker"} <= set(beaten)
    assert (recall["noisy-oracle"] > recall["no_change"]).all()


# ---- the second context ---------------------------------------------------------------------------------------------


def test_context_b_is_related_and_helps_to_predict_unseen_singles(adata):
    b = demo.load_context_b()
    singles = [n for n in adata.obs_names if len(targets(n)) == 1]
    assert sorted(b.obs_names) == sorted(["ctrl", *singles]) and set(b.obs["context"].astype(str)) == {"B"}
    assert not [key for key in b.layers if key.startswith("pred__")] and not dict(b.uns["perturbviz"]["methods"])
    change = adata[singles].X - adata["ctrl"].X
    change_b = b[singles].X - b["ctrl"].X
    shared = adata.var_names.get_indexer(b.var_names)
    here, there = (x - x.mean(0) for x in (change[:, shared], change_b))
    assert 0.2 < np.corrcoef(here.ravel(), there.ravel())[0, 1] < 0.8
    # Ridge of changes in A on the leading components of B, against the mean, over five folds of the singles.
    u, s, _ = np.linalg.svd(there, full_matrices=False)
    embedding = u[:, :10] * s[:10]
    errors = np.zeros((2, len(singles)))
    for fold in range(5):
        test = np.arange(len(singles)) % 5 == fold
        p, mean = embedding[~test], change[~test].mean(0)
        weights = np.linalg.solve(p.T @ p + 0.1 * np.eye(10), p.T @ (change[~test] - mean))
        errors[0, test] = np.linalg.norm(change[test] - mean - embedding[test] @ weights, axis=1)
        errors[1, test] = np.linalg.norm(change[test] - mean, axis=1)
    assert np.mean(errors[0]) < 0.95 * np.mean(errors[1])
