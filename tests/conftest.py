"""Fixtures shared by the tests of the core: factories of tiny benchmarks, a local file server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import HealthCheck, settings

from perturbviz.benchmark import Benchmark

Factory = Callable[..., Benchmark]

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("perturbviz", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("perturbviz")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: they wait more than they compute, and at the end one process would be left with them."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)


def build_adata(
    truth: Any,
    conditions: Sequence[str],
    genes: Sequence[str] | None = None,
    *,
    control: Any = None,
    predictions: Mapping[str, Any] | None = None,
    layers: Mapping[str, Any] | None = None,
    split: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    contexts: Sequence[str] | None = None,
    space: str = "lognorm",
    dtype: Any = np.float32,
) -> AnnData:
    """AnnData laid out as a benchmark: ``control`` is (genes,) or {context: (genes,)}, ``split`` one or per seed."""
    truth = np.asarray(truth, dtype)
    genes = [f"g{i}" for i in range(truth.shape[1])] if genes is None else list(genes)
    contexts = ["c"] * len(conditions) if contexts is None else list(contexts)
    obs = pd.DataFrame(
        {
            "condition": list(conditions),
            "context": contexts,
            "is_control": [c == "ctrl" for c in conditions],
            "n_perturbed": [0 if c == "ctrl" else c.count("+") + 1 for c in conditions],
        },
        index=[f"{x}::{c}" for x, c in zip(contexts, conditions, strict=True)],
    )
    if isinstance(split, Mapping):
        for seed, parts in split.items():
            obs[f"split__{seed}"] = list(parts)
    elif split is not None:
        obs["split"] = list(split)
    adata = AnnData(truth, obs=obs, var=pd.DataFrame(index=genes))
    for key, values in {**{f"pred__{k}": v for k, v in (predictions or {}).items()}, **(layers or {})}.items():
        adata.layers[key] = np.asarray(values, dtype)
    if control is not None:
        by_context = control if isinstance(control, Mapping) else dict.fromkeys(dict.fromkeys(contexts), control)
        adata.varm["control_mean"] = pd.DataFrame(
            {k: np.asarray(v, dtype) for k, v in by_context.items()}, index=adata.var_names
        )
    adata.uns["perturbviz"] = {"schema": 1, "value_space": space, "title": "Toy", "simulated": True}
    return adata


@pytest.fixture
def make_adata() -> Callable[..., AnnData]:
    return build_adata


@pytest.fixture
def make_benchmark() -> Factory:
    return lambda *args, **kwargs: Benchmark.from_adata(build_adata(*args, **kwargs))


@pytest.fixture
def random_benchmark() -> Factory:
    """Factory of a random benchmark: singles of the first genes (training) and their doubles (held out), two seeds."""

    def make(n_single: int = 6, n_genes: int = 30, seed: int = 0, **kwargs: Any) -> Benchmark:
        rng = np.random.default_rng(seed)
        genes = [f"g{i}" for i in range(n_genes)]
        singles = genes[:n_single]
        doubles = ["+".join(sorted((a, b))) for i, a in enumerate(singles) for b in singles[:i]]
        conditions = ["ctrl", *singles, *doubles]
        control = rng.gamma(2.0, 0.5, n_genes)
        truth = control + rng.normal(size=(len(conditions), n_genes))
        truth[0] = control
        predictions = {
            "good": truth + 0.3 * rng.normal(size=truth.shape),
            "poor": truth + 2.0 * rng.normal(size=truth.shape),
        }
        part = ["train"] * (1 + n_single) + ["test"] * len(doubles)
        other = list(part)
        other[-1] = "train"
        arguments = {"control": control, "predictions": predictions, "split": {"1": part, "2": other}} | kwargs
        return Benchmark.from_adata(build_adata(truth, conditions, genes, **arguments))

    return make


class Quiet(SimpleHTTPRequestHandler):
    """A file server that keeps its log to itself."""

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def serve_folder() -> Iterator[Callable[..., str]]:
    """Serve a folder; returns its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(folder: Path, handler: type = Quiet) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
