"""Whole numbers in links, settings and arguments: ASCII digits within bounds, and nothing else."""

import pytest

from perturbviz.benchmark.numbers import whole
from perturbviz.errors import UserError
from perturbviz.metrics import parse_metric
from perturbviz.readers.safety import limit
from perturbviz.scoring.genesets import parse_subset
from perturbviz.scoring.view import View

ODD = ("9" * 5000, "٣", "²", "1e3", "", " 5", "1_000", "0x10", "-")


@pytest.mark.parametrize("text", ODD)
def test_odd_numbers_are_none(text, monkeypatch):
    assert whole(text, 0, 10**18) is None
    assert View.from_query({"n": [text]}).n == View().n
    with pytest.raises(UserError):
        parse_subset(f"expressed:{text}")
    with pytest.raises(UserError):
        parse_metric(f"precision_at_k@{text or 'x'}")
    if text:
        monkeypatch.setenv("PERTURBVIZ_MAX_ROWS", text)
        with pytest.raises(UserError, match="must be a whole number"):
            limit("ROWS")


def test_numbers_within_bounds():
    assert whole("007", 1, 10) == 7 and whole("11", 1, 10) is None and whole("-3", -5, 0) == -3
    assert View.from_query({"n": ["12"]}).n == 12 and parse_subset("expressed:12").key == "expressed:12"
