"""From a benchmark to (double, gene) pairs: observed and predicted deviation from additivity, aligned by name.

Observed values are kept once per double and context (D × G), predictions per scored row (R × G, one row per seed and
double); ``rows["double"]`` leads from the second to the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from perturbviz.benchmark.memo import Memo
from perturbviz.errors import UserError
from perturbviz.metrics.nonadditive.deviation import deviation, deviation_se, se_from_halves, z_scores
from perturbviz.scoring.additivity import additive, every_double, singles
from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import GeneSubset, resolve
from perturbviz.scoring.inputs import needs_problem

#: Predicted deviations are kept up to so many values over all methods; beyond, they are read again at every use.
KEEP = 12_000_000


@dataclass(frozen=True, eq=False)
class Pairs:
    """Doubles with two measured singles, on one set of genes.

    Attributes
    ----------
    evaluation
        Where predictions come from.
    positions
        (R,) rows of the evaluation.
    rows
        One line per scored row: seed, context, perturbation, block (int, seed × context), double (0 … D-1).
    doubles
        One line per distinct double and context: context, perturbation.
    genes, columns
        (G,) names and columns of the benchmark.
    delta_a, delta_b, delta_ab
        (D, G) observed changes against control of the singles, in the order of the double's name, and of the double.
    expected
        (D, G) additive expectation Y_A + Y_B - c; NaN for genes that do not count in that context.
    deviation
        (D, G) observed - expected.
    """

    evaluation: Evaluation
    positions: np.ndarray
    rows: pd.DataFrame
    doubles: pd.DataFrame
    genes: pd.Index
    columns: np.ndarray
    delta_a: np.ndarray = field(repr=False)
    delta_b: np.ndarray = field(repr=False)
    delta_ab: np.ndarray = field(repr=False)
    expected: np.ndarray = field(repr=False)
    deviation: np.ndarray = field(repr=False)

    @property
    def double(self) -> np.ndarray:
        """(R,) distinct double of every scored row."""
        return self.rows["double"].to_numpy()

    @cached_property
    def blocks(self) -> list[np.ndarray]:
        """Rows of each seed and context: the sets within which pairs are ranked."""
        block = self.rows["block"].to_numpy()
        return [np.flatnonzero(block == b) for b in pd.unique(block)]

    @cached_property
    def memo(self) -> Memo:
        """What is derived from these pairs once and kept."""
        return Memo()

    @cached_property
    def _kept(self) -> dict[str, np.ndarray]:
        return {}

    def predicted(self, method: str) -> np.ndarray:
        """(R, G) predicted deviation from additivity (with the observed singles); NaN where nothing is predicted."""
        if method in self._kept:
            return self._kept[method]
        values = self.evaluation.prediction(method, self.positions, self.columns)
        values -= self.expected[self.double]
        if values.size * (len(self._kept) + 1) <= KEEP:
            self._kept[method] = values
        return values

    def observed(self) -> np.ndarray:
        """(R, G) observed deviation of every scored row."""
        return self.deviation[self.double]

    @cached_property
    def se(self) -> np.ndarray | str:
        """(D, G) standard error of the observed deviation, or a sentence saying why it is not known."""
        return _standard_error(self)

    def z(self) -> np.ndarray:
        """(D, G) observed deviation over its standard error; raises :class:`UserError` where that is not known."""
        if isinstance(self.se, str):
            raise UserError(self.se)
        return z_scores(self.deviation, self.se)


def pairs_problem(evaluation: Evaluation, subset: GeneSubset) -> str:
    """Why there are no pairs to look at, as a sentence that says what to do; "" where there are."""
    problem = needs_problem({"additive"}, evaluation.benchmark)
    if problem:
        return f"Non-additivity {problem}"
    if subset.differs_between_perturbations:
        what = "DE genes differ" if subset.kind == "de" else "without their own targets the genes differ"
        return (
            f"Non-additivity takes all doubles together, but {what} from one to the next: "
            "choose all genes, highly expressed ones or your own list, with the perturbed genes."
        )
    if not len(every_double(evaluation)[1]):
        return "No double of this data set has both of its singles measured, so what would be additive is not known."
    return ""


def make_pairs(evaluation: Evaluation, subset: GeneSubset, rows: np.ndarray | None = None) -> Pairs:
    """Pairs of the scored rows (all where None) that are doubles with two measured singles.

    Raises
    ------
    UserError
        Where the benchmark or the subset has no such pairs; a sentence.
    """
    problem = pairs_problem(evaluation, subset)
    if problem:
        raise UserError(problem)
    rows = np.arange(len(evaluation.rows)) if rows is None else np.asarray(rows)
    rows = rows[(singles(evaluation)[rows] >= 0).all(axis=1)]
    if not len(rows):
        raise UserError("No double with two measured singles is left here: widen the perturbation set in the sidebar.")
    frame = evaluation.rows.iloc[rows][["seed", "context", "perturbation", "block", "obs"]].reset_index(drop=True)
    double, first = pd.factorize(frame["obs"])
    at = np.array([np.flatnonzero(double == d)[0] for d in range(len(first))])
    one = rows[at]  # a scored row of every distinct double

    blocks = resolve(subset, evaluation, one)
    columns = _union([np.arange(evaluation.benchmark.adata.n_vars) if b.genes is None else b.genes for b in blocks])
    expected = additive(evaluation, one, columns)
    for block in blocks:
        if block.genes is not None and len(block.genes) < len(columns):
            outside = ~np.isin(columns, block.genes)
            expected[np.ix_(np.isin(one, block.rows), outside)] = np.nan
    control = evaluation.reference("control", one, columns)
    truth, of_single = evaluation.benchmark.truth, singles(evaluation)[one]
    a, b = (evaluation.gather(truth, obs, columns) - control for obs in of_single.T)
    observed = evaluation.truth(one, columns)
    return Pairs(
        evaluation=evaluation,
        positions=rows,
        rows=frame[["seed", "context", "perturbation", "block"]].assign(double=double),
        doubles=frame.iloc[at][["context", "perturbation"]].reset_index(drop=True),
        genes=evaluation.benchmark.genes[columns],
        columns=columns,
        delta_a=a,
        delta_b=b,
        delta_ab=observed - control,
        expected=expected,
        deviation=deviation(observed, expected),
    )


def every_pair(evaluation: Evaluation, subset: GeneSubset) -> Pairs:
    """Pairs of all doubles with two measured singles, training ones included, each once: what the null is fitted to.

    Raises
    ------
    UserError
        If the data set cannot have interactions: no doubles, or singles are missing.
    """
    problem = pairs_problem(evaluation, subset)
    if problem:
        raise UserError(problem)
    every, rows = every_double(evaluation)
    return make_pairs(every, subset, rows)


def _union(columns: list[np.ndarray]) -> np.ndarray:
    """Columns of several contexts, each once, in order of first appearance."""
    return columns[0] if len(columns) == 1 else np.array(list(dict.fromkeys(np.concatenate(columns).tolist())))


def _standard_error(pairs: Pairs) -> np.ndarray | str:
    """Standard error of Y_AB - Y_A - Y_B + c from stored standard errors, or from half-cell means of all conditions."""
    evaluation, b = pairs.evaluation, pairs.evaluation.benchmark
    if evaluation.truth_from != "all":
        return "Standard errors belong to the mean of all cells, but half of the cells is the truth here."
    if "se" in b.layers:
        error = b.layers["se"]
    elif {"half_a", "half_b"} <= set(b.layers):
        error = se_from_halves(b.layers["half_a"], b.layers["half_b"])
    else:
        return "This data set holds neither standard errors nor half-cell means: only the size of an effect is known."
    one = np.array([pairs.positions[np.flatnonzero(pairs.double == d)[0]] for d in range(len(pairs.doubles))])
    obs, of_single = evaluation.rows["obs"].to_numpy()[one], singles(evaluation)[one]
    parts = [evaluation.gather(error, rows, pairs.columns) for rows in (obs, *of_single.T)]
    for what, part in zip(("doubles", "singles", "singles"), parts, strict=True):
        if np.isnan(part).all():
            return (
                f"Standard errors or half-cell means are not known for the {what}: only the size of an effect is known."
            )
    of_control = {b.row_contexts[i]: error[i, pairs.columns] for i in np.flatnonzero(b.is_control)}
    zero = np.zeros(len(pairs.columns))
    control = np.nan_to_num(np.stack([of_control.get(c, zero) for c in pairs.doubles["context"]]))
    double, first, second = parts
    return deviation_se(double, first, second, control)
