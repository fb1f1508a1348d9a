"""The one data set of the wiring tests."""

from __future__ import annotations

import pytest

from perturbviz.benchmark import Benchmark
from tests.wiring.world import World


@pytest.fixture(scope="session")
def world() -> World:
    """What is true, by name."""
    return World()


@pytest.fixture(scope="session")
def bench(world: World) -> Benchmark:
    """The same as a benchmark."""
    return world.benchmark
