"""What a transformation did to every metric: before, after, on which scale, and whether anything was learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.scoring.prepared import Prepared, Setting
from perturbviz.scoring.validity import metric_problem
from perturbviz.scoring.view import metric_label, metric_name
from perturbviz.stats import average, ranks

#: A change smaller than this share of the way from empty to perfect counts as none.
NEGLIGIBLE = 0.005


def empty_scores(prepared: Prepared, how: str = "mean") -> dict[Setting, float]:
    """Score of the empty prediction a setting: the training mean, no change where that is undefined."""
    evaluation = prepared.evaluation
    out = dict.fromkeys(prepared.settings, np.nan)
    for method in ("no_change", "mean"):  # the mean, where it is defined, has the last word
        if method in evaluation.methods:
            scores = prepared.averages(evaluation.prediction(method, prepared.rows), how)
            out |= {s: v for s, v in scores.items() if not np.isnan(v)}
    return out


def on_scale(setting: Setting, value: float, empty: float) -> float:
    """Share of the way from the empty prediction (0) to a perfect one (1), negative where worse than empty; or NaN.

    The dynamic range fraction of Miller et al. (2025) with the prediction in place of the positive control, not
    clipped.
    """
    card = parse_metric(setting[0])[0].card
    score, zero, one = (float(card.goodness(v)) for v in (value, empty, card.perfect))
    return (score - zero) / (one - zero) if one != zero else np.nan


@dataclass(frozen=True, eq=False)
class Scale:
    """What the calibrated scale runs between: 0 is the empty prediction, 1 a replicate of the experiment or perfection.

    Attributes
    ----------
    prepared
        Scores the same rows, against a truth that leaves the replicate cells of its own.
    positive
        Method that stands for a replicate; "" where there is none and 1 is a perfect prediction.
    words
        What 1 is, for the axis.
    """

    prepared: Prepared
    positive: str
    words: str


def scale_for(prepared: Prepared) -> Scale:
    """Calibrated scale: up to a replicate where the benchmark holds one, else up to a perfect prediction."""
    from perturbviz.analyses.calibration import CONTROL_NAMES, positive_controls
    from perturbviz.analyses.calibration.table import control_evaluation

    perfect = Scale(prepared, "", "a perfect prediction")
    try:
        controlled = control_evaluation(prepared.evaluation)
    except UserError:
        return perfect
    keys = ["seed", "context", "perturbation"]
    if not controlled.rows[keys].equals(prepared.evaluation.rows[keys]):
        return perfect
    positive = positive_controls(prepared.evaluation.benchmark, controlled.truth_from)[0]
    asked = controlled.benchmark, controlled.truth_from
    settings = tuple(s for s in prepared.settings if not metric_problem(s[0], *asked))
    same = Prepared(controlled, prepared.rows, settings, prepared.subset, prepared.include_held_out)
    return Scale(same, positive, f"the {CONTROL_NAMES[positive].lower()}")


def _scaled(scale: Scale, prediction: np.ndarray, how: str) -> dict[Setting, float]:
    """Positions of a prediction on the scale, a setting; NaN where a control is undefined or no better than empty."""
    from perturbviz.analyses.calibration import calibrated_scale

    prepared, empty, out = scale.prepared, empty_scores(scale.prepared, how), {}
    replicate = prepared.evaluation.prediction(scale.positive, prepared.rows) if scale.positive else None
    top = prepared.averages(replicate, how) if replicate is not None else {}
    for setting, value in prepared.averages(prediction, how).items():
        card = parse_metric(setting[0])[0].card
        out[setting] = float(calibrated_scale(np.array(value), top.get(setting, card.perfect), empty[setting], card))
    return out


def effects(
    prepared: Prepared, before: np.ndarray, after: np.ndarray, how: str = "mean", scale: Scale | None = None
) -> pd.DataFrame:
    """Scores of two predictions (R, G) of the prepared rows on all its settings.

    Returns
    -------
    One line a setting: metric, reference, label, name, family, before, after, empty (score of the empty prediction),
    scaled_before, scaled_after (positions on ``scale``, by default up to a perfect prediction) and change: 1 better,
    -1 worse, 0 neither, NaN where undefined before or after.
    """
    scale = Scale(prepared, "", "a perfect prediction") if scale is None else scale
    empty, (first, last) = empty_scores(prepared, how), (prepared.averages(p, how) for p in (before, after))
    start, end = (_scaled(scale, p, how) for p in (before, after))
    lines = []
    for setting in prepared.settings:
        a, b = first[setting], last[setting]
        lines.append(
            {
                "metric": setting[0],
                "reference": setting[1],
                "label": metric_label(*setting),
                "name": metric_name(*setting),
                "family": parse_metric(setting[0])[0].card.family,
                "before": a,
                "after": b,
                "empty": empty[setting],
                "scaled_before": start.get(setting, np.nan),
                "scaled_after": end.get(setting, np.nan),
                "change": np.nan if np.isnan(a) or np.isnan(b) else float(better(setting, a, b, empty[setting])),
            }
        )
    return pd.DataFrame(lines)


def opening_target(settings: Sequence[Setting]) -> Setting:
    """The target to begin with: one whose optimum harms other metrics, where it is offered, else the first."""
    return next((s for s in (("pearson_delta", "control"), ("pds", "none")) if s in settings), settings[0])


def changes(
    before: Mapping[Setting, float], after: Mapping[Setting, float], empty: Mapping[Setting, float]
) -> pd.DataFrame:
    """What a transformation did to the average scores: metric, reference, family and change as :func:`effects` has it.

    Parameters
    ----------
    before, after, empty
        Average scores of the prediction as it was, as it is now, and of the empty prediction.
    """
    lines = []
    for setting in (s for s in after if s in before):
        a, b = before[setting], after[setting]
        change = np.nan if np.isnan(a) or np.isnan(b) else better(setting, a, b, empty.get(setting, np.nan))
        lines.append((*setting, parse_metric(setting[0])[0].card.family, float(change)))
    return pd.DataFrame(lines, columns=["metric", "reference", "family", "change"])


def other_families(table: pd.DataFrame, target: Setting) -> tuple[int, int, int]:
    """(better, worse, all) families of metrics other than the target's, by the mean change of their metrics."""
    rest = table[table["family"] != parse_metric(target[0])[0].card.family]
    family = rest.groupby("family", sort=False)["change"].mean().dropna()
    return int((family > 0).sum()), int((family < 0).sum()), len(family)


def better(setting: Setting, before: float, after: float, empty: float) -> int:
    """1 better, -1 worse, 0 neither (less than ``NEGLIGIBLE`` of the way from empty to perfect) or undefined."""
    way = on_scale(setting, after, empty) - on_scale(setting, before, empty)
    card = parse_metric(setting[0])[0].card
    gain = float(card.goodness(after) - card.goodness(before))
    if np.isnan(gain) or abs(way if np.isfinite(way) else gain) <= NEGLIGIBLE:
        return 0
    return 1 if gain > 0 else -1


def ranks_with(settings: tuple[Setting, ...], others: pd.DataFrame, mine: Mapping[Setting, float]) -> pd.DataFrame:
    """Ranks of others (methods x settings) and, in the last line, of one more prediction; NaN where undefined."""
    scores = np.vstack([others.to_numpy(float), [mine[s] for s in settings]])
    cards = [parse_metric(s[0])[0].card for s in settings]
    goodness = np.array([c.goodness(line) for c, line in zip(cards, scores.T, strict=True)]).reshape(scores.T.shape)
    found = ranks(goodness, [c.perfect for c in cards]).T
    return pd.DataFrame(found, index=[*others.index, "yours"], columns=others.columns)


def score_table(prepared: Prepared, methods: tuple[str, ...], how: str = "mean") -> pd.DataFrame:
    """Scores of methods as they are: methods x settings (columns 0 ... in the order of ``prepared.settings``)."""
    rows = [prepared.values(prepared.evaluation.prediction(m, prepared.rows)) for m in methods]
    values = [[float(average(r[s], how)) for s in prepared.settings] for r in rows]
    return pd.DataFrame(values, index=list(methods), columns=range(len(prepared.settings)))
