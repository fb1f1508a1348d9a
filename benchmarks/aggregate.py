"""How fast, how large and how linear is the road from cells to pseudobulk?

Makes simulated sparse cells of several sizes in a temporary folder and, for each in a process of its own, reads all blocks
with anndata and drops them, then aggregates. Prints seconds, peak memory and the ratio of the two, both warm: the file
in the page cache, and the process in possession of the memory that reading takes.

    python benchmarks/aggregate.py                                                   # small, a minute
    python benchmarks/aggregate.py --cells 62500 250000 1000000 --genes 5000 --conditions 2000

Reading is timed with one thread and with as many as there are processors; the faster of the two is compared with.
The ratio of processor seconds stands beside the ratio of seconds: it does not suffer from what else the machine does.
Columns: ``read``; ``prepare`` (labels, halves, a look at the values); ``sums`` (the pass over the cells, reading
included); ``stat`` (t-tests, adjusted p-values) and ``save``, which cost the same whatever the number of cells.

Measured on two cores shared with other work: 1,000,000 cells x 5,000 genes at 5 % density in 2,000 conditions took 7 s
for labels and sums, 6 s for statistics and 3 s for saving, with 1.4 GB of memory. The cost of the sums is linear in cells,
so 100 million such cells (205 GB plain, 71 GB gzip) are 1,400 core-seconds of sums, and 900 more to decompress: under a
minute on 64 cores. Storage then decides: at 1 GB/s it delivers them in 205 s (plain) or 71 s (gzip). Sorting the labels
happens in the calling process (about two minutes, 3 GB), and merging moves one set of sums (320 MB) per task.
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


def read_only(path: Path) -> tuple[float, float]:
    """Seconds, and processor seconds, to read all blocks and drop them: best of one thread and one per processor."""
    from anndata.experimental import read_elem_lazy
    from dask import compute
    from dask.delayed import delayed

    from perturbviz.aggregate.source import open_cells

    source = open_cells(path)

    def read(first, last):
        with h5py.File(path, "r") as file:
            lazy = read_elem_lazy(file["X"], chunks=(source.block, -1)).blocks[first:last]
            for piece in lazy.to_delayed().ravel():
                piece.compute(scheduler="synchronous")

    seconds, processor = [], []
    for n in (1, 1, min(os.cpu_count() or 1, source.n_blocks)):  # the first time warms the page cache
        edges = np.linspace(0, source.n_blocks, n + 1).astype(int)
        start, used = time.perf_counter(), time.process_time()
        compute(*[delayed(read)(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)], scheduler="threads")
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return min(seconds[1:]), min(processor[1:])


def measure(path: Path) -> dict[str, float]:
    """Seconds of each part and peak memory of one aggregation in this process."""
    from perturbviz.aggregate import aggregate

    read, read_cpu = read_only(path)
    marks: dict[str, float] = {}
    used: dict[str, float] = {}
    start, used_before = time.perf_counter(), time.process_time()

    def progress(fraction, what):
        now, now_used = time.perf_counter() - start, time.process_time() - used_before
        marks.setdefault("prepare", now)  # the first call comes when the pass over the cells begins
        used.setdefault("prepare", now_used)
        marks[what], used[what] = now, now_used

    aggregate(path, condition="condition", control="control", out=path.with_suffix(".bench.h5ad"), progress=progress)
    total = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    path.with_suffix(".bench.h5ad").unlink()
    return {
        "read": read,
        "prepare": marks["prepare"],
        "sums": marks["summing cells"] - marks["prepare"],
        "ratio": (marks["summing cells"] - marks["prepare"]) / read,
        "cpu": (used["summing cells"] - used["prepare"]) / read_cpu,
        "stat": marks["saving"] - marks["summing cells"],
        "save": total - marks["saving"],
        "total": total,
        "whole": total / read,
        "peak": peak,
    }


COLUMNS = {
    "read s": ("read", 2),
    "prepare s": ("prepare", 2),
    "sums s": ("sums", 2),
    "stat s": ("stat", 2),
    "save s": ("save", 2),
    "total s": ("total", 2),
    "sums/read": ("ratio", 2),
    "by cpu": ("cpu", 2),
    "total/read": ("whole", 1),
    "peak GB": ("peak", 2),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs="+", default=[5_000, 10_000, 20_000])
    parser.add_argument("--genes", type=int, default=2_000)
    parser.add_argument("--conditions", type=int, default=200)
    parser.add_argument("--density", type=float, default=0.05)
    parser.add_argument("--counts", action="store_true", help="write counts instead of log-normalised values")
    parser.add_argument("--forms", nargs="+", choices=("plain", "gzip"), default=["plain", "gzip"])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.measure:
        print(json.dumps(measure(a.measure)))
        return
    print(f"{a.genes:,} genes, {a.conditions:,} conditions, density {a.density:.0%}, {'counts' if a.counts else 'log'}")
    print(f"{'form':6}{'cells':>10}{'MB':>7}" + "".join(f"{c:>11}" for c in COLUMNS) + f"{'us/cell':>9}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        for form in a.forms:
            for n in a.cells:
                write_cells(path, n, a.genes, a.conditions, a.density, form == "gzip", a.counts)
                command = [sys.executable, __file__, "--measure", str(path)]  # a process that has used no memory yet
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                took = json.loads(done.stdout.splitlines()[-1])
                numbers = "".join(f"{took[key]:>11.{digits}f}" for key, digits in COLUMNS.values())
                print(
                    f"{form:6}{n:>10,}{path.stat().st_size / 1e6:>7.0f}{numbers}{took['sums'] / n * 1e6:>9.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
