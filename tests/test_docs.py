"""The pages in docs/ do what they say: their shell and Python examples are run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbviz as pv
from perturbviz.report import explore as pages
from tests.readers import tiny

ROOT = Path(__file__).parents[1]


def example(page, language):
    """The first block of a page in a language."""
    return re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.S)[1]


def test_the_pipeline_runs_from_files_to_page(tmp_path):
    truth = tiny.truth()
    truth.to_csv(tmp_path / "truth.csv")
    tiny.prediction().to_csv(tmp_path / "mymodel.csv")
    command = tmp_path / "bin" / "perturbviz"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m perturbviz "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "PERTURBVIZ_CACHE": str(tmp_path / "cache")}
    words, where = ["sh", "-e", "-c", example("pipeline.md", "sh")], {"cwd": tmp_path, "env": environment}
    run = subprocess.run(words, **where, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr
    ranking, found = pd.read_csv(tmp_path / "ranking.csv"), json.loads((tmp_path / "ranking.json").read_text())
    assert [r["method"] for r in found["rows"]] == list(ranking["method"]) and "mymodel" in set(ranking["method"])
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert set(scores["metric"]) == {"l2", "pearson_delta"} and set(scores["genes"]) == {"all", "de:20"}
    assert "window.perturbviz" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_notebook_runs(tmp_path, monkeypatch, capsys):
    """Its last line makes the page of the demo, which takes minutes: here of as good as no views."""
    made = []
    monkeypatch.setattr(pages, "pack", lambda source, progress=None: made.append(source) or _few(source))
    text = example("notebook.md", "python").replace("page.html", str(tmp_path / "page.html"))
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(ROOT)
    cells: dict = {}
    exec(compile(text, "notebook.md", "exec"), cells)
    assert made == [cells["bench"]] and (tmp_path / "page.html").stat().st_size > 1e6
    gained = cells["against_control"].set_index("name")["rank"] - cells["against_mean"].set_index("name")["rank"]
    assert np.nanmax(np.abs(gained)) > 0 and "places" not in capsys.readouterr().err


def _few(bench):
    from perturbviz.analyses.offered import WHOLE, Plan
    from perturbviz.report.explorable import pack
    from perturbviz.scoring.genesets import parse_subset

    return pack(
        bench, planned=Plan((parse_subset("de:20"),), {parse_subset("de:20"): (("l2", "none"),)}, (WHOLE,), ("mean",))
    )


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_every_page_is_found_from_the_readme(name):
    assert f"docs/{name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert pv.__version__
