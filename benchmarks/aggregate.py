"""How fast, how large and how linear is the road from cells to pseudobulk?

Makes simulated sparse cells of several sizes and, for each in a process of its own, reads data, indices, indptr and
labels in the blocks of the aggregation and drops them (``read``: h5py; ``lazily``: anndata on Dask), then aggregates.
Both are warm: the file is in the page cache and the process has used as much memory before, since the first touch of
memory can cost a virtual machine seconds; where they are quick each figure is the best of three runs after the first.
``first`` is the total of the first aggregation, cold memory included.

    python benchmarks/aggregate.py                                                   # small, a minute
    python benchmarks/aggregate.py --cells 250000 500000 1000000 --genes 5000 --conditions 2000

Columns: ``prepare`` (labels, halves, a look at the values); ``pass`` (over the cells, reading included); ``stat``
(t-tests and adjusted p-values) and ``save``, which depend on conditions x genes alone. ``by cpu`` is ``pass/read`` in
processor seconds shared by all processors: what to look at where other work runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

BLOCK = 10_000


def write_cells(path: Path, n_cells: int, n_genes: int, n_conditions: int, density: float, gzip: bool, counts: bool):
    """Write simulated cells in random order as CSR, block by block."""
    rng = np.random.default_rng(0)
    stored = round(n_genes * density)
    patterns = np.stack([np.sort(rng.choice(n_genes, stored, replace=False)) for _ in range(2_000)]).astype(np.int32)
    options = {"compression": "gzip"} if gzip else {}  # contiguous or chunked by h5py, as anndata writes it
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        matrix = file.create_group("X")
        matrix.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": [n_cells, n_genes]})
        data = matrix.create_dataset("data", (n_cells * stored,), "f4", **options)
        indices = matrix.create_dataset("indices", (n_cells * stored,), "i4", **options)
        matrix["indptr"] = np.arange(n_cells + 1, dtype=np.int64) * stored
        for start in range(0, n_cells, BLOCK):
            size = min(BLOCK, n_cells - start)
            values = rng.geometric(0.4, size * stored).astype(np.float32)
            where = slice(start * stored, (start + size) * stored)
            data[where] = values if counts else np.log1p(values)
            indices[where] = patterns[rng.integers(0, len(patterns), size)].ravel()
        labels = rng.integers(0, n_conditions, n_cells)
        for name, keys in (("obs", {"condition": labels}), ("var", {})):
            table = file.create_group(name)
            table.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
            table.attrs["column-order"] = np.array(list(keys), dtype=h5py.string_dtype())
            index = np.arange(n_cells if name == "obs" else n_genes).astype(str).astype(object)
            _string_array(table, "_index", index)
            for key, codes in keys.items():
                column_group = table.create_group(key)
                column_group.attrs.update(
                    {"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False}
                )
                column_group.create_dataset("codes", data=codes.astype(np.int16)).attrs.update(
                    {"encoding-type": "array", "encoding-version": "0.2.0"}
                )
                _string_array(column_group, "categories", np.array(_names(n_conditions), dtype=object))


def _string_array(group, name, values):
    dataset = group.create_dataset(name, data=values, dtype=h5py.string_dtype())
    dataset.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})


def _names(n_conditions: int) -> list[str]:
    return ["control", *(f"P{i}" for i in range(1, n_conditions))]


def read_only(path: Path, lazily: bool) -> tuple[float, float]:
    """Seconds, and processor seconds, to read all in the blocks of the aggregation and drop it, warm.

    With h5py, or ``lazily`` as anndata and Dask do it.
    """
    from perturbviz.cells.source import open_cells

    source = open_cells(path)
    seconds, used = [], []
    while len(seconds) < 2 or (len(seconds) < 4 and seconds[-1] < 2):  # the first time warms page cache and memory
        start, used_before = time.perf_counter(), time.process_time()
        source.column("condition")
        if lazily:
            for _block in source.read(0, source.n_blocks):
                pass
        else:
            with h5py.File(path, "r") as file:
                matrix = file["X"]
                edges = matrix["indptr"][:][:: source.block].tolist() + [matrix["data"].shape[0]]
                for first, last in pairwise(edges):
                    _block = matrix["data"][first:last], matrix["indices"][first:last]
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - used_before)
    return min(seconds[1:]), min(used[1:])


def measure(path: Path) -> dict[str, float]:
    """Seconds of each part, the best run after the first unless they take long, and this process's peak memory."""
    (read, read_cpu), (lazy, _) = read_only(path, lazily=False), read_only(path, lazily=True)
    runs = [aggregate_once(path) for _ in range(4 if lazy < 2 else 2)]
    took = {part: min(run[part] for run in runs[1:]) for part in runs[0]}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "read": read,
        "lazy": lazy,
        "ratio": took["pass"] / read,
        "whole": took["total"] / read,
        "cpu": took["pass_cpu"] / read_cpu / (os.cpu_count() or 1),
        "first": runs[0]["total"],
        "peak": peak,
        **took,
    }


def aggregate_once(path: Path) -> dict[str, float]:
    """Seconds of the parts of one aggregation, and processor seconds of the part that grows with the cells."""
    from perturbviz.cells import aggregate

    marks: dict[str, tuple[float, float]] = {}

    def now():
        return time.perf_counter(), time.process_time()

    def progress(fraction, what):
        marks.setdefault("start", now())  # the first call comes when the pass over the cells begins
        marks[what] = now()

    begin, out = now(), path.with_suffix(".bench.h5ad")
    aggregate(path, condition="condition", control="control", out=out, progress=progress)
    end = now()
    out.unlink()
    return {
        "prepare": marks["start"][0] - begin[0],
        "pass": marks["summing cells"][0] - marks["start"][0],
        "stat": marks["saving"][0] - marks["summing cells"][0],
        "save": end[0] - marks["saving"][0],
        "total": end[0] - begin[0],
        "cores": marks["summing cells"][1] - begin[1],
        "pass_cpu": marks["summing cells"][1] - marks["start"][1],
    }


COLUMNS = {
    "read s": ("read", 2),
    "lazily s": ("lazy", 2),
    "prepare s": ("prepare", 2),
    "pass s": ("pass", 2),
    "stat s": ("stat", 2),
    "save s": ("save", 2),
    "total s": ("total", 2),
    "first s": ("first", 2),
    "pass/read": ("ratio", 2),
    "by cpu": ("cpu", 2),
    "total/read": ("whole", 2),
    "peak GB": ("peak", 2),
}


def linearity(sizes: list[int], seconds: list[float]) -> str:
    """Straight line through passes over cells of several sizes: seconds a million cells, start, worst deviation."""
    slope, start = np.polyfit(sizes, seconds, 1)
    worst = np.abs(np.polyval([slope, start], sizes) / seconds - 1).max()
    return f"pass = {start:.2f} s + {slope * 1e6:.2f} s a million cells (largest deviation {worst:.0%})"


def extrapolate(form: str, n: int, size: float, took: dict[str, float], cores: int = 64, rate: float = 1e9) -> str:
    """What 100 million such cells would take on a cluster."""
    factor = 100e6 / n
    core_seconds = took["cores"] * factor
    work, storage = core_seconds / cores, size * factor / rate
    return (
        f"100 million cells, {form}: {core_seconds:,.0f} core-seconds, {work:,.0f} s on {cores} cores; storage at "
        f"{rate / 1e9:.0f} GB/s delivers the {size * factor / 1e9:,.0f} GB in {storage:,.0f} s; then "
        f"{took['stat']:.0f} s of tests and {took['save']:.0f} s of saving, which do not grow with the cells"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[5_000, 10_000, 20_000])
    parser.add_argument("--genes", type=int, default=2_000)
    parser.add_argument("--conditions", type=int, default=200)
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--counts", action="store_true", help="write counts instead of log-normalised values")
    parser.add_argument("--forms", nargs="+", choices=("plain", "gzip"), default=["plain", "gzip"])
    parser.add_argument("--folder", type=Path, help="folder of the simulated files: kept, and used again")
    parser.add_argument("--write-only", action="store_true", help="write the files into FOLDER and measure nothing")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.measure:
        print(json.dumps(measure(a.measure)))
        return
    print(f"{a.genes:,} genes, {a.conditions:,} conditions, density {a.density:.0%}, {'counts' if a.counts else 'log'}")
    print(f"{'form':6}{'cells':>10}{'MB':>7}" + "".join(f"{c:>11}" for c in COLUMNS))
    summary = []
    with tempfile.TemporaryDirectory() as temporary:
        for form in a.forms:
            seconds = []
            for n in a.cells:
                name = f"{n}x{a.genes}-{a.conditions}-{a.density}-{form}-{'counts' if a.counts else 'log'}.h5ad"
                path = (a.folder or Path(temporary)) / name
                if not path.exists():
                    write_cells(path, n, a.genes, a.conditions, a.density, form == "gzip", a.counts)
                if a.write_only:
                    continue
                command = [sys.executable, __file__, "--measure", str(path)]  # a process that has used no memory yet
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                took = json.loads(done.stdout.splitlines()[-1])
                size = path.stat().st_size
                numbers = "".join(f"{took[key]:>11.{digits}f}" for key, digits in COLUMNS.values())
                print(f"{form:6}{n:>10,}{size / 1e6:>7.0f}{numbers}", flush=True)
                seconds.append(took["pass"])
                if not a.folder:
                    path.unlink()
            if len(seconds) > 1:
                summary.append(f"{form}: {linearity(a.cells, seconds)}")
            if seconds:
                summary.append(extrapolate(form, n, size, took))
    print("\n".join(summary))


if __name__ == "__main__":
    main()
