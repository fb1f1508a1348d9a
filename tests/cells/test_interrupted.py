"""An interrupted command leaves nothing that could be taken for its output, whenever and however it is stopped."""

import signal
import subprocess
import sys
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

said = os.fdopen(os.dup(1), "w")  # the process that reads cells says nothing on stdout
read, write, open_cells = CellSource.read, AnnData.write_h5ad, pipeline.open_cells

def slow_read(self, first, last, block=None):
    for values in read(self, first, last, block):
        if block is None:
            print("summing", flush=True, file=said)
            time.sleep(0.05)
        yield values

def slow_write(self, *arguments, **options):
    write(self, *arguments, **options)
    print("saving", flush=True, file=said)
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
    counts_of(400, 8).write_h5ad(tmp_path / "cells.h5ad")
    command = [sys.executable, "-c", SLOW, "aggregate", str(tmp_path / "cells.h5ad")]
    command += ["--condition", "perturbation", "--control", "control", "-o", str(tmp_path / "bench.h5ad")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.strip() == moment:
                break
        else:
            pytest.fail(f"never {moment}: {process.stderr.read()}")
        process.send_signal(how)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == (130 if how != signal.SIGKILL else -how)
    assert said.strip() == ("interrupted" if how != signal.SIGKILL else "")
    remaining = [p for p in tmp_path.iterdir() if p.name != "cells.h5ad"]
    assert len(remaining) == len(left)
    assert all(p.match(pattern) for p, pattern in zip(remaining, left, strict=True))
