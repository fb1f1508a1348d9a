"""The compiled loop of the sweep: running totals over a gene ordering of one row, read once.

The same sums as matrix products and ``np.add.reduceat`` need ordered copies of every line and hold the interpreter lock
for a good part of the time, so that a second processor did not help.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from perturbviz.stats.compiled import compiled

#: Genes whose values are gathered at once; small enough for all of them to stay in the first cache.
CHUNK = 256


@lru_cache(maxsize=1)
def load_kernel() -> Callable[..., None]:
    """``kernel(x, y, changes, w, order, sizes, targets, errors, truths)``, compiled.

    x (methods, G), y (G,) float64, changes y - r (references, G) float64, w (G,) float64 or empty, order (G,)
    positions, sizes (J,) ascending, targets positions. Writes errors (methods, statistics, 2 J) and truths (statistics,
    2 J): first the J sums with targets, then the J without. The order of statistics is that of
    ``analyses.all_views.sums``.
    """
    chunk = CHUNK

    def kernel(x, y, changes, w, order, sizes, targets, errors, truths):  # pragma: no cover - compiled
        n_methods, g = x.shape
        k, n_sizes, weighted = changes.shape[0], sizes.size, w.size > 0
        where = np.empty(targets.size, np.int64)  # ascending positions of the targets in the ordering
        found = 0
        for p in range(g if targets.size else 0):
            for t in targets:
                if order[p] == t:
                    where[found] = p
                    found += 1
        where = where[:found]
        index, d, yy, ww = np.empty(chunk, np.int64), np.empty(chunk), np.empty(chunk), np.empty(chunk)
        z, wz = np.empty((k, chunk)), np.empty((k, chunk))
        error, truth = np.zeros(errors.shape[:2]), np.zeros(truths.shape[0])
        start, passed = 0, 0
        for j in range(n_sizes):
            while start < sizes[j]:
                n = min(chunk, sizes[j] - start)
                first = passed
                while passed < found and where[passed] < start + n:
                    passed += 1
                for i in range(n):
                    index[i] = order[start + i]
                for i in range(n):
                    yy[i] = y[index[i]]
                for r in range(k):
                    for i in range(n):
                        z[r, i] = changes[r, index[i]]
                    for p in where[first:passed]:
                        z[r, p - start] = 0
                    s, q = 0.0, 0.0
                    for i in range(n):
                        s += z[r, i]
                        q += z[r, i] * z[r, i]
                    truth[2 * r] += s
                    truth[2 * r + 1] += q
                if weighted:
                    for i in range(n):
                        ww[i] = w[index[i]]
                    for p in where[first:passed]:
                        ww[p - start] = 0
                    s = 0.0
                    for i in range(n):
                        s += ww[i]
                    truth[2 * k] += s
                    for r in range(k):
                        s, q = 0.0, 0.0
                        for i in range(n):
                            v = ww[i] * z[r, i]
                            wz[r, i] = v
                            s += v
                            q += v * z[r, i]
                        truth[2 * k + 1 + 2 * r] += s
                        truth[2 * k + 2 + 2 * r] += q
                for m in range(n_methods):
                    for i in range(n):
                        d[i] = x[m, index[i]] - yy[i]
                    for p in where[first:passed]:
                        d[p - start] = 0
                    s, a, q = 0.0, 0.0, 0.0
                    for i in range(n):
                        s += d[i]
                        a += abs(d[i])
                        q += d[i] * d[i]
                    error[m, 0] += s
                    error[m, 1] += a
                    error[m, 2] += q
                    for r in range(k):
                        s = 0.0
                        for i in range(n):
                            s += d[i] * z[r, i]
                        error[m, 3 + r] += s
                    if weighted:
                        s, q = 0.0, 0.0
                        for i in range(n):
                            v = ww[i] * d[i]
                            s += v
                            q += v * d[i]
                        error[m, 3 + k] += s
                        error[m, 4 + k] += q
                        for r in range(k):
                            s = 0.0
                            for i in range(n):
                                s += d[i] * wz[r, i]
                            error[m, 5 + k + r] += s
                start += n
            errors[:, :, j], errors[:, :, n_sizes + j] = error, error
            truths[:, j], truths[:, n_sizes + j] = truth, truth
            following = sizes[j]
            for t in range(found):
                if where[t] >= sizes[j]:
                    break
                while following < g and (where == following).any():
                    following += 1
                for side in range(2):  # with targets: the target itself; without: the gene that takes its place
                    if side == 1 and following == g:
                        continue
                    gene = order[where[t] if side == 0 else following]
                    column = j + side * n_sizes
                    following += side
                    weight = w[gene] if weighted else 0.0
                    for r in range(k):
                        v = changes[r, gene]
                        truths[2 * r, column] += v
                        truths[2 * r + 1, column] += v * v
                        if weighted:
                            truths[2 * k + 1 + 2 * r, column] += weight * v
                            truths[2 * k + 2 + 2 * r, column] += weight * v * v
                    if weighted:
                        truths[2 * k, column] += weight
                    for m in range(n_methods):
                        v = x[m, gene] - y[gene]
                        errors[m, 0, column] += v
                        errors[m, 1, column] += abs(v)
                        errors[m, 2, column] += v * v
                        for r in range(k):
                            errors[m, 3 + r, column] += v * changes[r, gene]
                        if weighted:
                            errors[m, 3 + k, column] += weight * v
                            errors[m, 4 + k, column] += weight * v * v
                            for r in range(k):
                                errors[m, 5 + k + r, column] += weight * v * changes[r, gene]

    return compiled(kernel, fastmath={"reassoc", "contract", "nsz"})
