"""Published tables of real systems' scores: Ahlmann-Eltze et al. 2025 Fig. 2 and supplement, scPerturBench, Scouter."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import CONTROL, parse_condition
from perturbviz.benchmark.scoretable import COLUMNS, ScoreTable
from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.check import plural
from perturbviz.readers.directions import KNOWN
from perturbviz.readers.nature_methods import METHODS, slug_of
from perturbviz.readers.safety import check_file, check_text, check_zip
from perturbviz.readers.scoretables import header
from perturbviz.stats import ranks

# -- Ahlmann-Eltze et al. 2025, Fig. 2: single perturbations ----------------------------------------------------------
_SINGLES = {"dataset_name", "seed", "method", "perturbation", "train", "r2", "r2_delta", "l2"}
_SCREENS = {
    "adamson": "Adamson",
    "replogle_k562_essential": "Replogle K562",
    "replogle_rpe1_essential": "Replogle RPE1",
}
#: Linear models whose embedding comes from the very screen they are scored on: (method, screen).
_OWN_SCREEN = (("lpm_k562PertEmb", "replogle_k562_essential"), ("lpm_rpe1PertEmb", "replogle_rpe1_essential"))
_AS_THERE = {"r2": ("pearson", "none"), "r2_delta": ("pearson_delta", "control"), "l2": ("l2", "none")}


def _sheets(path: Path) -> dict[str, list[str]]:
    """Names of a workbook's sheets with their columns; none where it is no workbook."""
    if path.suffix != ".xlsx" or not path.is_file() or not zipfile.is_zipfile(path):
        return {}
    try:
        check_file(path)
        check_zip(path)
        found = pd.read_excel(path, sheet_name=None, engine="openpyxl", nrows=0)
    except Exception:  # openpyxl raises many kinds for a damaged workbook
        return {}
    return {str(name): [str(c) for c in frame.columns] for name, frame in found.items()}


def _workbook(path: Path, sheets: list[str] | int) -> dict[str, pd.DataFrame] | pd.DataFrame:
    check_file(path)
    check_zip(path)
    try:
        return pd.read_excel(path, sheet_name=sheets, engine="openpyxl")
    except Exception as error:
        raise UserError(f"{path.name} cannot be read as a workbook ({type(error).__name__}).") from error


def recognise_singles(path: Path) -> bool:
    """A workbook with the sheets Panel A and Panel C and the columns of scores of single perturbations."""
    found = _sheets(path)
    return {"Panel A", "Panel C"} <= set(found) and all(set(found[s]) >= _SINGLES for s in ("Panel A", "Panel C"))


def read_singles(path: Path, options: Options) -> Loaded:
    """Panel A (7 methods) and panel C (16), held-out perturbations only, each screen and panel a context of its own."""
    sheets = _workbook(path, ["Panel A", "Panel C"])
    assert isinstance(sheets, dict)
    parts, dropped = [], 0
    for panel, rows in sheets.items():
        control = rows["perturbation"].map(parse_condition) == CONTROL
        seen = rows["train"] == "train"
        own = np.logical_or.reduce([(rows["method"] == m) & (rows["dataset_name"] == d) for m, d in _OWN_SCREEN])
        dropped += int((seen | control).sum())
        kept = rows[~control & ~seen & ~own]
        context = kept["dataset_name"].map(lambda d: _SCREENS.get(d, str(d))) + f", {panel[0].lower()}{panel[1:]}"
        parts.append(kept.assign(context=context))
    table = pd.concat(parts, ignore_index=True)
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "method": table["method"].map(slug_of),
                    "seed": table["seed"].astype(str),
                    "context": table["context"],
                    "perturbation": table["perturbation"].map(parse_condition),
                    "metric": metric,
                    "reference": reference,
                    "genes": "expressed:1000",
                    "n_genes": 1000,
                    "value": table[column].astype(float),
                }
            )
            for column, (metric, reference) in _AS_THERE.items()
        ],
        ignore_index=True,
    )[COLUMNS]
    known = KNOWN["Ahlmann-Eltze"]
    names = dict(METHODS.values())
    there = list(dict.fromkeys(frame["method"]))
    note = (
        "Scores as published, on the 1,000 genes highest in control. Panel A compares 7 methods, panel C 16 on the "
        f"perturbations that all of them predict. {dropped:,} lines of training perturbations and of control are left "
        "out. The two linear models whose embedding comes from the very screen they are scored on are left out there."
    )
    scores = ScoreTable(
        frame,
        {metric: dict(known[column]) for column, (metric, _) in sorted(_AS_THERE.items(), key=lambda i: i[1])},
        {m: names.get(m, m) for m in there},
        "Ahlmann-Eltze et al. 2025, Fig. 2: scores on single perturbations",
        note,
        {"file": path.name, "context": f"{_SCREENS['replogle_k562_essential']}, panel A"},
    )
    return Loaded(scores=scores, title=scores.title, notes=(note,))


# -- Ahlmann-Eltze et al. 2025, supplement: two genes -----------------------------------------------------------------
_TOP = {"perturbation", "gene_name", "baseline", "seed", "ground_truth", "ref", "method", "value", "pert_same_dir"}


def recognise_top_genes(path: Path) -> bool:
    """A workbook whose sheet has the columns of the supplement's two genes."""
    return any(set(columns) >= _TOP for columns in _sheets(path).values())


def read_top_genes(path: Path, options: Options) -> Loaded:
    """Truth, control, additive expectation and predictions of the genes as a benchmark of doubles."""
    table = _workbook(path, 0)
    assert isinstance(table, pd.DataFrame)
    genes = list(dict.fromkeys(table["gene_name"].astype(str)))
    first = table.drop_duplicates(["perturbation", "gene_name"])
    size = first.groupby("perturbation", sort=False).size()
    labels = [str(p) for p in size.index[size == len(genes)]]

    def values(rows: pd.DataFrame, column: str) -> np.ndarray:
        wide = rows.pivot(index="perturbation", columns="gene_name", values=column)
        return wide.reindex(index=labels, columns=genes).to_numpy(np.float32)

    control = first.groupby("gene_name")["baseline"].first().reindex(genes).to_numpy(np.float32)
    seed = str(table["seed"].iloc[0])
    predictions = {
        (slug_of(str(method)), seed): Profiles(values(rows, "value"), labels, genes)
        for method, rows in table.groupby("method", sort=False)
    }
    predictions[METHODS["additive_model"][0], seed] = Profiles(values(first, "ref"), labels, genes)
    return Loaded(
        truth=Profiles(np.vstack([control[None], values(first, "ground_truth")]), [CONTROL, *labels], genes),
        predictions=predictions,
        names=dict(METHODS.values()),
        splits={seed: dict.fromkeys(labels, "test")},
        value_space="lognorm",
        title=f"Ahlmann-Eltze et al. 2025, supplement: {' and '.join(genes)}",
        notes=(
            f"{plural(len(labels), 'double')} with all {len(genes)} genes; {len(size) - len(labels)} others lack one "
            "and are left out. A selected set, in which both singles move the gene the same way: no fair sample.",
        ),
    )


# -- scPerturBench, unseen cellular contexts --------------------------------------------------------------------------
_DISTANCES = {"performance", "metric", "DataSet", "method", "outSample", "perturb", "DEG"}
#: Number of genes that is shown first: that of the benchmark's summary.
_USUAL = 100


def recognise_distances(path: Path) -> bool:
    """Columns performance, metric, DataSet, method, outSample, perturb, DEG."""
    return set(header(path)) >= _DISTANCES


def read_distances(path: Path, options: Options) -> Loaded:
    """Data sets are contexts, held-out contexts are splits, numbers of genes a choice; ranks of each task beside."""
    check_text(path)
    table = pd.read_csv(path)
    known = KNOWN["scPerturBench"]
    table = table[table["metric"].isin(known)]
    frame = pd.DataFrame(
        {
            "method": table["method"].astype(str),
            "seed": table["outSample"].astype(str),
            "context": table["DataSet"].astype(str),
            "perturbation": [parse_condition(p, sep="") or str(p) for p in table["perturb"]],
            "metric": table["metric"],
            "reference": np.where(table["metric"] == "pearson_distance", "control", "published"),
            "genes": "de:" + table["DEG"].astype(str),
            "n_genes": table["DEG"],
            "value": pd.to_numeric(table["performance"], errors="coerce"),
        }
    )[COLUMNS]
    key = [c for c in COLUMNS if c not in ("value", "n_genes")]
    again = frame.duplicated(key)
    frame = frame[~again]
    usual = frame["genes"] == f"de:{_USUAL}"
    frame = pd.concat([frame[usual], frame[~usual]], ignore_index=True)
    frame = pd.concat([frame, _placed(frame, known)], ignore_index=True)
    metrics = {m: dict(about) for m, about in known.items() if (frame["metric"] == m).any()}
    for metric in list(metrics):
        metrics[f"rank_{metric}"] = {
            "name": f"Rank by {metrics[metric]['name']}",
            "better": "lower",
            "note": "Place among the methods in each task, computed here: 1 is best, equal scores share a place.",
        }
    zeros = int((frame.loc[frame["metric"] == "pearson_distance", "value"] == 0).sum())
    tasks = len(frame.drop_duplicates(["seed", "context", "perturbation"]))
    note = (
        f"{plural(tasks, 'task')} in {plural(frame['context'].nunique(), 'data set')}; splits are held-out contexts. "
        f"{zeros:,} values of Pearson delta are exactly 0: 0 or less, or undefined. Metrics, not predictions."
    )
    scores = ScoreTable(
        frame,
        metrics,
        {m: m for m in sorted(frame["method"].unique())},
        "scPerturBench: unseen cellular contexts",
        note,
        {"file": path.name},
    )
    return Loaded(scores=scores, title=scores.title, notes=(note,))


def _placed(frame: pd.DataFrame, known) -> pd.DataFrame:
    """The rank of each score among the methods of its task, as further metrics."""
    task = ["metric", "genes", "context", "seed", "perturbation"]
    wide = frame.pivot(index=task, columns="method", values="value")
    up = np.array([known[m]["better"] == "higher" for m in wide.index.get_level_values("metric")])
    perfect = np.array(
        [1.0 if known[m].get("card") == "pearson_delta" else 0.0 for m in wide.index.get_level_values(0)]
    )
    values = wide.to_numpy(float)
    placed = pd.DataFrame(ranks(np.where(up[:, None], values, -values), perfect), wide.index, wide.columns)
    long = placed.stack().rename("value").reset_index()
    long["metric"] = "rank_" + long["metric"].astype(str)
    return long.assign(reference="published", n_genes=long["genes"].str.partition(":")[2].astype(int))[COLUMNS]


# -- Scouter ----------------------------------------------------------------------------------------------------------
_SCOUTER = {"NormMSE", "1-PCC", "split", "subgroup", "Method"}
_SUBGROUPS = {
    "single": "singles",
    "seen0": "doubles, no target seen",
    "seen1": "doubles, one target seen",
    "seen2": "doubles, both targets seen",
}
_BIOLORD = re.compile(r"[^_]+_(.+)_\d+(?:\+\d+)*")


def recognise_scouter(path: Path) -> bool:
    """Columns NormMSE, 1-PCC, split, subgroup, Method; the first column is the perturbation."""
    return set(header(path)) >= _SCOUTER


def scouter_condition(label: str) -> str:
    """One name for ``A+ctrl``, ``ctrl+A`` and biolord's ``A549_A+ctrl_1+1``, whose ends are covariates."""
    inner = _BIOLORD.fullmatch(label)
    return parse_condition(inner.group(1) if inner else label) or label


def read_scouter(path: Path, options: Options) -> Loaded:
    """Two scores of three systems; labels of three dialects become one, lines that then repeat are averaged."""
    check_text(path)
    table = pd.read_csv(path, index_col=0)
    rows = pd.DataFrame(
        {
            "method": table["Method"].astype(str),
            "seed": table["split"].astype(str),
            "perturbation": [scouter_condition(str(label)) for label in table.index],
            "subgroup": table["subgroup"].astype(str),
        }
    )
    group = rows.groupby(["seed", "perturbation"])["subgroup"].transform("first")  # the same for every method
    rows["context"] = group.map(lambda g: _SUBGROUPS.get(g, g)).to_numpy()
    key = ["method", "seed", "context", "perturbation"]
    parts = []
    for column in KNOWN["Scouter"]:
        value = pd.to_numeric(table[column], errors="coerce").to_numpy()
        mean = rows.assign(value=value).groupby(key, sort=False)["value"].mean().reset_index()
        parts.append(mean.assign(metric=column, reference="published", genes="published", n_genes=0))
    frame = pd.concat(parts, ignore_index=True)[COLUMNS]
    repeated = len(rows) - len(rows.drop_duplicates(key))
    note = (
        f"{plural(len(table), 'line')} read. Perturbations are written in three ways (A+ctrl, ctrl+A, with covariates "
        f"around them); read as one, {plural(repeated, 'line')} repeat and are averaged. The systems predict different "
        "perturbations: compare them on those common to all."
    )
    scores = ScoreTable(
        frame,
        {m: dict(known) for m, known in KNOWN["Scouter"].items()},
        {m: m for m in dict.fromkeys(frame["method"])},
        "Scouter: scores on Norman 2019",
        note,
        {"file": path.name},
    )
    return Loaded(scores=scores, title=scores.title, notes=(note,))


# -- Scouter, scores of genetic interactions --------------------------------------------------------------------------
_GI = {"c1", "c2", "mag", "dcor", "dominance", "perturbation", "gi_type"}
_GI_TRUTH = "GI_scores_truth.csv"


def _gi_files(path: Path) -> list[Path]:
    """The files of GI scores at a path."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in files if set(header(file)) >= _GI]


def recognise_gi(path: Path) -> bool:
    """A file, or a folder of files, with the columns c1, c2, mag, dcor, dominance, perturbation, gi_type."""
    return bool(_gi_files(path))


def read_gi(path: Path, options: Options) -> Loaded:
    """Absolute errors of each GI score of each system against the truth, which must lie beside."""
    files = _gi_files(path)
    truth = next((file for file in files if file.name.casefold() == _GI_TRUTH.casefold()), None)
    systems = [file for file in files if file != truth]
    if truth is None or not systems:
        raise UserError(
            f"{path.name}: GI scores of one side only. Open a folder or zip that holds {_GI_TRUTH} and the "
            "GI_scores_….csv of at least one system; both are in Scouter's repository."
        )
    right = _gi_values(truth)
    parts = []
    for file in systems:
        name = file.stem.removeprefix("GI_scores_").removesuffix("_trueab")
        error = (_gi_values(file) - right).abs().stack().rename("value").reset_index()
        parts.append(error.set_axis(["perturbation", "metric", "value"], axis=1).assign(method=name))
    frame = pd.concat(parts, ignore_index=True).assign(
        seed="", context="K562", reference="published", genes="published", n_genes=0
    )[COLUMNS]
    metrics = {
        m: {"name": f"Error of {m}", "better": "lower", "note": "|predicted − observed| of this GI score."}
        for m in frame["metric"].unique()
    }
    note = (
        "Absolute errors of ten scores of genetic interaction; the double is predicted, the singles are measured. "
        "Correlation over doubles can prefer another system than the error does."
    )
    scores = ScoreTable(
        frame, metrics, {m: m for m in frame["method"].unique()}, "Scouter: scores of genetic interactions", note
    )
    return Loaded(scores=scores, title=scores.title, notes=(note,))


def _gi_values(path: Path) -> pd.DataFrame:
    """Doubles x GI scores."""
    check_text(path)
    table = pd.read_csv(path)
    table.index = pd.Index([parse_condition(p) or str(p) for p in table["perturbation"]], name="perturbation")
    values = table.drop(columns=["perturbation", "gi_type"]).select_dtypes("number")
    return values.loc[~values.index.duplicated(), [c for c in values.columns if not str(c).startswith("Unnamed")]]


def _reader(id_: str, name: str, summary: str, recognise, read, granularity="scores") -> Reader:
    return Reader(
        id=id_,
        name=name,
        summary=summary,
        separator='"+"',
        value_space="scores" if granularity == "scores" else "lognorm",
        granularity=granularity,
        gene_ids="none" if granularity == "scores" else "symbols",
        recognise=recognise,
        read=read,
    )


SINGLES = _reader(
    "nature-methods-2025-singles",
    "Nature Methods 2025, Fig. 2 scores",
    "single_perturbation_prediction.xlsx: panels A and C as a score table.",
    recognise_singles,
    read_singles,
)
TOP_GENES = _reader(
    "nature-methods-2025-genes",
    "Nature Methods 2025, two genes",
    "suppl-top_gene_plots.xlsx: HBG2 and HBZ as a data set of doubles.",
    recognise_top_genes,
    read_top_genes,
    "means",
)
DISTANCES = _reader(
    "scperturbench-distances",
    "scPerturBench distances",
    "Raw table with columns performance, metric, DataSet, method, outSample, perturb, DEG.",
    recognise_distances,
    read_distances,
)
SCOUTER = _reader(
    "scouter-scores",
    "Scouter scores",
    "norman.csv: NormMSE and 1-PCC of Scouter, GEARS and biolord.",
    recognise_scouter,
    read_scouter,
)
GI = _reader(
    "scouter-gi",
    "Scouter's GI scores",
    "A folder or zip of GI_scores_truth.csv and GI_scores_….csv of systems: errors of ten interaction scores.",
    recognise_gi,
    read_gi,
)
