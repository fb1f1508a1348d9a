"""Evaluation: the rows that are scored, one per seed, context and held-out perturbation, and values for them.

This is where baselines, references and predictions meet the split, so that whatever is fitted sees training rows only.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.memo import Memo, kept
from perturbviz.benchmark.perturbations import targets
from perturbviz.benchmark.splits import HELD_OUT, SPLIT_PARTS
from perturbviz.benchmark.value import ByIdentity
from perturbviz.errors import UserError
from perturbviz.scoring.baselines import BASELINES, baseline_ids
from perturbviz.scoring.references import Reference, perturbation_mean

TRUTHS = ("all", "half_a")
FEW = 25  # below one gene in so many, single values are read rather than whole rows
ROWS = 256  # read at once


def _all_nan(matrix: np.ndarray) -> np.ndarray:
    """Which rows hold nothing but NaN; looks at whole rows only where the first value is NaN."""
    out = np.isnan(matrix[:, 0])
    out[out] = np.isnan(matrix[out]).all(axis=1)
    return out


@dataclass(frozen=True, eq=False)
class Evaluation(ByIdentity):
    """The scored rows of one benchmark.

    Attributes
    ----------
    benchmark
        Where the values come from.
    parts
        Parts of the split that are scored, such as ("test", "val"); training rows are scored only on request.
    truth_from
        "all" cells, or "half_a": the mean of half of the cells, leaving the other half as a technical duplicate.
    """

    benchmark: Benchmark
    parts: tuple[str, ...] = HELD_OUT
    truth_from: str = "all"

    def __post_init__(self) -> None:
        """Refuse parts and truths that do not exist."""
        unknown = set(self.parts) - {*SPLIT_PARTS, "unassigned"}
        if unknown or not self.parts:
            raise UserError(
                f"Unknown split part {', '.join(sorted(unknown)) or '(none)'}: use train, val, test or all."
            )
        if self.truth_from not in TRUTHS or (self.truth_from != "all" and "half_a" not in self.benchmark.layers):
            raise UserError("This data set holds no half-cell means, so half of the cells cannot be the truth.")

    @cached_property
    def identity(self) -> tuple[Hashable, ...]:
        """The benchmark, the parts and the truth: evaluations that share them are equal."""
        return self.benchmark.identity, tuple(self.parts), self.truth_from

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One line per scored row: seed, context, perturbation, n_perturbed, obs (row in the AnnData), block (int).

        Rows of one block (same seed and context) are the candidates of retrieval metrics.
        """
        b = self.benchmark
        observed = ~_all_nan(self.observed)
        frames = []
        for seed in b.seeds:
            obs = np.flatnonzero(np.isin(b.splits[seed], self.parts) & ~b.is_control & observed)
            frames.append(
                pd.DataFrame(
                    {
                        "seed": seed,
                        "context": b.row_contexts[obs],
                        "perturbation": b.conditions[obs],
                        "n_perturbed": b.n_perturbed[obs],
                        "obs": obs,
                    }
                )
            )
        rows = pd.concat(frames, ignore_index=True)
        rows["block"] = rows.groupby(["seed", "context"], sort=False).ngroup()
        return rows

    @cached_property
    def memo(self) -> Memo:
        """What else is derived from this evaluation once and kept."""
        return Memo()

    @cached_property
    def observed(self) -> np.ndarray:
        """Observed values over all rows of the AnnData, float32: what :meth:`truth` reads."""
        return self.benchmark.truth if self.truth_from == "all" else self.benchmark.layers["half_a"]

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Methods of the file, then the baselines that apply."""
        return (*self.benchmark.methods, *baseline_ids(self.benchmark))

    def name(self, method: str) -> str:
        """Display name of a method, baseline or control."""
        return BASELINES[method].name if method in BASELINES else self.benchmark.display_name(method)

    def is_baseline(self, method: str) -> bool:
        """Whether ``method`` is one of the built-in baselines."""
        return method in BASELINES

    # -- values ----------------------------------------------------------------------------------------------------
    def matrix(self, method: str, seed: str) -> np.ndarray | None:
        """Predictions over all rows of the AnnData, float32, as :meth:`prediction` reads them; None: none."""
        if method not in BASELINES:
            return self.benchmark.prediction(method, seed)
        # combinations depend on the seed only through the set of training singles
        b = self.benchmark
        train = b.splits[seed] == "train"
        key_rows = train & (b.n_perturbed == 1) if BASELINES[method].doubles_only else train
        key = ("baseline", method, key_rows.tobytes() if len(b.seeds) > 1 else b"")
        return self.memo.once(key, lambda: BASELINES[method].predict(b, seed))

    def gather(self, matrix: np.ndarray, obs: np.ndarray, genes: np.ndarray | None) -> np.ndarray:
        """Rows ``obs`` of any matrix (.., G), float64; ``genes`` as in :meth:`truth`."""
        # not np.take on the matrix: it copies all of it first where it is not aligned (mapped from a file) or not
        # contiguous
        if genes is None:
            return matrix[obs].astype(np.float64)
        if genes.shape[-1] * FEW < matrix.shape[-1]:
            return matrix[obs[:, None], genes].astype(np.float64)
        out = np.empty((len(obs), genes.shape[-1]))
        for start in range(0, len(obs), ROWS):
            here = slice(start, start + ROWS)
            lines = matrix[obs[here]]
            out[here] = (
                np.take(lines, genes, axis=1) if genes.ndim == 1 else np.take_along_axis(lines, genes[here], axis=1)
            )
        return out

    def truth(self, rows: np.ndarray | None = None, genes: np.ndarray | None = None) -> np.ndarray:
        """Observed values, float64: (R, n).

        Parameters
        ----------
        rows
            Positions in ``self.rows``; all where None.
        genes
            Column numbers: (n,) shared by all rows, or (R, n) one set a row; all genes where None.
        """
        obs = self.rows["obs"].to_numpy()
        return self.gather(self.observed, obs if rows is None else obs[rows], genes)

    def prediction(self, method: str, rows: np.ndarray | None = None, genes: np.ndarray | None = None) -> np.ndarray:
        """Predicted values, float64: (R, n), NaN rows where nothing is predicted. Arguments as in :meth:`truth`."""
        frame = self.rows if rows is None else self.rows.iloc[rows]
        obs, seeds = frame["obs"].to_numpy(), frame["seed"].to_numpy()
        n = self.benchmark.adata.n_vars if genes is None else genes.shape[-1]
        out = np.full((len(frame), n), np.nan)
        for seed in pd.unique(seeds):
            here = np.flatnonzero(seeds == seed)
            matrix = self.matrix(method, seed)
            if matrix is not None:
                out[here] = self.gather(matrix, obs[here], genes if genes is None or genes.ndim == 1 else genes[here])
        return out

    def reference(
        self,
        kind: Reference,
        rows: np.ndarray | None = None,
        genes: np.ndarray | None = None,
        include_held_out: bool = False,
    ) -> np.ndarray:
        """The vector to subtract, float64: (R, n) (a view of zeros for "none")."""
        frame = self.rows if rows is None else self.rows.iloc[rows]
        n = self.benchmark.adata.n_vars if genes is None else genes.shape[-1]
        if kind == "none":
            return np.broadcast_to(np.float64(0), (len(frame), n))
        vectors = self.vectors(kind, include_held_out)
        return self.gather(vectors, frame["block"].to_numpy(), genes)

    @kept
    def vectors(self, kind: Reference, include_held_out: bool) -> np.ndarray:
        """The "control" or "perturbation" mean of every block, in the order of their numbers: (blocks, G) float32."""
        b = self.benchmark
        blocks = self.rows.drop_duplicates("block").sort_values("block")
        vectors = [
            b.control(r.context) if kind == "control" else perturbation_mean(b, r.seed, r.context, include_held_out)
            for r in blocks.itertuples()
        ]
        return np.array(vectors, np.float32).reshape(len(blocks), b.adata.n_vars)

    def predicted(self, method: str) -> np.ndarray:
        """Which rows a method predicts: (R,) bool. A row is not predicted where all its genes are NaN."""
        first = self.prediction(method, genes=np.array([0]))[:, 0]
        missing = np.flatnonzero(np.isnan(first))
        if len(missing):
            first[missing] = np.where(np.isnan(self.prediction(method, missing)).all(axis=1), np.nan, 0)
        return ~np.isnan(first)

    @cached_property
    def target_columns(self) -> list[np.ndarray]:
        """For every scored row the columns of its perturbed genes, where they are measured."""
        position = {g: i for i, g in enumerate(self.benchmark.genes)}
        return [
            np.array([position[t] for t in targets(p) if t in position], dtype=np.intp)
            for p in self.rows["perturbation"]
        ]
