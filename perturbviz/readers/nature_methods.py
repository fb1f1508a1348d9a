"""Source data of Ahlmann-Eltze, Huber & Anders, Nature Methods 2025, Fig. 1 (perturbation_prediction.xlsx).

Panel B holds truth, control and the predictions of nine systems for CEBPE+CEBPB on the 1,000 genes highest in control;
panel A the scores of those systems on 62 held-out doubles in each of five overlapping splits.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from perturbviz.benchmark.perturbations import CONTROL, parse_condition
from perturbviz.benchmark.scoretable import COLUMNS, ScoreTable
from perturbviz.errors import UserError
from perturbviz.readers.base import Loaded, Options, Profiles, Reader
from perturbviz.readers.safety import check_file, check_zip

TITLE = "Ahlmann-Eltze et al. 2025, Fig. 1"
CONTEXT = "K562"
#: Method in the paper's files -> (slug, display name); the published baselines keep clear of our reserved ids. In the
#: linear models Y = G W P + b, G is the embedding of genes and P that of perturbations.
METHODS = {
    "additive_model": ("additive-published", "Additive (published)"),
    "no_change": ("no-change-published", "No change (published)"),
    "geneformer": ("geneformer", "Geneformer"),
    "gears": ("gears", "GEARS"),
    "scbert": ("scbert", "scBERT"),
    "uce": ("uce", "UCE"),
    "scgpt": ("scgpt", "scGPT"),
    "scfoundation": ("scfoundation", "scFoundation"),
    "cpa": ("cpa", "CPA"),
    "uce33": ("uce-33", "UCE (33 layers)"),
    "mean": ("mean-published", "Mean (published)"),
    "lpm": ("lpm", "Linear model (published)"),
    "lpm_selftrained": ("linear-selftrained", "Linear, trained on these data"),
    "lpm_randomPertEmb": ("linear-p-random", "Linear, P random"),
    "lpm_randomGeneEmb": ("linear-g-random", "Linear, G random"),
    "lpm_scgptGeneEmb": ("linear-g-scgpt", "Linear, G from scGPT"),
    "lpm_scFoundationGeneEmb": ("linear-g-scfoundation", "Linear, G from scFoundation"),
    "lpm_gearsPertEmb": ("linear-p-gears", "Linear, P from GEARS"),
    "lpm_k562PertEmb": ("linear-p-k562", "Linear, P from K562"),
    "lpm_rpe1PertEmb": ("linear-p-rpe1", "Linear, P from RPE1"),
}
#: Column -> (metric, reference). The workbook's r2 is the correlation and not its square.
SCORES = {"r2": ("pearson", "none"), "r2_delta": ("pearson_delta", "control"), "l2": ("l2", "none")}
_PANEL_A = {"method", "perturbation", "seed", "train", *SCORES}
_PANEL_B = {"method", "perturbation", "prediction", "observed", "baseline", "gene_name", "seed", "train.y"}


def recognise(path: Path) -> bool:
    """An .xlsx with sheets of these names."""
    if path.suffix != ".xlsx" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            head = archive.read("xl/workbook.xml")[:20_000]
    except (KeyError, zipfile.BadZipFile, OSError):
        return False
    return b"Panel A" in head and b"Panel B" in head


def read(path: Path, options: Options) -> Loaded:
    """Panel B as truth and predictions, panel A as a score table."""
    check_file(path)
    check_zip(path)
    try:
        sheets = pd.read_excel(path, sheet_name=["Panel A", "Panel B"], engine="openpyxl")
    except Exception as error:  # openpyxl raises many kinds for a damaged workbook
        raise UserError(f"{path.name} cannot be read as the paper's workbook ({type(error).__name__}).") from error
    for sheet, needed in (("Panel A", _PANEL_A), ("Panel B", _PANEL_B)):
        missing = sorted(needed - set(sheets[sheet].columns))
        if missing:
            raise UserError(f"{path.name}, sheet {sheet!r} lacks the column(s) {', '.join(missing)}.")
    b = sheets["Panel B"]
    label = str(b["perturbation"].iloc[0])
    first = b[b["method"] == b["method"].iloc[0]]
    genes = first["gene_name"].astype(str).tolist()
    seed = str(first["seed"].iloc[0])
    predictions = {}
    for method, frame in b.groupby("method", sort=False):
        values = frame.set_index("gene_name")["prediction"].reindex(genes).to_numpy(np.float32)
        predictions[slug_of(method), seed] = Profiles(values[None], [label], genes, contexts=[CONTEXT])
    return Loaded(
        truth=Profiles(
            first[["baseline", "observed"]].to_numpy(np.float32).T, [CONTROL, label], genes, contexts=[CONTEXT] * 2
        ),
        predictions=predictions,
        names=dict(METHODS.values()),
        splits={seed: {label: str(first["train.y"].iloc[0])}},
        value_space="lognorm",
        scores=score_table(sheets["Panel A"]),
        title=f"{TITLE}b: {parse_condition(label)}",
        notes=("One held-out perturbation on 1,000 genes: enough to look at profiles, too little to rank by.",),
    )


def score_table(panel: pd.DataFrame) -> ScoreTable:
    """Panel A in long form."""
    parts = [
        pd.DataFrame(
            {
                "method": panel["method"].map(slug_of),
                "seed": panel["seed"].astype(str),
                "context": CONTEXT,
                "perturbation": panel["perturbation"].map(parse_condition),
                "metric": metric,
                "reference": reference,
                "genes": "expressed:1000",
                "n_genes": 1000,
                "value": panel[column].astype(float),
                "split": panel["train"].astype(str),
            }
        )
        for column, (metric, reference) in SCORES.items()
    ]
    frame, named = pd.concat(parts, ignore_index=True)[[*COLUMNS, "split"]], dict(METHODS.values())
    there = set(frame["method"])
    names = {slug: name for slug, name in named.items() if slug in there}
    return ScoreTable(
        frame=frame,
        metrics={
            "l2": {"name": "L2", "better": "lower", "card": "l2"},
            "pearson": {
                "name": "Pearson",
                "better": "higher",
                "card": "pearson",
                "note": 'Column "r2": a correlation.',
            },
            "pearson_delta": {"name": "Pearson delta", "better": "higher", "card": "pearson_delta"},
        },
        names=names | {slug: slug for slug in sorted(there - set(named))},
        title=f"{TITLE}a: scores of nine systems",
        note=(
            "Scores as published, on the 1,000 genes highest in control; 62 held-out doubles in each of 5 "
            "overlapping splits."
        ),
        provenance={"sheet": "Panel A"},
    )


def slug_of(method: str) -> str:
    """Slug of a method as the paper's files call it."""
    return METHODS[method][0] if method in METHODS else str(method).replace("_", "-")


READER = Reader(
    id="nature-methods-2025",
    name="Nature Methods 2025 source data",
    summary="perturbation_prediction.xlsx: panel B as a data set of one double, panel A as a score table.",
    separator='"+"',
    value_space="lognorm",
    granularity="means",
    gene_ids="symbols",
    recognise=recognise,
    read=read,
)
