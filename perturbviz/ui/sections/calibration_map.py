"""The map of the Calibration page: its columns, its computation piece by piece with progress, and its cells."""

from __future__ import annotations

import json

import streamlit as st

from perturbviz.analyses.calibration import Calibration
from perturbviz.analyses.calibration.table import family_of
from perturbviz.benchmark import Benchmark
from perturbviz.panels.figures.calibration import Cell
from perturbviz.panels.figures.text import escape
from perturbviz.scoring.genesets import subset_problem
from perturbviz.scoring.view import DEFAULT_N, View, metric_label, metric_name
from perturbviz.ui import cache, cache_calibration

_N = {"all": DEFAULT_N, "expressed": DEFAULT_N, "de": 100}


def columns(view: View, benchmark: Benchmark) -> list[View]:
    """One view a column: all genes, expressed, DE (with the view's n where it is the view's kind), the own list."""
    total, here = benchmark.adata.n_vars, cache.evaluation(benchmark, view)
    kinds = ["all", "expressed", "de", *(["own"] if view.genes == "own" else [])]
    views = [view.with_(genes=k, n=min(view.n if k == view.genes else _N.get(k, view.n), total)) for k in kinds]
    return [v for v in views if not subset_problem(v.subset, here)]


def genes(view: View, benchmark: Benchmark, full: bool = False) -> str:
    """Head of a column, or its genes in full for a sentence."""
    n = f"{min(view.n, benchmark.adata.n_vars):,}"
    words = {"all": "all genes", "expressed": f"{n} expressed", "de": f"{n} DE", "own": "own genes"}[view.genes]
    if full and not words.endswith("genes"):
        words += " genes"
    return words + ("" if view.targets else ", targets left out")


def compute(benchmark: Benchmark, view: View, views: list[View], positive: str, negative: str) -> list[Calibration]:
    """Every cell, the view's own column first, with a progress bar while there is something to compute."""
    own_first = sorted(views, key=lambda v: v.genes != view.genes)
    pieces = cache_calibration.parts(benchmark, own_first)
    todo = list(cache_calibration.missing(benchmark, pieces, positive, negative))
    if todo:
        bar = st.progress(0.0, "Judging every metric …")
        for done, i in enumerate(todo):
            bar.progress(done / len(todo), f"Judging {pieces[i][1]} on {genes(pieces[i][0], benchmark)} …")
            cache_calibration.part(benchmark, pieces[i], positive, negative)
        bar.empty()
    found = [c for piece in pieces for c in cache_calibration.part(benchmark, piece, positive, negative)]
    place = {v.subset.key: i for i, v in enumerate(views)}
    return sorted(found, key=lambda c: place[c.genes])


def cells(
    found: list[Calibration], views: list[View], view: View, benchmark: Benchmark
) -> tuple[list[Cell], list[tuple[str, str]], tuple[int, int] | None]:
    """Cells of the map, (label, family) of its rows, and the place of the current view."""
    pairs = dict.fromkeys(p for v in views for p in cache_calibration.mapped(benchmark, v)[0])
    families = list(dict.fromkeys(family_of(m) for m, _ in pairs))
    rows = sorted(pairs, key=lambda p: families.index(family_of(p[0])))  # a family in one piece
    judged = {(c.metric, c.reference, c.genes): c for c in found}
    out = []
    for r, (metric, reference) in enumerate(rows):
        for k, column in enumerate(views):
            one = judged.get((metric, reference, column.subset.key))
            if one is None:
                out.append(Cell(r, k, float("nan"), "", "", ""))
                continue
            wanted = {"metric": metric, "genes": column.genes, "n": column.n}
            click = json.dumps(wanted if reference == "none" else wanted | {"ref": reference})  # else it stays as it is
            hover = (
                f"<b>{escape(metric_name(metric, reference))}</b> on {escape(genes(column, benchmark))}<br>"
                f"{escape(_both(one))}<br>median dynamic range fraction {one.drf:.3f} "
                f"({one.drf_interval[0]:.3f} to {one.drf_interval[1]:.3f})<br>bound discrimination {one.bds:.3f} "
                f"({one.bds_interval[0]:.3f} to {one.bds_interval[1]:.3f})<br>better for {one.duel.better}, equal for "
                f"{one.duel.equal}, worse for {one.duel.worse} of {one.n}"
            ).replace("nan (nan to nan)", "undefined")
            hover = hover.replace(" (nan to nan)", "")
            out.append(Cell(r, k, one.drf, one.verdict, hover, click))
    here = (view.metric, view.reference)
    column_at = next((k for k, v in enumerate(views) if v.genes == view.genes), None)
    at = (rows.index(here), column_at) if here in rows and column_at is not None else None
    return out, [(metric_label(m, r), family_of(m)) for m, r in rows], at


def _both(one: Calibration) -> str:
    """The verdict, and that of the other replicate where it is another."""
    return one.says + (f"; but {one.other.says}" if one.disputed and one.other else "")


def clicked(cell: str) -> dict:
    """What a click on a cell sets in the sidebar."""
    return json.loads(cell)
