"""Shapley shares of a variance computed the long way: over all orders of the factors."""

from functools import cache
from itertools import permutations

import numpy as np


def brute_force_shapley(frame, values, weight, factors):
    """Average over all orders of the factors of what each adds to the variance of the conditional mean."""

    @cache
    def explained(given):
        given = sorted(given)
        have = ~np.isnan(values)
        w = weight[have] / weight[have].sum()
        y = values[have]
        if not given:
            return 0.0
        keys = [tuple(line) for line in frame.loc[have, given].to_numpy()]
        mass, total = {}, {}
        for key, weight_, value in zip(keys, w, y, strict=True):
            mass[key] = mass.get(key, 0) + weight_
            total[key] = total.get(key, 0) + weight_ * value
        mean = sum(total.values())
        return sum(mass[k] * (total[k] / mass[k] - mean) ** 2 for k in mass)

    effect = dict.fromkeys(factors, 0.0)
    orders = list(permutations(factors))
    for order in orders:
        for i, factor in enumerate(order):
            effect[factor] += explained(frozenset(order[: i + 1])) - explained(frozenset(order[:i]))
    return {f: e / len(orders) for f, e in effect.items()}
