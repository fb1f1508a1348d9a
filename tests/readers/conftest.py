"""A benchmark of the tiny truth."""

import pytest

from perturbviz.readers import load
from perturbviz.readers.assemble import assemble
from tests.readers import tiny


@pytest.fixture
def bench(tmp_path):
    """Benchmark of the tiny truth."""
    tiny.truth().to_csv(tmp_path / "truth.csv")
    return assemble(load(tmp_path / "truth.csv"))[0]
