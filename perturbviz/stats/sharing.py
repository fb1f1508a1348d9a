"""Which units share a target, in a form in which sums over all pairs that do are cheap.

S (units x units) is 1 where two units have a target in common. For sets of targets T, inclusion and exclusion give
S_ij = sum over the non-empty subsets A of both T_i and T_j of (-1)^(|A| + 1), so that S = L R' with one column for each
subset of a unit's targets: three columns a double, seven a triple, whatever the number of units that share a target.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy import sparse

#: Targets of a unit up to which its subsets are listed (255); beyond, pairs of units are.
MOST_TARGETS = 8


@dataclass(frozen=True, eq=False)
class Sharing:
    """Targets of units, and who shares one.

    Attributes
    ----------
    targets
        Names of the targets, the columns of ``member``.
    member
        (units, targets) 1 where a unit has a target.
    left, right
        (units, columns) with ``left @ right.T`` = 1 where two units share a target, 0 elsewhere.
    """

    targets: tuple[str, ...]
    member: sparse.csr_array
    left: sparse.csr_array = field(repr=False)
    right: sparse.csr_array = field(repr=False)

    def __len__(self) -> int:
        """Number of units."""
        return self.member.shape[0]

    def quadratic(self, u: np.ndarray) -> np.ndarray:
        """Sums of u_ki u_lj over all pairs of units i, j that share a target (i = j included): (k, units) -> (k, k)."""
        return (self.left.T @ u.T).T @ (self.right.T @ u.T)

    def squares(self, u: np.ndarray) -> np.ndarray:
        """The diagonal of :meth:`quadratic`: (k, units) -> (k,)."""
        return ((self.left.T @ u.T) * (self.right.T @ u.T)).sum(axis=0)

    def common(self, used: np.ndarray) -> tuple[str, ...]:
        """Targets that every used unit has (bool mask over units)."""
        every = np.asarray(self.member[used].sum(axis=0)).ravel() == used.sum()
        return tuple(t for t, yes in zip(self.targets, every, strict=True) if yes)

    def n_targets(self, used: np.ndarray) -> int:
        """Distinct targets among the used units (bool mask)."""
        return int((np.asarray(self.member[used].sum(axis=0)).ravel() > 0).sum())

    def shared(self, used: np.ndarray) -> bool:
        """Whether any two of the used units share a target."""
        return bool((np.asarray(self.member[used].sum(axis=0)).ravel() > 1).any())

    def correction(self, weight: np.ndarray) -> float:
        """Finite-sample constant c of the variance of a mean with these weights (units,), which sum to 1.

        Residuals are centred at the mean, so that their sums over sharing pairs are too small. With B = ``member`` and
        X = diag(w) (B - 1 w'B), c = |B'w|² / tr(X'SX) is exact where values are sums of effects of targets: for all
        pairs of G targets G (G - 1) / ((G - 2) (G - 3)), for singles n / (n - 1). NaN where all units share a target.
        """
        total = self.member.T @ weight
        weighted = sparse.diags_array(weight) @ self.member
        ends = []
        for side in (self.left, self.right):
            ends.append(((side.T @ weighted).tocsr(), side.T @ weight))
        (of_left, q_left), (of_right, q_right) = ends
        norm = float(total @ total)
        trace = float(of_left.multiply(of_right).sum() - q_right @ (of_left @ total) - q_left @ (of_right @ total))
        trace += float(q_left @ q_right) * norm
        return norm / trace if trace >= 1e-9 * norm else np.nan


@lru_cache(maxsize=16)
def share_targets(sets: tuple[tuple[str, ...], ...]) -> Sharing:
    """The sharing of units with these sets of targets; a unit without any shares with nobody."""
    cleaned = [tuple(dict.fromkeys(s)) or (f"\0{i}",) for i, s in enumerate(sets)]
    code = {t: i for i, t in enumerate(dict.fromkeys(t for s in cleaned for t in s))}
    coded = [np.sort([code[t] for t in s]) for s in cleaned]
    size = np.array([len(c) for c in coded], int)
    member = _incidence(np.repeat(np.arange(len(coded)), size), np.concatenate([*coded, np.zeros(0, int)]), len(code))
    member.resize(len(coded), len(code))
    if size.max(initial=1) == 1:
        return Sharing(tuple(code), member, member, member)
    if size.max() > MOST_TARGETS:
        left = sparse.csr_array((member @ member.T) > 0).astype(float)
        return Sharing(tuple(code), member, left, sparse.eye_array(len(coded), format="csr"))
    left, right = _subsets(coded, size)
    return Sharing(tuple(code), member, left, right)


def _incidence(rows: np.ndarray, columns: np.ndarray, n: int) -> sparse.csr_array:
    n_rows = int(rows.max(initial=-1)) + 1
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_rows, n))


def _subsets(coded: list[np.ndarray], size: np.ndarray) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Units x non-empty subsets of targets, with signs on the left."""
    by_size = {k: np.flatnonzero(size == k) for k in np.unique(size)}
    stacked = {k: np.stack([coded[i] for i in at]) for k, at in by_size.items()}
    blocks, signs = [], []
    for s in range(1, int(size.max()) + 1):
        units, found = [], []
        for k, at in by_size.items():
            for columns in combinations(range(k), s):
                units.append(at)
                found.append(stacked[k][:, columns])
        subset, column = np.unique(np.concatenate(found), axis=0, return_inverse=True)
        block = _incidence(np.concatenate(units), column.ravel(), len(subset))
        block.resize(len(coded), len(subset))
        blocks.append(block)
        signs.append(np.full(len(subset), (-1.0) ** (s + 1)))
    right = sparse.csr_array(sparse.hstack(blocks))
    return sparse.csr_array(right @ sparse.diags_array(np.concatenate(signs))), right
