"""Thousands of damaged files: good files of every reader, each changed in one way, read as foreign files are.

``python benchmarks/damaged_files.py [N] [--from SEED]`` reads N damaged files (default 2,000) and prints how many of
each reader ended how, in which time, and those that no reader foresaw, by where they stopped. Nothing may crash this
process, outlast the time limit (5 s) or the memory limit (200 MB a file).
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from perturbviz.readers import isolation
from tests.readers.damage import damaged, good_files, outcome

KINDS = ("refused", "equal", "other", "unforeseen", "crash", "time", "memory", "no sentence")


class Traces(logging.Handler):
    """Keeps the last line of code of each unforeseen end."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Look for our own line that was reached last."""
        text = record.getMessage()
        places = re.findall(r'File "[^"]*perturbviz/([^"]+)", line (\d+)', text)
        self.last = f"{':'.join(places[-1]) if places else '?'} {text.strip().splitlines()[-1][:150]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", nargs="?", type=int, default=2000)
    parser.add_argument("--from", dest="first", type=int, default=0, help="first seed")
    parser.add_argument("--show", default="", help="name the files that ended in this way")
    arguments = parser.parse_args()
    os.environ |= {"PERTURBVIZ_MAX_MB": "200", "PERTURBVIZ_MAX_SECONDS": "5"}
    traces = Traces()
    isolation.LOG.addHandler(traces)
    isolation.LOG.propagate = False
    counts: Counter[tuple[str, str]] = Counter()
    places: Counter[str] = Counter()
    slowest, begun = 0.0, time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "good").mkdir()
        good = good_files(Path(name) / "good")
        for seed in range(arguments.first, arguments.first + arguments.n):
            one, work = good[seed % len(good)], Path(name) / "work"
            work.mkdir()
            start, traces.last = time.perf_counter(), ""
            with contextlib.suppress(OSError):
                path, how = damaged(one, seed, work)
            kind, said = outcome(one, path)
            slowest = max(slowest, time.perf_counter() - start)
            counts[one.layout, kind] += 1
            places[f"{kind}: {traces.last}"] += bool(traces.last)
            if kind == arguments.show:
                print(f"{seed} {one.layout}: {how}: {said} {traces.last}", flush=True)
            shutil.rmtree(work)
    table = pd.Series(counts).unstack(fill_value=0).reindex(columns=KINDS, fill_value=0)
    print(pd.concat([table, table.sum().to_frame("all").T]).to_string())
    print("\n".join(f"{n} x {place}" for place, n in places.most_common() if n))
    print(
        f"{arguments.n} files of {len(good)} kinds in {time.perf_counter() - begun:.0f} s, "
        f"the slowest {slowest:.1f} s, memory of this process {psutil.Process().memory_info().rss / 1e6:.0f} MB"
    )
    return int(table[["no sentence"]].to_numpy().sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
