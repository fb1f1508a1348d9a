"""Server time of every chart of the Interactions page at 300,000 pairs × 9 layers, first time and again.

Simulated at that size: 62 held-out doubles in each of five splits × 1,000 genes = 310,000 pairs per method, 104
singles, 124 doubles, five methods with their own predictions per split and the four baselines. ``python
benchmarks/interactions.py [BENCH.h5ad]``; with a benchmark file that one is measured instead. Processor time, since
other work on the machine is no part of it; everything runs in one thread. The last line reads ``interactions slowest
first=… again=…`` in seconds.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the server; before numpy is imported

import numpy as np
import pandas as pd
from anndata import AnnData

sys.path.insert(0, str(Path(__file__).parents[1]))

from perturbviz.benchmark import Benchmark, load
from perturbviz.scoring.view import View

logging.disable(logging.WARNING)
SINGLES, DOUBLES, GENES, HELD_OUT, SEEDS, METHODS = 104, 124, 1000, 62, 5, 5


def simulated(seed: int = 0) -> Benchmark:
    """A benchmark of the size of the paper's; nothing in it is measured."""
    rng = np.random.default_rng(seed)
    singles = [f"T{i:03d}" for i in range(SINGLES)]
    every = ["+".join(p) for p in itertools.combinations(singles, 2)]
    doubles = [every[i] for i in rng.choice(len(every), DOUBLES, replace=False)]
    names = ["ctrl", *singles, *doubles]
    control = rng.gamma(2.0, 0.6, GENES)
    effect = rng.normal(size=(SINGLES, GENES)) * (rng.random((SINGLES, GENES)) < 0.15) * 0.5
    at = {s: i for i, s in enumerate(singles)}
    sums = np.array([effect[at[a]] + effect[at[b]] for a, b in (d.split("+") for d in doubles)])
    pairs = sums - 0.6 * sums * (rng.random(sums.shape) < 0.05)
    noise = 0.06 * np.exp(0.3 * rng.normal(size=(len(names), 1)))
    truth = control + np.vstack([np.zeros(GENES), effect, pairs]) + noise * rng.normal(size=(len(names), GENES))
    obs = pd.DataFrame({"condition": names, "context": "c", "is_control": [n == "ctrl" for n in names]}, index=names)
    for k in range(SEEDS):
        part = np.array(["unassigned"] + ["train"] * (len(names) - 1), object)
        part[1 + SINGLES + rng.choice(DOUBLES, HELD_OUT, replace=False)] = "test"
        obs[f"split__{k + 1}"] = part
    adata = AnnData(truth.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"G{i:04d}" for i in range(GENES)]))
    adata.varm["control_mean"] = pd.DataFrame({"c": control.astype(np.float32)}, index=adata.var_names)
    for m in range(METHODS):
        for k in range(SEEDS):
            values = truth * (1 - 0.1 * m) + control * 0.1 * m + 0.1 * (m + 1) * rng.normal(size=truth.shape)
            adata.layers[f"pred__m{m}__{k + 1}"] = values.astype(np.float32)
    adata.uns["perturbviz"] = {"schema": 1, "value_space": "lognorm", "title": "Simulated", "simulated": True}
    return Benchmark.from_adata(adata)


@contextmanager
def timed_charts(times: dict[str, float]) -> Iterator[None]:
    """Time from the end of one chart to the end of the next, whatever section draws it."""
    from perturbviz.ui import chart as module

    original, last = module.payload, [time.process_time()]

    def payload(panel, token):
        out = original(panel, token)
        now = time.process_time()
        times[panel.key], last[0] = now - last[0], now
        return out

    nothing_clicked = mock.Mock(return_value=SimpleNamespace(clicked=None, selected=()))
    with mock.patch.object(module, "payload", payload), mock.patch.object(module, "_mount", nothing_clicked):
        yield


def sections(benchmark: Benchmark) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every section of the page as a function that draws it without a browser."""
    import importlib

    import streamlit as st

    from perturbviz.scoring.evaluation import Evaluation
    from perturbviz.ui import cache_interactions as cache
    from perturbviz.ui.current import Current
    from perturbviz.ui.sections.interactions.work import Work

    view = View(genes="expressed" if benchmark.has_expression else "all")
    current = Current(view, benchmark, Evaluation(benchmark), "")
    for method in current.methods:  # baselines are fitted by the page a user sees first, the ranking
        cache.cache.evaluation(benchmark, view).predicted(method)
    question = cache.Question(benchmark, view, cache.Rule(), current.shown)

    def draw(module: str, **state: str) -> Callable[[], None]:
        def run() -> None:
            defaults = dict.fromkeys(("curve", "side", "calls", "score"), "") | {
                "ix_by": "true class",
                "ix_axis": "genes",
            }
            for key, value in (defaults | {"method": current.shown[0]} | state).items():
                st.session_state[key] = value
            work = Work(current, question, cache.every(question), cache.pairs(question), cache.threshold(question))
            importlib.import_module(f"perturbviz.ui.sections.interactions.{module}").draw(work)

        return run

    yield "null", draw("null")
    for kind in ("", "precision_recall", "roc"):
        yield f"curves {kind or 'tpr_fdp'}", draw("curves", curve=kind)
    yield "calls", draw("calls")
    yield "which", draw("which")
    yield "scores", draw("scores")


def main() -> None:
    """Measure and print."""
    benchmark = load(sys.argv[1]) if len(sys.argv) > 1 else simulated()
    slowest = {"first": 0.0, "again": 0.0}
    for name, draw in sections(benchmark):
        both: dict[str, dict[str, float]] = {}
        for when in ("first", "again"):
            times: dict[str, float] = {}
            with timed_charts(times):
                draw()
            both[when] = times
            slowest[when] = max(slowest[when], *times.values())
        for key in both["first"]:
            print(f"{name:24s} {key:14s} first {both['first'][key]:.3f} s, again {both['again'][key]:.3f} s")
    print(f"interactions slowest first={slowest['first']:.3f} again={slowest['again']:.3f}")


if __name__ == "__main__":
    main()
