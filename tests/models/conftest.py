"""Small simulated training sets and the place of the real data."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from perturbviz.models.training import Training

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.fixture(scope="session")
def shared_file_once():
    """Path of a real data file below ``../shared/data``, or a skip with the reason; for fixtures of a whole module."""

    def path(name: str) -> Path:
        file = SHARED / "data" / name
        if not file.exists():
            pytest.skip(f"{name} is not beside this checkout (../shared/data)")
        return file

    return path


@pytest.fixture
def shared_file():
    """Path of a real data file, or a skip with the reason."""

    def path(name: str) -> Path:
        file = SHARED / name
        if not file.exists():
            pytest.skip(f"{name} is not beside this checkout (../shared)")
        return file

    return path


@pytest.fixture
def seconds():
    """Processor seconds of a call on one thread, the best of three: a busy machine must not decide a test."""

    def measured(call) -> float:
        took = []
        with threadpool_limits(1):
            for _ in range(3):
                start = time.process_time()
                call()
                took.append(time.process_time() - start)
        return min(took)

    return measured


@pytest.fixture
def simulated() -> Training:
    """Simulated: 14 singles of measured genes and 4 combinations, 30 genes, rank-3 changes plus noise."""
    return simulate()


def simulate(n: int = 14, n_genes: int = 30, seed: int = 1, noise: float = 0.1) -> Training:
    """Simulated changes that follow a low-rank linear model of the target's scores."""
    rng = np.random.default_rng(seed)
    genes = [f"g{i:02d}" for i in range(n_genes)]
    names = [genes[2 * i] for i in range(n)] + [f"{genes[2 * i]}+{genes[2 * i + 2]}" for i in range(4)]
    scores = rng.normal(size=(n_genes, 3))
    row = pd.DataFrame(scores, index=genes)
    p = np.stack([row.loc[name.split("+")].sum() for name in names])
    changes = p @ rng.normal(size=(3, 3)) @ scores.T + noise * rng.normal(size=(len(names), n_genes))
    return Training(tuple(names), changes, tuple(genes), rng.uniform(0, 3, n_genes))


@pytest.fixture
def table(simulated: Training) -> pd.DataFrame:
    """An embedding of every gene but the first, 5 dimensions."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(rng.normal(size=(29, 5)), index=list(simulated.genes[1:]))
