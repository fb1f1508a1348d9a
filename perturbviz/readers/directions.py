"""Which way a column of scores is better: a table of known columns for each source, the name alone as a last resort."""

from __future__ import annotations

from collections.abc import Mapping

#: Source -> column -> what is known of it, as in :class:`perturbviz.benchmark.scoretable.ScoreTable`.
KNOWN: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "Ahlmann-Eltze": {
        "l2": {"name": "L2", "better": "lower", "card": "l2"},
        "r2": {
            "name": "Pearson",
            "better": "higher",
            "card": "pearson",
            "note": 'Column "r2": a correlation, not squared.',
        },
        "r2_delta": {
            "name": "Pearson delta",
            "better": "higher",
            "card": "pearson_delta",
            "note": 'Column "r2_delta": a correlation, not squared.',
        },
    },
    "scPerturBench": {
        "pearson_distance": {
            "name": "Pearson delta",
            "better": "higher",
            "card": "pearson_delta",
            "zero": "0 or less, or undefined: the table is cut off at 0",
            "note": 'Column "pearson_distance": 1 − distance, so higher is better in spite of its name; cut off at 0.',
        },
        "mse": {"name": "MSE", "better": "lower", "card": "mse"},
        "edistance": {"name": "E-distance", "better": "lower", "note": "Between predicted and observed cells."},
        "wasserstein": {
            "name": "Wasserstein distance",
            "better": "lower",
            "note": "Between predicted and observed cells.",
        },
        "sym_kldiv": {
            "name": "Symmetric KL divergence",
            "better": "lower",
            "note": "log2(1 + KL) of predicted and observed cells.",
        },
    },
    "Scouter": {
        "NormMSE": {
            "name": "Normalised MSE",
            "better": "lower",
            "note": "MSE over that of no change: 1 is no better than saying nothing.",
        },
        "1-PCC": {"name": "1 − Pearson delta", "better": "lower", "note": "Column 1-PCC."},
    },
}
#: Plain names of metrics that mean the same everywhere.
PLAIN = {
    **dict.fromkeys(("mse", "rmse", "mae", "l1", "l2", "wmse"), "lower"),
    **dict.fromkeys(
        ("pearson", "pearson_delta", "spearman", "spearman_delta", "cosine", "r2", "auroc", "auprc"), "higher"
    ),
}
_LOWER = ("mse", "mae", "rmse", "l1", "l2", "edistance", "wasserstein", "distance", "error", "divergence")


def direction(metric: str, source: str = "") -> dict[str, str]:
    """What is known about a column: ``better``, ``name``, ``note``, and ``card`` and ``zero`` where they are known."""
    if metric in KNOWN.get(source, {}):
        return dict(KNOWN[source][metric])
    if metric.lower() in PLAIN:
        return {"name": metric, "better": PLAIN[metric.lower()]}
    lower = any(part in metric.lower() for part in _LOWER) and "discrimination" not in metric.lower()
    better = "lower" if lower else "higher"
    return {"name": metric, "better": better, "note": f"Direction ({better} is better) guessed from its name."}
