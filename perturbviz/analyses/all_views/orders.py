"""Gene orderings of the scored rows, each sorted once: by expression in control, and by observed change."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from perturbviz.scoring.evaluation import Evaluation
from perturbviz.scoring.genesets import descending, expression_order


@dataclass(eq=False)
class Orders:
    """Orderings of an evaluation's rows; those by observed change are kept after first use (2 or 4 bytes a gene)."""

    evaluation: Evaluation
    names: tuple[str, ...]
    _expression: np.ndarray | None = None
    _change: dict[int, np.ndarray] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        """Sort by expression once for all rows."""
        if "expressed" in self.names:
            self._expression = expression_order(self.evaluation)
        g = self.evaluation.benchmark.adata.n_vars
        self._dtype = np.uint16 if g <= np.iinfo(np.uint16).max else np.uint32
        self._obs = self.evaluation.rows["obs"].to_numpy()
        contexts = {c: i for i, c in enumerate(self.evaluation.benchmark.contexts)}
        self._context = np.array([contexts[c] for c in self.evaluation.rows["context"]], int)
        if "de" in self.names:
            self._control = [self.evaluation.benchmark.control(c) for c in contexts]

    def of_row(self, row: int) -> list[np.ndarray | None]:
        """Column numbers per ordering of a scored row (position in ``evaluation.rows``); None is file order."""
        return [self._one(name, row) for name in self.names]

    def _one(self, name: str, row: int) -> np.ndarray | None:
        if name == "all":
            return None
        if name == "expressed":
            assert self._expression is not None
            return self._expression[self._context[row]]
        obs = int(self._obs[row])
        known = self._change.get(obs)
        if known is not None:
            return known.astype(np.intp)
        order = descending(np.abs(self.evaluation.observed[obs] - self._control[self._context[row]]))
        with self._lock:
            self._change[obs] = order.astype(self._dtype)
        return order


def orderings(evaluation: Evaluation, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Which of the kinds of gene subsets mean something here; file order where none needs an ordering."""
    b = evaluation.benchmark
    names = tuple(
        k for k in ("expressed", "de") if k in kinds and (b.has_expression if k == "expressed" else b.has_control)
    )
    return names or ("all",)
