"""What it costs to read a good file in a child process: a CSV of 1 MB, a JSON of 128 MB, a benchmark of 2 GB.

``python benchmarks/isolation.py [NAME …] [--rounds N]`` writes the files to a temporary folder and reads each in turn
directly and in a child of the nursery, as the server does, in one run. Times are medians in milliseconds. Memory is
what all processes together hold (shared pages counted once), less what they held before: at most while reading, and
afterwards. The goals: at most 150 ms more, and one copy of the numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from anndata import AnnData

from perturbviz.benchmark import META, save
from perturbviz.readers import Options, isolation, load
from perturbviz.readers.isolation import load_isolated


def csv(folder: Path) -> Path:
    """60 conditions x 1,800 genes of log-normalised means: 1 MB."""
    path, rng = folder / "means.csv", np.random.default_rng(0)
    names = ["ctrl", *(f"G{i}" for i in range(59))]
    pd.DataFrame(rng.random((60, 1800)), names, [f"G{i}" for i in range(1800)]).to_csv(path, float_format="%.6f")
    return path


def run_of_json(folder: Path) -> Path:
    """A run of const-ae: 620 conditions x 19,264 genes, 128 MB."""
    path, rng = folder / "run", np.random.default_rng(0)
    path.mkdir()
    genes = [f"G{i}" for i in range(19_264)]
    (path / "gene_names.json").write_text(json.dumps(genes))
    with (path / "all_predictions.json").open("w") as file:
        for i in range(620):
            values = ", ".join(f"{v:.6f}" for v in rng.random(len(genes)))
            file.write(f'{"{" if not i else ", "}"{genes[i]}+ctrl": [{values}]')
        file.write("}")
    return path


def benchmark(folder: Path) -> Path:
    """13 layers of 2,000 conditions x 19,264 genes: 2 GB, mapped where it lies."""
    truth = np.random.default_rng(0).random((2000, 19_264), np.float32)
    names = ["ctrl", *(f"G{i}" for i in range(1999))]
    obs = pd.DataFrame({"condition": names, "context": "c", "is_control": [n == "ctrl" for n in names]}, index=names)
    adata = AnnData(truth, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(19_264)]))
    for k in range(12):
        adata.layers[f"pred__m{k}"] = truth
    adata.uns[META] = {"schema": 1, "value_space": "lognorm", "title": "Simulated", "simulated": True}
    return save(adata, folder / "large.h5ad")


FILES: dict[str, Callable[[Path], Path]] = {"csv": csv, "json": run_of_json, "benchmark": benchmark}


def held() -> int:
    """Bytes of this process and all below it; pages that several share are counted once."""
    own, total = psutil.Process(), 0
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


@contextmanager
def watched() -> Iterator[list[int]]:
    """The most that is held inside, in bytes, looked at all the time."""
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            most[0] = max(most[0], held())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *FILES], help="which files; all where none is named")
    parser.add_argument("--rounds", type=int, default=0, help="how often each is read (default: 9, 3, 3)")
    arguments = parser.parse_args()
    os.environ.setdefault("PERTURBVIZ_MAX_MB", "4000")
    isolation._run = lambda request, told: isolation._nursery().ask(request)  # as in a server, which has threads
    isolation.prepare()
    ways = {"direct": load, "child": load_isolated}
    with tempfile.TemporaryDirectory() as name:
        for key in arguments.names or FILES:
            path = FILES[key](Path(name))
            size = sum(p.stat().st_size for p in ([path] if path.is_file() else path.iterdir()))
            load_isolated(path, Options())  # warms the nursery's child and the disk's cache
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            memory: dict[str, tuple[int, int]] = {}
            for _ in range(arguments.rounds or (9 if size < 10**7 else 3)):
                for way, read in ways.items():
                    start = time.perf_counter()
                    read(path, Options())
                    seconds[way].append(time.perf_counter() - start)
            for way, read in ways.items():
                gc.collect()
                before = held()
                with watched() as most:
                    found = read(path, Options())
                gc.collect()
                memory[way] = most[0] - before, held() - before
                del found
            for way in ways:
                middle, (peak, kept) = sorted(seconds[way])[len(seconds[way]) // 2], memory[way]
                print(
                    f"{key} {size / 1e6:,.0f} MB, {way}: {1000 * middle:,.0f} ms, at most {peak / 1e6:,.0f} MB, "
                    f"afterwards {kept / 1e6:,.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())
