"""Tables of other tools' scores: cell-eval, scPerturBench, CellSimBench, and metrics files without conditions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import parse_condition
from perturbviz.benchmark.scoretable import COLUMNS, ScoreTable
from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Reader
from perturbviz.readers.check import plural
from perturbviz.readers.directions import direction
from perturbviz.readers.jsonfile import read_json
from perturbviz.readers.matrix import read_table
from perturbviz.readers.safety import check_text

_SPB = {"method", "cor", "DataSet", "op"}
_NEEDS = "Metrics, not predictions: the predicted value of every gene and condition is needed to measure anything else."


def header(path: Path) -> list[str]:
    """Column names of a CSV or TSV file; none of anything else."""
    if not path.is_file() or path.suffix not in (".csv", ".tsv"):
        return []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        line = file.readline(20_000).rstrip("\r\n")
    return next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])


# -- scPerturBench -------------------------------------------------------------------------------------------------
def recognise_scperturbench(path: Path) -> bool:
    """Columns method, cor, DataSet, op."""
    return set(header(path)) >= _SPB


def read_scperturbench(path: Path, options: Options) -> Loaded:
    """cor is the raw Pearson delta; *_score columns are min-max scaled within perturbation and split, 1 = best."""
    check_text(path)
    table = pd.read_csv(path)
    again = table.duplicated(["method", "DataSet", "op"])
    table = table[~again]
    where = table["op"].astype(str).str.rpartition("_")
    metrics = {"cor": {"name": "Pearson delta", "better": "higher", "card": "pearson_delta", "note": "Column cor."}}
    for column in table.columns:
        if column.endswith("_score"):
            metrics[column] = {
                "name": f"{column.removesuffix('_score')}, scaled",
                "better": "higher",
                "note": "Min-max scaled within each perturbation and split, 1 = best: errors cannot be recovered.",
            }
        elif column.lower().startswith("rank") or column.endswith("_rank"):
            metrics[column] = {"name": f"{column}, as published", "better": "lower", "note": "Rank among the methods."}
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "method": table["method"].astype(str),
                    "seed": where[2],
                    "context": table["DataSet"].astype(str),
                    "perturbation": [parse_condition(p) or str(p) for p in where[0]],
                    "metric": metric,
                    "reference": "control" if metric == "cor" else "published",
                    "genes": "de:100",
                    "n_genes": 100,
                    "value": pd.to_numeric(table[metric], errors="coerce"),
                }
            )
            for metric in metrics
        ],
        ignore_index=True,
    )[COLUMNS]
    key = [c for c in COLUMNS if c not in ("value", "n_genes")]
    same = frame.duplicated(key)  # names that become one, such as A+B and B+A
    undefined = int(frame["value"].isna().sum())
    notes = [f"{plural(len(table), 'line')} of {plural(frame['method'].nunique(), 'method')} read.", _NEEDS]
    if n := int(again.sum() + (same.sum() // max(len(metrics), 1))):
        notes.append(f"{plural(n, 'line')} left out, whose method, data set, perturbation and split came before.")
    if undefined:
        notes.append(f"{plural(undefined, 'value')} empty or no number: undefined, not 0.")
    frame = frame[~same]
    scores = ScoreTable(
        frame,
        metrics,
        {m: m for m in sorted(frame["method"].unique())},
        "scPerturBench",
        (
            "Scores as published. Its Rank columns average ranks over perturbations and differ from the rank of a "
            "mean score. "
        )
        + " ".join(n for n in notes if n != _NEEDS),
        {"file": path.name},
    )
    return Loaded(scores=scores, title="scPerturBench", notes=tuple(notes))


# -- cell-eval -----------------------------------------------------------------------------------------------------
def recognise_cell_eval(path: Path) -> bool:
    """[agg_]results.csv of cell-eval: first column perturbation or statistic."""
    names = header(path)
    return len(names) > 1 and (
        (names[0] == "perturbation" and path.name.endswith("results.csv")) or names[0] == "statistic"
    )


def read_cell_eval(path: Path, options: Options) -> Loaded:
    """One line a perturbation; the aggregated file has no perturbations and is refused with what is missing."""
    table = read_table(path)
    if table.columns[0] == "statistic":
        raise UserError(
            f"{path.name} is cell-eval's summary (count, mean, std, ...): it holds metrics, not predictions, and "
            "no line a perturbation. Load results.csv, or the predictions themselves (pred.h5ad)."
        )
    context = path.name.removesuffix("results.csv").rstrip("_") or "all"
    return Loaded(
        scores=_wide(table, path.stem, "cell-eval", context, "cell-eval results"),
        title="cell-eval results",
        notes=(_NEEDS,),
    )


def _wide(table: pd.DataFrame, method: str, source: str, context: str, title: str) -> ScoreTable:
    """One column a metric, one line a perturbation."""
    names = [c for c in table.columns[1:] if pd.api.types.is_numeric_dtype(table[c])]
    frame = table.melt(id_vars=[table.columns[0]], value_vars=names, var_name="metric", value_name="value")
    frame = frame.rename(columns={table.columns[0]: "perturbation"})
    frame["perturbation"] = [parse_condition(p) or str(p) for p in frame["perturbation"]]
    frame = frame.assign(method=method, seed="", context=context, reference="published", genes="published", n_genes=0)[
        COLUMNS
    ]
    return ScoreTable(
        frame,
        {m: direction(m) for m in names},
        {method: method},
        title,
        f"Scores as {source} wrote them; their definitions, references and genes are those of {source}.",
    )


# -- long and wide tables -------------------------------------------------------------------------------------------
#: What a column means -> how tables call it, lower case.
_CALLED = {
    "method": ("method", "model", "system"),
    "perturbation": ("perturbation", "condition", "perturb"),
    "metric": ("metric",),
    "value": ("value", "score", "performance"),
    "seed": ("seed", "split", "fold"),
    "context": ("context", "cell_line", "cell_type", "dataset", "data_set"),
}


def _columns(names: list[str]) -> dict[str, str]:
    """Meaning -> column of a table; the first one that is called so."""
    lower = {name.lower(): name for name in reversed(names)}
    return {
        meaning: next(lower[word] for word in words if word in lower)
        for meaning, words in _CALLED.items()
        if any(word in lower for word in words)
    }


def recognise_detailed(path: Path) -> bool:
    """Columns of methods and perturbations, and either metric and value (long) or a column a metric (wide)."""
    names = header(path)
    found = _columns(names)
    return {"method", "perturbation"} <= set(found) and ({"metric", "value"} <= set(found) or len(names) <= 60)


def read_detailed(path: Path, options: Options) -> Loaded:
    """A long table (metric and value, as CellSimBench's detailed_metrics.csv) or a wide one (one column a metric)."""
    table = read_table(path)
    found = _columns([str(c) for c in table.columns])
    keys = {meaning: found[meaning] for meaning in ("method", "perturbation", "seed", "context") if meaning in found}
    if not {"metric", "value"} <= set(found):
        numbers = [c for c in table.columns if c not in keys.values() and pd.api.types.is_numeric_dtype(table[c])]
        numbers = [c for c in numbers if not str(c).startswith("Unnamed")]
        if not numbers:
            raise UserError(
                f"{path.name} names methods and perturbations but holds no column of numbers: add one a metric."
            )
        table = table.melt(id_vars=list(keys.values()), value_vars=numbers, var_name="metric", value_name="value")
        found |= {"metric": "metric", "value": "value"}
    frame = pd.DataFrame(
        {
            "method": table[keys["method"]].astype(str),
            "seed": table[keys["seed"]].astype(str) if "seed" in keys else "",
            "context": table[keys["context"]].astype(str) if "context" in keys else "all",
            "perturbation": [parse_condition(p) or str(p) for p in table[keys["perturbation"]]],
            "metric": table[found["metric"]].astype(str),
            "reference": "published",
            "genes": "published",
            "n_genes": 0,
            "value": pd.to_numeric(table[found["value"]], errors="coerce"),
        }
    )[COLUMNS]
    metrics = {m: direction(m) for m in frame["metric"].unique()}
    title = "CellSimBench scores" if path.name == "detailed_metrics.csv" else path.stem
    guessed = [m for m, known in metrics.items() if "guessed" in known.get("note", "")]
    notes = [_NEEDS]
    if guessed:
        notes.append(f"Whether lower or higher is better is guessed from the name of {', '.join(guessed)}.")
    scores = ScoreTable(frame, metrics, {m: m for m in frame["method"].unique()}, title)
    return Loaded(scores=scores, title=title, notes=tuple(notes))


# -- metrics without conditions ------------------------------------------------------------------------------------
def recognise_metrics_json(path: Path) -> bool:
    """test_metrics.json and the like: names of metrics with numbers, or conditions with such."""
    if path.suffix != ".json" or not path.is_file() or path.stat().st_size > 5_000_000:
        return False
    try:
        content = read_json(path)
    except UserError:
        return False
    return (
        isinstance(content, dict)
        and bool(content)
        and (
            all(isinstance(v, int | float) for v in content.values())
            or all(
                isinstance(v, dict) and v and all(isinstance(x, int | float) for x in v.values())
                for v in content.values()
            )
        )
    )


def read_metrics_json(path: Path, options: Options) -> Loaded:
    """Per-condition metrics become a score table; averages alone are refused with what is missing."""
    content = read_json(path)
    if not all(isinstance(v, dict) for v in content.values()):
        raise UserError(
            f"{path.name} holds metrics ({', '.join(list(content)[:4])}), not predictions. To add the method, save the "
            "dictionary that its predict() or evaluate() returns (conditions x genes)."
        )
    table = pd.DataFrame.from_dict(content, orient="index").replace({None: np.nan})
    table.insert(0, "perturbation", table.index)
    return Loaded(scores=_wide(table, path.stem, "its system", "all", path.stem), title=path.stem, notes=(_NEEDS,))


def _reader(id_: str, name: str, summary: str, recognise, read) -> Reader:
    return Reader(
        id=id_,
        name=name,
        summary=summary,
        separator='"+"',
        value_space="scores",
        granularity="scores",
        gene_ids="none",
        recognise=recognise,
        read=read,
    )


SCPERTURBENCH = _reader(
    "scperturbench",
    "scPerturBench scores",
    "Score table with columns method, cor, *_score, Rank_*, DataSet, op.",
    recognise_scperturbench,
    read_scperturbench,
)
CELL_EVAL = _reader(
    "cell-eval-scores",
    "cell-eval scores",
    "results.csv (one line a perturbation); agg_results.csv is explained.",
    recognise_cell_eval,
    read_cell_eval,
)
DETAILED = _reader(
    "cellsimbench-scores",
    "Table of scores (CellSimBench, your own)",
    "Long (method or model, perturbation, metric, value) or wide (method, perturbation, one column a metric).",
    recognise_detailed,
    read_detailed,
)
METRICS = _reader(
    "metrics-json",
    "Metrics file (scGPT, scEval, GEARS)",
    "test_metrics.json: recognised as metrics; per-condition ones become a score table.",
    recognise_metrics_json,
    read_metrics_json,
)
