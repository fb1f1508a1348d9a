"""The one compiled loop: sum of x and of x squared per group of cells, straight from compressed sparse rows.

``indicator matrix @ values`` gives the same sums, but scipy builds the normalised values, their squares and two sparse
products in memory and holds the interpreter lock meanwhile, which costs ten times what reading the cells costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from perturbviz.stats.compiled import compiled


@lru_cache(maxsize=1)
def load_kernel() -> Callable[..., tuple[bool, bool, int]]:
    """The compiled loop; its code is kept beside this file, or where numba keeps it, after the first time.

    ``kernel(data, indices, indptr, row, totals, target_sum, low, high, target, cells)`` adds the cells numbered
    ``cells`` to ``target``, (rows, genes, 2) float64, cell i to row ``row[i]``. With ``target_sum`` > 0 values become
    ``log1p(value / total * target_sum)``; ``totals`` holds the totals of the cells, or nothing if they are to be summed
    here.

    Returns
    -------
    sound
        False if a column index lies outside the matrix; summing stopped there.
    outside
        Whether a value is outside ``low`` to ``high``, or NaN.
    n_empty
        Cells whose total is zero.
    """

    def kernel(data, indices, indptr, row, totals, target_sum, low, high, target, cells):  # pragma: no cover - compiled
        outside, n_empty = False, 0
        width = np.uint64(target.shape[1])
        for cell in cells:
            sums = target[row[cell]]
            scale = 0.0
            if target_sum > 0:
                total = 0.0
                if totals.size > 0:
                    total = totals[cell]
                else:
                    for i in range(indptr[cell], indptr[cell + 1]):
                        total += data[i]
                if total > 0:
                    scale = target_sum / total
                else:
                    n_empty += 1
            at, end = np.uint64(indptr[cell]), np.uint64(indptr[cell + 1])
            while at < end:
                j = np.uint64(indices[at])  # unsigned: a negative index is far too large
                if j >= width:
                    break
                x = np.float64(data[at])
                outside |= not ((x >= low) & (x <= high))
                if target_sum > 0:
                    x = np.log1p(x * scale)
                sums[j, 0] += x
                sums[j, 1] += x * x
                at += np.uint64(1)
            if at < end:
                return False, outside, n_empty
        return True, outside, n_empty

    return compiled(kernel)
