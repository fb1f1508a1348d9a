"""Files that say which perturbations train and which test: JSON of const-ae, CSV, and pickles of GEARS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturbviz.benchmark.splits import PART_WORDS
from perturbviz.errors import UserError
from perturbviz.readers.const_ae import is_split
from perturbviz.readers.jsonfile import read_json
from perturbviz.readers.matrix import read_table
from perturbviz.readers.safety import check_file


def read_split(path: Path, allow_pickle: bool = False) -> Mapping[Any, str]:
    """Label -> part, from a JSON ``{"train": [...], "test": [...], "val": [...]}`` or a CSV with a column "split"."""
    check_file(path)
    if path.suffix in (".csv", ".tsv", ".txt"):
        table = read_table(path)
        columns = [c for c in table.columns if str(c).lower() in ("split", "part", "set")]
        if not columns:
            raise UserError(
                f"{path.name}: a split table needs the conditions in its first column and a column 'split'."
            )
        return {k: str(v) for k, v in zip(table.iloc[:, 0], table[columns[0]], strict=True)}
    if path.suffix in (".pkl", ".pickle"):
        if not allow_pickle:
            raise UserError(f"{path.name} is a pickle, which is read on the command line only: save the split as JSON.")
        from perturbviz.readers.pickles import safe_pickle

        content = safe_pickle(path)
    else:
        content = read_json(path)
    if not is_split(content):
        raise UserError(f'{path.name} is no split: it must hold {{"train": [...], "test": [...], "val": [...]}}.')
    return from_parts(content)


def from_parts(content: Mapping[str, Any]) -> dict[Any, str]:
    """Label -> part out of part -> labels; a label in two parts counts as training."""
    table: dict[Any, str] = {}
    for part in sorted(content, key=lambda p: PART_WORDS.get(p.lower()) == "train"):  # training last, so that it wins
        table |= {str(label): part for label in content[part]}
    return table
