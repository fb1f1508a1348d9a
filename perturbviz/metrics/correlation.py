"""Correlations between predicted and observed profile or change."""

from __future__ import annotations

import numpy as np

from perturbviz.metrics.cards import Card, Metric

#: A vector whose spread is below this fraction of its size is constant up to rounding.
RELATIVE_TOLERANCE = 1e-12


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row-wise cosine; NaN where either row is zero."""
    aa, bb = np.einsum("pg,pg->p", a, a), np.einsum("pg,pg->p", b, b)
    defined = (aa > 0) & (bb > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.einsum("pg,pg->p", a, b) / np.sqrt(aa * bb)
    return np.where(defined, np.clip(value, -1, 1), np.nan)


def _centred(values: np.ndarray) -> np.ndarray:
    """Rows minus their mean; a row that is constant up to rounding becomes exactly zero."""
    centred = values - values.mean(axis=1, keepdims=True)
    constant = np.abs(centred).max(axis=1) <= RELATIVE_TOLERANCE * np.abs(values).max(axis=1)
    centred[constant] = 0
    return centred


def pearson(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Pearson correlation over genes: (P, G), (P, G) -> (P,); NaN where either row is constant."""
    return _cosine(_centred(truth), _centred(prediction))


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks within rows, 1 = smallest, average ranks for ties: (P, G) -> (P, G).

    Equal to ``scipy.stats.rankdata(values, axis=1)``, several times faster; rows with NaN have no meaning.
    """
    order = np.argsort(values, axis=1)
    order += np.arange(len(values))[:, None] * values.shape[1]  # positions in the flat array
    ordered = values.ravel()[order]
    place = np.tile(np.arange(1.0, values.shape[1] + 1), (len(values), 1))
    tied = np.zeros((len(values), values.shape[1] + 1), bool)  # with the one before, in order
    np.equal(ordered[:, 1:], ordered[:, :-1], out=tied[:, 1:-1])
    if tied.any():  # touch the tied values only: their ranks become the mean of the run's first and last
        first, last = np.nonzero(~tied[:, :-1] & tied[:, 1:]), np.nonzero(tied[:, :-1] & ~tied[:, 1:])
        mean = (place[first] + place[last]) / 2
        place[tied[:, :-1] | tied[:, 1:]] = np.repeat(mean, last[1] - first[1] + 1)
    ranks = np.empty(values.size)
    ranks[order.ravel()] = place.ravel()
    return ranks.reshape(values.shape)


def complete(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(P,) bool: the rows without a missing value on either side."""
    return ~(np.isnan(truth).any(axis=1) | np.isnan(prediction).any(axis=1))


def _truth_ranks(truth: np.ndarray) -> dict[str, np.ndarray]:
    return {"truth_ranks": average_ranks(truth)}


def spearman(truth: np.ndarray, prediction: np.ndarray, *, truth_ranks: np.ndarray | None = None) -> np.ndarray:
    """Pearson correlation of the ranks over genes, average ranks for ties; NaN where either row is constant."""
    value = pearson(average_ranks(truth) if truth_ranks is None else truth_ranks, average_ranks(prediction))
    return np.where(complete(truth, prediction), value, np.nan)


def cosine(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Cosine of the angle between observed and predicted change; NaN where either change is zero."""
    return _cosine(truth, prediction)


_BLIND = "Against control it is blind to the size of the predicted change; a shift of all genes alike never counts."

METRICS = (
    Metric(
        Card(
            id="pearson",
            name="Pearson correlation",
            symbol="r",
            formula=r"\operatorname{cor}_{g\in S}(Y_{pg},\hat Y_{pg})",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="near 1 already for no change",
            summary="Correlation of predicted and observed expression profile.",
            pro="Interpretable.",
            con="Typically very close to 1: it measures that highly expressed genes are highly expressed.",
            gaming="Predict the control profile.",
            source="scGPT, GEARS; Ahlmann-Eltze et al. 2025",
            family="raw correlation",
            undefined="a profile that is the same for every gene correlates with nothing",
            traps='Called "r2" in the data of Ahlmann-Eltze et al.; it is not squared.',
        ),
        pearson,
    ),
    Metric(
        Card(
            id="spearman",
            name="Spearman correlation",
            symbol="ρ",
            formula=r"\operatorname{cor}_{g\in S}(\operatorname{rank}Y_{pg},\operatorname{rank}\hat Y_{pg})",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="near 1 already for no change",
            summary="Rank correlation of predicted and observed expression profile.",
            pro="Insensitive to outliers and to any monotone change of scale.",
            con="Near 1 for every method on raw profiles; many tied genes at zero.",
            gaming="Predict the control profile.",
            source="Standard; Open Problems, PEREGGRN (average ranks for ties)",
            family="raw correlation",
            undefined="a profile that is the same for every gene has no order",
        ),
        spearman,
        _truth_ranks,
    ),
    Metric(
        Card(
            id="pearson_delta",
            name="Pearson delta",
            symbol="rΔ",
            formula=r"\operatorname{cor}_{g\in S}(Y_{pg}-r_g,\hat Y_{pg}-r_g)",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for the reference itself; high for the mean when the reference is control",
            summary="Correlation of predicted and observed change from a reference.",
            pro="Against control: interpretable. Against the perturbation mean: robust to systematic changes.",
            con="Against control: systematic effects increase mean predictor performance. Against the perturbation "
            "mean: less interpretable, unclear what is a good baseline. " + _BLIND,
            gaming="Against control: predict the average perturbation for everything.",
            source="Cui et al. 2024 (control); Viñas Torné et al., Systema 2025 (perturbation mean)",
            family="correlation of changes",
            reference="delta",
            plain_twin="pearson",
            undefined="a change that is zero or the same for every gene has no direction",
            traps='Called "r2_delta" in the data of Ahlmann-Eltze et al.; it is not squared.',
        ),
        pearson,
    ),
    Metric(
        Card(
            id="spearman_delta",
            name="Spearman delta",
            symbol="ρΔ",
            formula=r"\operatorname{cor}_{g\in S}(\operatorname{rank}(Y_{pg}-r_g),"
            r"\operatorname{rank}(\hat Y_{pg}-r_g))",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for the reference itself; high for the mean when the reference is control",
            summary="Rank correlation of predicted and observed change from a reference.",
            pro="Like Pearson delta, but no single gene decides.",
            con="Most genes hardly change, and their order is noise. " + _BLIND,
            gaming="Against control: predict the average perturbation for everything.",
            source="Standard; PEREGGRN (average ranks for ties)",
            family="correlation of changes",
            reference="delta",
            plain_twin="spearman",
            undefined="a change that is zero or the same for every gene has no order",
            traps="Over all chosen genes; cell-eval's lfc_spearman takes the significant ones only.",
        ),
        spearman,
        _truth_ranks,
    ),
    Metric(
        Card(
            id="cosine",
            name="Cosine of change",
            symbol="cos Δ",
            formula=r"\frac{\langle Y_p-r,\hat Y_p-r\rangle_S}{\|Y_p-r\|_S\,\|\hat Y_p-r\|_S}",
            better="higher",
            range="−1 to 1",
            perfect=1.0,
            empty="undefined for the reference itself",
            summary="Angle between predicted and observed change from a reference.",
            pro="Like Pearson delta, but a shift of all genes counts.",
            con=(
                "Against control: blind to the size of the predicted change; systematic effects raise the mean "
                "predictor."
            ),
            gaming="Against control: predict the average perturbation for everything.",
            source="PerturBench (cosine of log fold change, without its second logarithm)",
            family="correlation of changes",
            reference="delta",
            undefined="a change that is zero has no direction",
        ),
        cosine,
    ),
)
