"""What a person or a format says of the numbers is taken as said; what looks otherwise is warned of, not refused."""

import numpy as np
import pandas as pd
import pytest

from perturbviz.errors import UserError
from perturbviz.readers import Options
from perturbviz.readers.assemble import add_prediction, assemble
from perturbviz.readers.base import Loaded, Profiles

GENES = [f"G{i}" for i in range(200)]


@pytest.fixture
def frame():
    """Measured log-normalised means: control, four singles, two doubles; 70 % of the genes hardly expressed."""
    rng = np.random.default_rng(5)
    control = np.where(np.arange(200) < 60, rng.gamma(2, 0.8, 200), rng.uniform(0.001, 0.02, 200))
    names = ["ctrl", "A", "B", "C", "D", "A+B", "C+D"]
    change = {t: rng.normal(0, 0.3, 200) * (control > 0.1) for t in "ABCD"}
    noise = rng.normal(0, 0.01, (7, 200))
    rows = [control + sum((change[t] for t in n.split("+") if t in change), np.zeros(200)) for n in names]
    return pd.DataFrame(np.maximum(rows + noise, 0), names, GENES).astype("f4")


def loaded(frame, space="lognorm", **more):
    rows = Profiles(frame.to_numpy("f4"), list(frame.index), list(frame.columns))
    return Loaded(predictions={("m", ""): rows}, value_space=space, **more)


def warnings(report):
    return " ".join(f.text for f in report.warnings)


def negative(frame):
    """A prediction of which a third of the values is slightly negative, as untrained changes of silent genes are."""
    rng = np.random.default_rng(6)
    out = frame.iloc[1:] + np.where(frame.iloc[0] < 0.1, rng.normal(0, 0.08, (6, 200)), 0)
    assert (out.to_numpy() < 0).mean() > 0.25
    return out


def added(frame, prediction, space, declared=""):
    bench, _ = assemble(Loaded(truth=Profiles(frame.to_numpy(), list(frame.index), GENES), value_space="lognorm"))
    changed, report = add_prediction(bench, loaded(prediction, space), Options(value_space=declared))
    return pd.DataFrame(changed.prediction("m", ""), changed.conditions, GENES), report


@pytest.mark.parametrize(("space", "declared"), [("lognorm", ""), ("", "lognorm"), ("", "")])
def test_a_share_of_negative_values_never_refuses(frame, space, declared):
    prediction = negative(frame)
    got, report = added(frame, prediction, space, declared)
    np.testing.assert_allclose(got.loc[prediction.index], prediction, rtol=1e-6)
    assert warnings(report) == "" and "negative values in expression: counted" in " ".join(report.lines())


@pytest.mark.parametrize(("space", "declared"), [("lognorm", ""), ("", "lognorm")])
def test_changes_declared_as_expression_are_taken_and_warned_of(frame, space, declared):
    changes = frame.iloc[1:] - frame.iloc[0]
    got, report = added(frame, changes, space, declared)
    np.testing.assert_allclose(got.loc[changes.index], changes, atol=1e-6)
    who = "you say" if declared else "its format says"
    assert f"as {who}, but it looks like changes against control" in warnings(report)


def test_changes_of_which_nothing_is_said_are_asked_about(frame):
    with pytest.raises(UserError, match=r"look like changes against control .* correlation with control"):
        added(frame, frame.iloc[1:] - frame.iloc[0], "")


def test_expression_declared_as_changes_is_taken_and_warned_of(frame):
    prediction = frame.iloc[1:]
    got, report = added(frame, prediction, "", "delta")
    np.testing.assert_allclose(got.loc["A"], frame.loc["A"] + frame.loc["ctrl"], atol=1e-6)
    assert "looks like log-normalised expression" in warnings(report) and "counted twice" in warnings(report)
    changes = prediction - frame.iloc[0]
    got, report = added(frame, changes, "", "delta")
    np.testing.assert_allclose(got.loc[prediction.index], prediction, atol=1e-6)
    assert "looks like" not in warnings(report)


def test_one_bad_method_of_several_is_left_out_aloud(frame):
    bench, _ = assemble(Loaded(truth=Profiles(frame.to_numpy(), list(frame.index), GENES), value_space="lognorm"))
    good, bad = frame.iloc[1:] + 0.1, frame.iloc[1:].copy()
    bad.iloc[2, 7] = np.inf
    rows = {(n, s): Profiles(f.to_numpy("f4"), list(f.index), GENES) for n, s, f in [("a", "", good), ("b", "1", bad)]}
    changed, report = add_prediction(bench, Loaded(predictions=rows, names={"b": "B"}, value_space="lognorm"))
    assert changed.methods == ("a",) and report.lost == ("B, split 1",)
    assert "B, split 1 is left out:" in warnings(report) and "gene G7" in changed.source["left_out"]
    with pytest.raises(UserError, match=r"None of the 2 predictions in the file can be used. b, split 1: .*infinite"):
        add_prediction(bench, Loaded(predictions={("b", "1"): rows["b", "1"], ("c", ""): rows["b", "1"]}))
    with pytest.raises(UserError, match="every method is left out"):
        add_prediction(bench, Loaded(predictions=rows), Options(without=("A", "b")))
