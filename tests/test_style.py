"""The code is linted and formatted, and Streamlit stays in its rooms."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_is_clean(command):
    result = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-3000:]


def test_streamlit_is_imported_only_by_the_interface():
    allowed = re.compile(r"^(app\.py|pages/|perturbviz/ui/|tests/|benchmarks/)")
    files = [p.relative_to(ROOT).as_posix() for p in ROOT.glob("perturbviz/**/*.py")] + ["app.py"]
    assert len(files) > 20
    bad = [
        f for f in files
        if not allowed.match(f) and re.search(r"^\s*(import|from) streamlit", (ROOT / f).read_text(), re.M)
    ]  # fmt: skip
    assert bad == []
