"""What numbers can be: one look at values for every reader, for cells and means, truth and prediction. Arrays only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp

from perturbviz.errors import Choice, UserError

Matrix: TypeAlias = np.ndarray | sp.csr_matrix
#: "counts": whole numbers. "unclear": no whole numbers, and beyond what logarithms of counts can be. "scaled": every
#: gene brought to mean 0. "lognorm": may well be log-normalised.
Kind = Literal["counts", "unclear", "scaled", "lognorm"]
#: What a reader does about counts: "ask" unless declared, "normalise" them, or "never" look.
Counts = Literal["ask", "normalise", "never"]

COUNT_CHOICES = (
    Choice("value_space", "counts", "These are counts: normalise"),
    Choice("value_space", "lognorm", "Take them as they are"),
)
LOG_MAX = 50.0  # log1p values stay far below: expm1(50) molecules do not exist
TOTAL_MAX = 1e9  # a cell has fewer molecules, and log2 of counts per million stays below too
MANY_NEGATIVE = 0.2  # share of negative values from which a table that says nothing about itself is asked about
MOSTLY_ZERO = 0.5  # share of zeros from which a row says little
ALIKE = 0.5  # correlation with control below which a row has little of the control's profile
CLEARLY_ALIKE = 0.9  # and above which it is a profile of expression
FACTOR = 2.0  # totals of expression that differ by more are another scale
ROW_FACTOR = 4.0  # a row whose total differs by more from that of the other rows is on another scale than they
_ROWS = 256  # rows looked at in one go
_SAMPLE = 4096  # rows whose totals are added up


# -- one matrix ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Look:
    """What the values of one matrix (rows x genes; cells or means) are like, NaN and infinite ones aside.

    Attributes
    ----------
    minimum, maximum
        Of all values, the zeros of a sparse matrix included.
    total
        Median over rows of the sum over genes of expm1.
    same_totals
        Whether nearly all rows have that total: each was normalised to one number before its logarithm was taken.
    whole
        (rows,) whether all values of a row are whole numbers, and more than two of them not zero.
    fraction
        (rows,) whether some value of a row is no whole number.
    centred
        Whether most genes have mean 0, with negative values.
    logged
        Whether the file says that a logarithm was taken (``uns["log1p"]``).
    """

    minimum: float
    maximum: float
    total: float
    same_totals: bool
    whole: np.ndarray
    fraction: np.ndarray
    centred: bool
    logged: bool

    @property
    def integers(self) -> bool:
        """Whether all values are whole numbers."""
        return not self.fraction.any()

    @property
    def kind(self) -> Kind:
        """What the values look like."""
        if self.integers and self.minimum >= 0 and self.maximum >= 1:
            return "counts"
        if self.maximum > LOG_MAX or self.total > TOTAL_MAX:
            return "unclear"
        return "scaled" if self.centred else "lognorm"

    @property
    def surely_log(self) -> bool:
        """Whether a logarithm was taken for certain: the file says so, or every row has the same total."""
        return self.kind == "lognorm" and self.minimum >= 0 and (self.logged or self.same_totals)

    @property
    def mixed(self) -> np.ndarray:
        """Rows of whole numbers where the others have fractions; none where most rows are whole."""
        if self.integers or self.whole.mean() > 0.5:
            return np.empty(0, int)
        return np.flatnonzero(self.whole)

    def words(self) -> str:
        """What was found, for a sentence."""
        kind = "whole numbers" if self.integers else "not all whole numbers"
        return f"{kind} from {self.minimum:.3g} to {self.maximum:,.5g}"


def look(x: Matrix, logged: bool = False) -> Look:
    """Look at a matrix, rows x genes, dense or CSR: every value, but the totals of some thousand rows at most."""
    n = x.shape[0]
    low, high, whole, fraction = _stored(x) if sp.issparse(x) else _dense(x)
    sample = x[np.unique(np.linspace(0, n - 1, min(n, _SAMPLE)).astype(int))]
    sums, squares, total = np.zeros(x.shape[1]), np.zeros(x.shape[1]), []
    for _, block in _blocks(sample):
        total.append(totals(block))
        sums += block.sum(axis=0, dtype=np.float64)
        squares += (block.astype(np.float64) ** 2).sum(axis=0)
    filled = np.concatenate(total)
    filled = filled[filled > 0]
    typical = float(np.median(filled)) if filled.size else 0.0
    same = filled.size > 2 and typical < TOTAL_MAX and (np.abs(filled / typical - 1) < 0.01).mean() > 0.95
    mean = sums / sample.shape[0]
    spread = np.sqrt(np.maximum(squares / sample.shape[0] - mean**2, 0))
    varies = spread > 1e-6
    centred = low < 0 and n > 9 and varies.any() and (np.abs(mean) < 0.05 * spread)[varies].mean() > 0.8
    return Look(low, high, typical, bool(same), whole, fraction, bool(centred), logged)


def _dense(x: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Smallest and largest value; which rows are whole numbers, and which have a fraction."""
    low, high = np.inf, -np.inf
    whole, fraction = np.zeros(len(x), bool), np.zeros(len(x), bool)
    for i, block in _blocks(x):
        rows = slice(i, i + len(block))
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        fraction[rows] = (block != np.rint(block)).any(axis=1)
        whole[rows] = ~fraction[rows] & (np.count_nonzero(block, axis=1) > 2)
    return low, high, whole, fraction


def _stored(x: sp.csr_matrix) -> tuple[float, float, np.ndarray, np.ndarray]:
    """The same from the stored values of a sparse matrix alone."""
    n, size = x.shape[0], x.shape[0] * x.shape[1]
    values = np.where(np.isfinite(x.data), x.data, x.dtype.type(0))
    row = np.repeat(np.arange(n), np.diff(x.indptr))
    fraction = np.bincount(row[values != np.rint(values)], minlength=n) > 0
    whole = ~fraction & (np.bincount(row[values != 0], minlength=n) > 2)
    ends = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    missing = values.size < size  # the zeros that are not stored
    return min(ends[0], 0.0) if missing else ends[0], max(ends[1], 0.0) if missing else ends[1], whole, fraction


def _blocks(x: Matrix) -> Iterator[tuple[int, np.ndarray]]:
    """First row and values of one run of rows after the other, dense, with 0 for what is not finite."""
    for i in range(0, x.shape[0], _ROWS):
        block: Any = x[i : i + _ROWS]
        dense = block.toarray() if sp.issparse(block) else np.asarray(block)
        yield i, dense if np.isfinite(dense).all() else np.where(np.isfinite(dense), dense, dense.dtype.type(0))


@dataclass(frozen=True)
class Plan:
    """What is done with values: whether each row is normalised first, a note, and a caution."""

    normalise: bool = False
    note: str = ""
    caution: str = ""


def plan(
    found: Look,
    declared: str,
    counts: Counts,
    what: str,
    instead: str = "",
    slots: Sequence[str] = (),
    *,
    measured: bool = False,
) -> Plan:
    """What to do with values that look like ``found``.

    What is declared is done, with a caution where the values look otherwise; but a logarithm is never taken twice.

    Parameters
    ----------
    declared
        What a person, or the file itself, says the values are; "" where neither does.
    counts
        What is done about counts of which nothing is said.
    what
        File and slot, for sentences.
    instead
        Sentence that names other slots of the file and how one of them is chosen; "" where there are none.
    slots
        Names of these slots, for buttons.
    measured
        The values are known to be measured, so that none of them can be negative.

    Raises
    ------
    UserError
        Where nothing is said and the values may be anything, or where what is said cannot be.
    """
    if counts == "never":
        return Plan()
    others = [Choice("layer", name, f"Use {name}") for name in slots[:4]]
    if declared == "counts":
        return _as_counts(found, what, instead, others)
    if declared:
        return Plan(caution=_doubt(found, what) if declared == "lognorm" else "")
    if found.kind == "counts" and counts == "normalise":
        return Plan(True)
    _refuse(found, what, instead, others, measured)
    if counts == "normalise":
        why = "uns['log1p'] is there" if found.logged else "they are no whole numbers"
        return Plan(note=f"The values are used as they are, as log-normalised: {why}, so no logarithm is taken again.")
    return Plan()


def _refuse(found: Look, what: str, instead: str, others: Sequence[Choice], measured: bool) -> None:
    """A UserError where values of which nothing is said may be anything."""
    if found.kind == "counts":
        raise UserError(
            f"{what} holds {found.words()}: these look like counts. Say --value-space counts to normalise each cell to "
            f"10,000 and take log1p, or --value-space lognorm to take them as they are.{instead}",
            [*COUNT_CHOICES, *others],
        )
    if found.kind == "unclear":
        raise UserError(
            f"{what} holds {found.words()}: these look like counts that were corrected, and are neither counts nor "
            "log-normalised as they stand. Say --value-space counts to normalise each cell and take log1p, or "
            f"--value-space lognorm to take them as they are.{instead}",
            [*COUNT_CHOICES, *others],
        )
    if found.kind == "scaled":
        raise UserError(
            f"{what} looks scaled, every gene to mean 0 ({found.words()}): such values are neither counts nor "
            f"log-normalised expression nor changes against control.{instead or ' Save the unscaled values.'}",
            others,
        )
    if measured and found.minimum < 0:
        raise UserError(
            f"{what}: the values are neither counts nor log-normalised ({found.words()}): declare lognorm to use "
            f"them as they are.{instead}",
            [COUNT_CHOICES[1], *others],
        )


def _as_counts(found: Look, what: str, instead: str, others: Sequence[Choice]) -> Plan:
    """Values that are declared to be counts."""
    if found.minimum < 0:
        raise UserError(f"{what}: declared counts, but some values are negative ({found.words()}).{instead}", others)
    if found.surely_log:
        why = "uns['log1p'] is there" if found.logged else f"expm1 of every row adds up to {found.total:,.0f}"
        raise UserError(
            f"{what}: declared counts, but the values do not look like counts ({found.words()}; {why}): a "
            f"logarithm was taken already and is not taken twice. Declare lognorm instead.{instead}",
            [COUNT_CHOICES[1], *others],
        )
    note = "" if found.integers else " They are not whole numbers: taken for counts as you say."
    return Plan(True, note)


def _doubt(found: Look, what: str) -> str:
    """Why values that are declared log-normalised do not look it; "" where they do."""
    words = {"counts": "counts", "unclear": "counts", "scaled": "scaled values (every gene to mean 0)"}
    if found.kind == "lognorm":
        return ""
    return (
        f"{what}: taken for log-normalised as you say, but the values look like {words[found.kind]} ({found.words()})."
    )


def other_slots(names: Sequence[str], how: str = "--layer") -> str:
    """Sentence that offers other slots of a file; "" where there are none."""
    return f" Or choose another slot ({how}): the file has {', '.join(names)}." if names else ""


def missing(x: Matrix) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Which rows hold nothing but NaN, (rows,) bool; and row and column of the first other value that is not finite."""
    empty = np.zeros(x.shape[0], bool)
    first = None
    if sp.issparse(x) and np.isfinite(x.data).all():
        return empty, None
    for i in range(0, x.shape[0], _ROWS):
        block: Any = x[i : i + _ROWS]
        dense = block.toarray() if sp.issparse(block) else np.asarray(block)
        if np.isfinite(dense).all():
            continue
        empty[i : i + _ROWS] = nothing = np.isnan(dense).all(axis=1)
        bad = np.argwhere(np.logical_not(np.isfinite(dense) | nothing[:, None]))
        if first is None and len(bad):
            first = i + int(bad[0, 0]), int(bad[0, 1])
    return empty, first


def looks_like_counts(values: np.ndarray) -> bool:
    """Whether mean rows are beyond any logarithm of counts, or whole numbers."""
    rows = values[np.isfinite(values).any(axis=1)]
    return bool(len(rows)) and look(rows).kind in ("counts", "unclear")


def many_negative(values: np.ndarray) -> bool:
    """Whether more than a fifth of the values is negative; expression that a model predicts may well be like that."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (finite < 0).mean() > MANY_NEGATIVE)


# -- against the truth ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Agreement:
    """How the numbers of a prediction go with expression that was measured.

    Attributes
    ----------
    total
        Median over rows of the total expression (sum over genes of expm1), as a multiple of the truth's.
    correlation
        Median over rows of the Pearson correlation with control; NaN where no row varies.
    zeros
        Median over rows of the share of values that are exactly 0, beyond the truth's.
    """

    total: float
    correlation: float
    zeros: float = 0.0

    @property
    def same_total(self) -> bool:
        """Whether the totals agree to a factor of two."""
        return 1 / FACTOR <= self.total <= FACTOR

    @property
    def changes(self) -> bool:
        """Whether these are changes rather than expression.

        Another total and nothing of the control's profile; or far less expression, and mostly zeros.
        """
        unlike = not self.same_total and not self.correlation >= ALIKE
        return unlike or (self.total < 1 / FACTOR and self.zeros > MOSTLY_ZERO)

    @property
    def expression(self) -> bool:
        """Whether these are expression rather than changes: the truth's total and the control's profile."""
        return self.same_total and self.correlation >= CLEARLY_ALIKE

    def words(self) -> str:
        """Both figures, for a sentence."""
        related = (
            f"correlation with control {self.correlation:.2f}" if np.isfinite(self.correlation) else "no correlation"
        )
        zeros = f", {self.zeros:.0%} more zeros than there" if self.zeros > MOSTLY_ZERO else ""
        return f"total expression {self.total:.2f} x the truth's{zeros}, {related}"


def agreement(values: np.ndarray, truth: np.ndarray, control: np.ndarray) -> Agreement:
    """Compare predicted rows with measured expression.

    Parameters
    ----------
    values, truth
        (rows, genes); rows that hold NaN do not count.
    control
        (rows of ``values``, genes) measured control; rows that hold NaN are replaced by the mean of the truth.
    """
    truth = truth[np.isfinite(truth).all(axis=1)]
    measured = float(np.median(totals(truth))) if len(truth) else np.nan
    whole = np.isfinite(values).all(axis=1)
    values, control = values[whole], control[whole]
    if not len(values):
        return Agreement(np.nan, np.nan)
    typical = truth.mean(axis=0, dtype=np.float64) if len(truth) else np.zeros(values.shape[1])
    control = np.where(np.isfinite(control).all(axis=1, keepdims=True), control, typical.astype(np.float32))
    related = row_correlations(values, control)
    related = related[np.isfinite(related)]
    empty = float(np.median((values == 0).mean(axis=1)) - (np.median((truth == 0).mean(axis=1)) if len(truth) else 0))
    return Agreement(
        float(np.median(totals(values))) / max(measured, 1e-12),
        float(np.median(related)) if related.size else np.nan,
        empty,
    )


def odd_rows(values: np.ndarray, truth: np.ndarray | None = None) -> np.ndarray:
    """Rows whose total expression is on another scale than that of the other rows.

    Parameters
    ----------
    values
        (rows, genes), finite.
    truth
        The measured rows in the same order, of which each row is a multiple; None where these are measured.

    Returns
    -------
    Indices of rows whose total (or multiple of the truth's) is more than ``ROW_FACTOR`` times the median, or less than
    its inverse.
    """
    if len(values) < 3:
        return np.empty(0, int)
    ratio = totals(values) / (1.0 if truth is None else np.maximum(totals(truth), 1e-12))
    typical = np.median(ratio)
    if not (np.isfinite(typical) and typical > 0):
        return np.empty(0, int)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(~((ratio >= typical / ROW_FACTOR) & (ratio <= typical * ROW_FACTOR)))


def totals(values: np.ndarray) -> np.ndarray:
    """Total expression of each row, the sum over genes of expm1: (rows, genes) -> (rows,) float64."""
    out = np.empty(len(values))
    with np.errstate(over="ignore"):
        for i in range(0, len(values), _ROWS):
            out[i : i + _ROWS] = np.expm1(values[i : i + _ROWS].astype(np.float64)).sum(axis=1)
    return out


def row_correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation of each row of ``a`` with the same row of ``b``; NaN where one of them does not vary."""
    out = np.full(len(a), np.nan)
    for i in range(0, len(a), _ROWS):
        x, y = (m[i : i + _ROWS].astype(np.float64) for m in (a, b))
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
        size = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        np.divide((x * y).sum(axis=1), size, out=out[i : i + _ROWS], where=size > 0)
    return out
