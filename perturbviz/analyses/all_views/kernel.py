"""The compiled loop of the sweep: running totals over a gene ordering of one row, read once.

The same sums as matrix products and ``np.add.reduceat`` need ordered copies of every line and hold the interpreter lock
for a good part of the time, so that a second processor did not help. Importing this module imports numba, which takes
half a second: it is imported where a sweep begins.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from perturbviz.stats.compiled import compiled

#: Genes whose values are gathered at once; small enough for all of them to stay in the first cache.
CHUNK = 256

_loop = partial(compiled, fastmath={"reassoc", "contract", "nsz"})
_part = partial(_loop, inline="always")  # as if it stood where it is called: a call costs a tenth of a sweep


@_loop
def kernel(x, y, changes, w, order, sizes, targets, errors, truths):  # pragma: no cover - compiled
    """Sums over the first genes of an ordering, for every number of genes, with and without the targets.

    Parameters
    ----------
    x, y
        (methods, G) and (G,) float64, predictions and truth.
    changes
        (references, G) float64, y - reference.
    w
        (G,) float64 weights, or empty.
    order, sizes
        (G,) positions of the genes in their order; (J,) numbers of genes, ascending.
    targets
        Positions of the targets.
    errors, truths
        (methods, statistics, 2 J) and (statistics, 2 J), written: first the J sums with targets, then the J without.
        The order of statistics is that of ``analyses.all_views.sums``.
    """
    k, n_sizes = changes.shape[0], sizes.size
    where = _places(order, targets)
    blank = np.empty_like(where)  # those in the chunk, counted from its start; the first ``holes`` count
    index, d, yy, ww = np.empty(CHUNK, np.int64), np.empty(CHUNK), np.empty(CHUNK), np.empty(CHUNK)
    z, wz = np.empty((k, CHUNK)), np.empty((k, CHUNK))
    error, truth = np.zeros(errors.shape[:2]), np.zeros(truths.shape[0])
    start, passed = 0, 0
    for j in range(n_sizes):
        while start < sizes[j]:
            n = min(CHUNK, sizes[j] - start)
            holes = 0
            while passed < where.size and where[passed] < start + n:
                blank[holes] = where[passed] - start
                passed, holes = passed + 1, holes + 1
            for i in range(n):
                index[i] = order[start + i]
            _add_truths(y, changes, index, n, blank, holes, yy, z, truth)
            if w.size > 0:
                _add_weighted_truths(w, z, index, n, blank, holes, ww, wz, truth)
            _add_errors(x, yy, z, ww, wz, index, n, blank, holes, w.size > 0, d, error)
            start += n
        errors[:, :, j], errors[:, :, n_sizes + j] = error, error
        truths[:, j], truths[:, n_sizes + j] = truth, truth
        _add_targets(x, y, changes, w, order, where, sizes[j], j, n_sizes, errors, truths)


@_loop
def _places(order, targets):  # pragma: no cover - compiled
    """Ascending places of the targets in the ordering."""
    where = np.empty(targets.size, np.int64)
    found = 0
    for p in range(order.size if targets.size else 0):
        for t in targets:
            if order[p] == t:
                where[found] = p
                found += 1
    return where[:found]


@_part
def _add_truths(y, changes, index, n, blank, holes, yy, z, truth):  # pragma: no cover - compiled
    """Gather the truth ``yy`` and the changes ``z`` of n genes, targets zero, and add the sums of the changes."""
    for i in range(n):
        yy[i] = y[index[i]]
    for r in range(z.shape[0]):
        for i in range(n):
            z[r, i] = changes[r, index[i]]
        for i in range(holes):
            z[r, blank[i]] = 0
        s, q = 0.0, 0.0
        for i in range(n):
            s += z[r, i]
            q += z[r, i] * z[r, i]
        truth[2 * r] += s
        truth[2 * r + 1] += q


@_part
def _add_weighted_truths(w, z, index, n, blank, holes, ww, wz, truth):  # pragma: no cover - compiled
    """Gather the weights ``ww`` and weighted changes ``wz``, targets zero, and add their sums."""
    k = z.shape[0]
    for i in range(n):
        ww[i] = w[index[i]]
    for i in range(holes):
        ww[blank[i]] = 0
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


@_part
def _add_errors(x, yy, z, ww, wz, index, n, blank, holes, weighted, d, error):  # pragma: no cover - compiled
    """Gather the errors ``d`` of one method after another, targets zero, and add their sums."""
    k = z.shape[0]
    for m in range(x.shape[0]):
        for i in range(n):
            d[i] = x[m, index[i]] - yy[i]
        for i in range(holes):
            d[blank[i]] = 0
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


@_part
def _add_targets(x, y, changes, w, order, where, size, j, n_sizes, errors, truths):  # pragma: no cover - compiled
    """Add what each target among the first genes counts: itself, or the gene that takes its place without it."""
    following = size
    for p in where:
        if p >= size:
            break
        while following < order.size and (where == following).any():
            following += 1
        _add_gene(x, y, changes, w, order[p], j, errors, truths)
        if following < order.size:
            _add_gene(x, y, changes, w, order[following], n_sizes + j, errors, truths)
            following += 1


@_part
def _add_gene(x, y, changes, w, gene, column, errors, truths):  # pragma: no cover - compiled
    """Add one gene to the sums of one column."""
    k = changes.shape[0]
    weighted = w.size > 0
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
    for m in range(x.shape[0]):
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
