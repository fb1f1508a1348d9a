"""References: the vector subtracted from truth and prediction before they are compared.

Both sides always get the same, measured vector; control rows that a prediction file may bring are never used, since
whoever may choose the control of the prediction can move the score.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from perturbviz.benchmark import Benchmark

Reference = Literal["none", "control", "perturbation"]
REFERENCES: tuple[Reference, ...] = ("none", "control", "perturbation")

#: Reference of scores that somebody else computed and that do not say what was subtracted.
PUBLISHED = "published"
LABELS = {
    "none": "none",
    "control": "control mean",
    "perturbation": "perturbation mean",
    PUBLISHED: "as published",
}
MEANING = {
    "none": "Profiles are compared as they are.",
    "control": "The mean of the control cells is subtracted: what is compared is the change. Changes that all "
    "perturbations share (stress, cell cycle) count as signal.",
    "perturbation": "The unweighted mean of the training perturbations is subtracted (Systema): what is compared is "
    "what distinguishes a perturbation from the average one.",
}


def perturbation_mean(benchmark: Benchmark, seed: str, context: str, include_held_out: bool = False) -> np.ndarray:
    """Unweighted mean of the observed profiles of the training perturbations: (genes,) float32.

    Parameters
    ----------
    include_held_out
        Average over *all* perturbations instead. This leaks the truth of the tested ones into the reference.

    Returns
    -------
    The mean of Viñas Torné et al. (2025, "average of perturbation centroids"); what the file stores as
    ``pert_mean__<seed>`` where it holds no training rows; NaN where neither exists.
    """
    rows = ~benchmark.is_control & (benchmark.row_contexts == context)
    if not include_held_out:
        rows &= benchmark.splits[seed] == "train"
    observed = benchmark.truth[rows]
    observed = observed[~np.isnan(observed).any(axis=1)]
    if len(observed):
        return observed.mean(axis=0, dtype=np.float64).astype(np.float32)
    stored = benchmark.adata.varm.get(f"pert_mean__{seed or 'train'}")
    if stored is not None and context in stored:
        return stored[context].to_numpy(np.float32)
    return np.full(benchmark.adata.n_vars, np.nan, np.float32)
