"""The README's examples of the linear model run as they stand there, one after the other as in a notebook."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = [
    e for e in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S) if "LinearModel" in e
]


@pytest.fixture(scope="module")
def said():
    """What each example prints."""
    out, names = [], {}
    with contextlib.chdir(ROOT):
        for example in EXAMPLES:
            text = io.StringIO()
            with contextlib.redirect_stdout(text):
                exec(compile(example, "README.md", "exec"), names)
            out.append(text.getvalue())
    return out


def test_two_examples_of_five_lines_each():
    assert [len(e.splitlines()) for e in EXAMPLES] == [5, 5]


def test_the_first_prints_a_ranking_with_the_linear_model(said):
    lines = said[0].splitlines()
    assert any("Linear model" in line for line in lines) and any("Additive" in line for line in lines)


def test_the_second_prints_what_the_page_draws(said):
    for column in ("change_cumulative", "held_out_l2", "mean_l2", "{}"):  # the last: everybody is predicted
        assert column in said[1]
