"""The README's example of the linear model runs as it stands there."""

import contextlib
import io
from pathlib import Path

EXAMPLE = """\
from perturbviz import benchmark, evaluation, rankings, scores
from perturbviz.baselines import LinearModel, compete
bench = benchmark.load("data/demo.h5ad")
bench = compete.enter(bench, LinearModel("pca", "pca", dims=10, ridge=0.1, sum_doubles=True), "Linear model")
print(rankings.rank(scores.score(evaluation.Evaluation(bench), "l2")).table[["name", "score", "low", "high"]])
"""
ROOT = Path(__file__).parents[1]


def test_the_example_prints_a_ranking_with_the_linear_model(monkeypatch):
    monkeypatch.chdir(ROOT)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(EXAMPLE, "README.md", "exec"), {})
    lines = said.getvalue().splitlines()
    assert len(EXAMPLE.splitlines()) == 5
    assert any("Linear model" in line for line in lines) and any("Additive" in line for line in lines)


def test_the_readme_shows_this_example():
    readme = ROOT / "README.md"
    if readme.exists() and "compete.enter" in readme.read_text(encoding="utf-8"):
        assert EXAMPLE in readme.read_text(encoding="utf-8")
