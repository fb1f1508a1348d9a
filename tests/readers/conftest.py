"""A benchmark of the tiny truth."""

import pytest

from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from tests.readers import tiny
from tests.readers.screen import World


@pytest.fixture
def bench(tmp_path):
    """Benchmark of the tiny truth."""
    tiny.truth().to_csv(tmp_path / "truth.csv")
    return assemble(load(tmp_path / "truth.csv"))[0]


@pytest.fixture
def world(tmp_path, capsys):
    """A folder with a small screen, and what the commands make of files in it."""
    return World(tmp_path, capsys)
