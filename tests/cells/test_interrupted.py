"""An interrupted command leaves nothing that could be taken for its output, whenever and however it is stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cells.simulated import counts_of

# the real command, slow enough to be stopped at a known moment
SLOW = """
import os, sys, time
from anndata import AnnData
from perturbviz.cells import pipeline
from perturbviz.cells.source import CellSource
from perturbviz.cli import main

read, write, open_cells = CellSource.read, AnnData.write_h5ad, pipeline.open_cells

def say(moment):  # the process that reads cells has no stdout
    with open(os.environ["SAID"], "a") as file:
        print(moment, file=file)

def slow_read(self, first, last, block=None):
    for values in read(self, first, last, block):
        if block is None:
            say("summing")
            time.sleep(0.05)
        yield values

def slow_write(self, *arguments, **options):
    write(self, *arguments, **options)
    say("saving")
    time.sleep(60)

CellSource.read, AnnData.write_h5ad = slow_read, slow_write
pipeline.open_cells = lambda path, layer, size: open_cells(path, layer, 2_000)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("moment", "how", "left"),
    [
        ("summing", signal.SIGINT, []),
        ("summing", signal.SIGTERM, []),
        ("summing", signal.SIGKILL, []),
        ("saving", signal.SIGTERM, []),
        ("saving", signal.SIGKILL, [".bench.h5ad-*.part"]),
    ],
)
def test_a_stopped_command_leaves_no_output(moment, how, left, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    counts_of(400, 8).write_h5ad(tmp_path / "in" / "cells.h5ad")
    command = [sys.executable, "-c", SLOW, "aggregate", str(tmp_path / "in" / "cells.h5ad")]
    command += ["--condition", "perturbation", "--control", "control", "-o", str(tmp_path / "out" / "bench.h5ad")]
    said = tmp_path / "in" / "said"
    said.touch()
    environment = {**os.environ, "SAID": str(said)}
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True, env=environment) as process:
        while moment not in said.read_text().split():
            if process.poll() is not None:
                pytest.fail(f"never {moment}: {process.stderr.read()}")
            time.sleep(0.02)
        process.send_signal(how)
        printed = process.communicate(timeout=30)[1]
    assert process.returncode == (130 if how != signal.SIGKILL else -how)
    assert printed.strip() == ("interrupted" if how != signal.SIGKILL else "")
    remaining = list((tmp_path / "out").iterdir())
    assert len(remaining) == len(left)
    assert all(p.match(pattern) for p, pattern in zip(remaining, left, strict=True))
