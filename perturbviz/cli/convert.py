"""``convert``: truth and predictions of any known system in, one benchmark out."""

from __future__ import annotations

import argparse
import csv
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from perturbviz.benchmark import save
from perturbviz.benchmark.labels import NEVER
from perturbviz.cli.output import check_output
from perturbviz.cli.reading import add_trust, read, read_files
from perturbviz.errors import UserError
from perturbviz.readers import Options
from perturbviz.readers.assemble import Incoming, assemble
from perturbviz.readers.base import INDEX, NO_CONTEXT, SPACES
from perturbviz.readers.safety import check_file, check_text
from perturbviz.readers.splitfile import read_split


def register(subparsers: Any) -> None:
    """Add the command."""
    p = subparsers.add_parser(
        "convert",
        help="make a benchmark from truth and predictions in any known format",
        description="Make a benchmark from truth and predictions. What was matched, merged or missing goes to stderr.",
    )
    p.add_argument("--truth", required=True, metavar="PATH", help="file or folder with the observed means")
    p.add_argument(
        "--prediction", action="append", default=[], metavar="NAME[@SEED]=PATH", help="predictions; may be repeated"
    )
    p.add_argument(
        "--split", action="append", default=[], metavar="[SEED=]PATH", help="JSON or CSV of train, val and test"
    )
    p.add_argument("--system", default="", metavar="ID", help="format of the predictions (default: recognise it)")
    p.add_argument("--truth-system", default="", metavar="ID", help="format of the truth (default: recognise it)")
    _add_labels(p)
    p.add_argument(
        "--value-space", default="", choices=SPACES, metavar="SPACE", help=f"what the values are: {', '.join(SPACES)}"
    )
    p.add_argument(
        "--truth-value-space", default="", choices=SPACES, metavar="SPACE", help="the same for the truth alone"
    )
    p.add_argument(
        "--layer", default="", metavar="NAME", help="slot of the predictions' values: a layer, raw, X or obsm/NAME"
    )
    p.add_argument("--truth-layer", default="", metavar="NAME", help="the same for the truth")
    p.add_argument("--genes", metavar="FILE", help="gene names of files without them, one a line, in their order")
    p.add_argument(
        "--without", action="append", default=[], metavar="METHOD", help="leave a method of a file out; may be repeated"
    )
    p.add_argument("--rename", metavar="FILE", help="two columns, old and new names of perturbations and genes")
    add_trust(p)
    p.add_argument("-o", "--out", required=True, metavar="BENCH.h5ad", help="where to write the benchmark")
    p.set_defaults(func=run)


def _add_labels(p: argparse.ArgumentParser) -> None:
    """Options about labels: where they stand and what they mean."""
    p.add_argument(
        "--control",
        action="append",
        default=[],
        metavar="LABEL",
        help="further label that means control, 'NT-*' for all that begin so; may be repeated",
    )
    p.add_argument(
        "--not-control",
        action="append",
        default=[],
        metavar="LABEL",
        help="label that does not, though it usually does",
    )
    p.add_argument(
        "--separator", default="", metavar="SIGN", help=f"sign between the targets of a label, or {NEVER}: never split"
    )
    p.add_argument(
        "--shared-control", action="store_true", help="control of one context (dose 0) serves those that have none"
    )
    p.add_argument(
        "--context",
        default="",
        metavar="COLUMN",
        help=f"column with the context, e.g. the cell line, or {NO_CONTEXT}: there is one",
    )
    p.add_argument(
        "--condition",
        default="",
        metavar="COLUMN",
        help=f"column with the perturbation, if oddly named, or {INDEX}: the names of the rows",
    )
    p.add_argument("--truth-context", default="", metavar="COLUMN", help="the same for the truth, if named otherwise")
    p.add_argument("--truth-condition", default="", metavar="COLUMN", help="the same for the truth, if named otherwise")


def run(arguments: argparse.Namespace) -> int:
    """Read, assemble, report, write. Status 1 where a prediction of several in a file was lost."""
    out, trust = check_output(arguments.out, (".h5ad",)), arguments.trust
    options = Options(
        system=arguments.system,
        control=tuple(arguments.control),
        not_control=tuple(arguments.not_control),
        separator=arguments.separator,
        shared_control=arguments.shared_control,
        context=arguments.context,
        condition=arguments.condition,
        value_space=arguments.value_space,
        layer=arguments.layer,
        genes=read(read_gene_list, arguments.genes, trust=trust) if arguments.genes else (),
        rename=read(read_rename, arguments.rename, trust=trust) if arguments.rename else {},
        without=tuple(arguments.without),
        allow_pickle=True,
    )
    truth_options = replace(
        options,
        system=arguments.truth_system,
        context=arguments.truth_context or options.context,
        condition=arguments.truth_condition or options.condition,
        value_space=arguments.truth_value_space or options.value_space,
        layer=arguments.truth_layer,
        without=(),
    )
    truth = read_files(arguments.truth, truth_options, trust)
    given = [parse_prediction(text) for text in arguments.prediction]
    incoming = [Incoming(read_files(path, options, trust), name, seed) for name, seed, path in given]
    again = any(path.resolve() == Path(arguments.truth).resolve() for _, _, path in given)
    splits = {seed: read(read_split, path, True, trust=trust) for seed, path in map(_parse_split, arguments.split)}
    benchmark, reports = assemble(truth, incoming, splits, options, truth_options, own_predictions=not again)
    for report in reports:
        print("\n".join(report.lines()), file=sys.stderr)
    save(benchmark, out)
    n = len(benchmark.methods)
    print(
        f"wrote {out}: {benchmark.adata.n_obs} conditions x {benchmark.adata.n_vars} genes, {n} method{'s' * (n != 1)}",
        file=sys.stderr,
    )
    return 1 if any(report.lost for report in reports) else 0


def parse_prediction(text: str) -> tuple[str, str, Path]:
    """Name, seed and path of ``NAME[@SEED]=PATH``; a bare path takes its name from the file."""
    name, equals, path = text.partition("=")
    if not equals:
        return "", "", Path(text)
    name, _, seed = name.partition("@")
    if not name.strip() or not path:
        raise UserError(f"{text!r}: predictions are given as NAME=PATH or NAME@SEED=PATH.")
    if seed and not re.fullmatch(r"[A-Za-z0-9.-]+", seed):
        raise UserError(f"{text!r}: a seed is made of letters, digits, '.' and '-'.")
    return name.strip(), seed, Path(path)


def _parse_split(text: str) -> tuple[str, Path]:
    seed, equals, path = text.partition("=")
    return (seed, Path(path)) if equals and re.fullmatch(r"[A-Za-z0-9.-]*", seed) else ("", Path(text))


def read_gene_list(path: Path) -> tuple[str, ...]:
    """Names of a text file with one gene a line; blank lines are left out."""
    return tuple(line.strip() for line in _text(path).splitlines() if line.strip())


def read_rename(path: Path) -> dict[str, str]:
    """Old -> new names of a text file with two columns (comma or tab)."""
    text = _text(path)
    rows = list(csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ","))
    bad = next((r for r in rows if r and len(r) != 2), None)
    if bad is not None:
        raise UserError(f"{path.name}: every line must hold an old and a new name, but one is {','.join(bad)[:60]!r}.")
    return {r[0].strip(): r[1].strip() for r in rows if r}


def _text(path: Path) -> str:
    check_file(path)
    check_text(path)
    try:
        return path.read_text("utf-8-sig")
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise UserError(f"{path.name} is not a text file in UTF-8.") from error
