"""A benchmark of the tiny truth."""

import pytest

from perturbviz.assemble import assemble
from perturbviz.readers import load
from tests.readers import tiny


@pytest.fixture
def bench(tmp_path):
    """Benchmark of the tiny truth."""
    tiny.truth().to_csv(tmp_path / "truth.csv")
    return assemble(load(tmp_path / "truth.csv"))[0]
