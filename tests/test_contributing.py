"""CONTRIBUTING does what it says: its blocks, applied to a copy of the package, add a metric, a reader and a page."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(diff|python)\n# (\S+)\n(.*?)^```$", re.M | re.S)
MOST_LINES = 12  # "about ten lines": what one block may add, blank lines apart

METRIC = """
import numpy as np
from perturbviz import CATALOGUE, Evaluation, View, load, score_view
assert CATALOGUE["largest"].card.name == "Largest error"
evaluation = Evaluation(load("data/demo.h5ad"))
scores = score_view(evaluation, View(metric="largest", genes="all"))
rows, genes = np.arange(len(evaluation.rows)), np.arange(len(evaluation.benchmark.genes))
method = scores.methods[0]
expected = np.abs(evaluation.prediction(method, rows, genes) - evaluation.truth(rows, genes)).max(axis=1)
assert scores.values.shape[1] == len(rows) and np.isfinite(scores.values[0]).all()
np.testing.assert_allclose(scores.values[0], expected, rtol=1e-5)
"""
READER = """
from pathlib import Path
import numpy as np
from perturbviz.readers.assemble import assemble
from perturbviz.readers import load, recognise
path = Path("tidy.csv")
path.write_text("condition,gene,value\\nctrl,A,1\\nctrl,B,2\\nX,A,1.5\\nX,B,0\\n")
assert recognise(path).id == "tidy"
benchmark, _ = assemble(load(path))
assert list(benchmark.genes) == ["A", "B"]
row = list(benchmark.adata.obs["condition"]).index("X")
np.testing.assert_allclose(benchmark.adata.X[row], [1.5, 0])
from anndata import AnnData
import pandas as pd
x = np.array([[0.5, 1.5], [1.5, 0.5]], "float32")
cells = AnnData(np.zeros_like(x), obs=pd.DataFrame({"guide": ["X", "X"]}), layers={"mine": x})
cells.var_names = ["A", "B"]
cells.write_h5ad("mine.h5ad")
loaded = load(Path("mine.h5ad"))
assert loaded.system == "mine"
np.testing.assert_allclose(loaded.predictions["", ""].values, [[1, 1]])
"""
PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from perturbviz import Evaluation, View, load, score_view
metric = sys.argv[1]
at = AppTest.from_file("app.py", default_timeout=240)
at.query_params["metric"] = metric
at.query_params["ref"] = "control"
at.query_params["genes"] = "all"
at.run()
assert not at.exception, at.exception[0].message
at.switch_page("pages/hardest.py").run()
assert not at.exception, at.exception[0].message
assert at.title[0].value == "Which perturbations are hard to predict?"
drawn = [b.proto.bytes.decode() for b in at.get("bidi_component") if b.proto.component_name == "perturbviz_chart"]
assert len(drawn) == 1 and "Which perturbations have the worst median score?" in drawn[0]
view = View(metric=metric, ref="control", genes="all")
scores = score_view(Evaluation(load("data/demo.h5ad")), view)
medians = scores.to_frame().groupby("perturbation")["value"].median().sort_values(ascending=metric != "largest")
assert len(medians) > 20 and medians.index[0] in drawn[0] and medians.index[-1] not in drawn[0]
"""


def blocks() -> list[tuple[str, str, str]]:
    return BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def applied(text: str, diff: str) -> str:
    """``text`` with the lines marked ``+`` after the line shown before them (or before the first line shown)."""
    lines, head, at = text.split("\n"), [], None
    for line in diff.rstrip("\n").split("\n"):
        if not line.startswith("+"):
            assert lines.count(line[1:]) == 1, (
                f"CONTRIBUTING shows a line that is not (or not once) there: {line[1:]!r}"
            )
            at = lines.index(line[1:])
            lines[at:at] = head
            at, head = at + len(head) + 1, []
        elif at is None:
            head.append(line[1:])
        else:
            lines.insert(at, line[1:])
            at += 1
    return "\n".join(lines)


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The app with what CONTRIBUTING adds."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("perturbviz", "pages", "data", ".streamlit"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for kind, name, body in blocks():
        path = folder / name
        if kind == "python":
            assert not path.exists(), f"{name} exists already"
            path.write_text(body, encoding="utf-8")
        else:
            path.write_text(applied(path.read_text(encoding="utf-8"), body), encoding="utf-8")
    return folder


def run(copy: Path, script: str, *words: str) -> None:
    """Run a script with arguments in the copy, which it imports instead of this checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PERTURBVIZ_")} | {"PYTHONPATH": str(copy)}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def test_each_is_about_ten_lines_and_passes_the_linter(copy):
    sizes = []
    for kind, name, body in blocks():
        new = [line[kind == "diff" :] for line in body.splitlines() if kind == "python" or line.startswith("+")]
        sizes.append(len([line for line in new if line.strip()]))
        result = subprocess.run([sys.executable, "-m", "ruff", "check", name], cwd=copy, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout
    assert len(sizes) == 6 and max(sizes) <= MOST_LINES, sizes


def test_the_metric_is_in_the_catalogue_and_scores_the_demo(copy):
    run(copy, METRIC)


def test_the_reader_recognises_and_reads_a_file(copy):
    run(copy, READER)


@pytest.mark.parametrize("metric", ["largest", "pearson_delta"])
def test_the_page_opens_and_draws_the_hardest_whichever_way_the_metric_runs(copy, metric):
    run(copy, PAGE, metric)
