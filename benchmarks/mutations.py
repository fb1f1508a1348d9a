"""Do the tests notice? Break the wiring in one place at a time and see whether the tests fail.

``python benchmarks/mutations.py [NAME …] [--tests PATH …] [--all] [--check]`` copies the files that git knows to a
temporary folder. It makes one change after the other there, runs the tests beside it (or those of ``--tests``), and
takes it back. A change that no test notices is written SURVIVED, and the exit status is 1. With ``--all`` the tests run
to the end, and all that fail are counted.

A change is looked up by its text, so that files may move. ``--check`` tells which texts are no longer there exactly
once.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIRING = "tests/wiring/test_{}.py"


@dataclass(frozen=True)
class Mutation:
    """One wrong line: what it does, its text now and then, and the tests that must fail (files of tests/wiring)."""

    name: str
    old: str
    new: str
    tests: str


MUTATIONS = (
    # -- rows and contexts
    Mutation(
        "additive: singles of another context",
        "parts = [row_of.get((context, t)) for t in targets(benchmark.conditions[i])]",
        "parts = [next((i for (_, n), i in row_of.items() if n == t), None) for t in targets(benchmark.conditions[i])]",
        "rows",
    ),
    Mutation(
        "perturbation mean: of validation rows too",
        'rows &= benchmark.splits[seed] == "train"',
        'rows &= np.isin(benchmark.splits[seed], ("train", "val"))',
        "rows",
    ),
    Mutation(
        "additive: validation singles too",
        'usable = (benchmark.splits[seed] == "train") & (benchmark.n_perturbed == 1)',
        'usable = np.isin(benchmark.splits[seed], ("train", "val")) & (benchmark.n_perturbed == 1)',
        "rows",
    ),
    Mutation(
        "linear model: validation rows in training",
        '(benchmark.splits[seed] == "train") & ~benchmark.is_control & _observed(benchmark)',
        'np.isin(benchmark.splits[seed], ("train", "val")) & ~benchmark.is_control & _observed(benchmark)',
        "training",
    ),
    Mutation(
        "linear model: rows without truth in training",
        '(benchmark.splits[seed] == "train") & ~benchmark.is_control & _observed(benchmark)',
        '(benchmark.splits[seed] == "train") & ~benchmark.is_control',
        "training",
    ),
    Mutation(
        "Goodhart lab: validation rows may be copied",
        '(b.splits[seed] == "train") & ~b.is_control & (b.row_contexts == context)',
        'np.isin(b.splits[seed], ("train", "val")) & ~b.is_control & (b.row_contexts == context)',
        "training",
    ),
    Mutation(
        "Goodhart lab: the mean of the first rows' seed and context",
        'self.evaluation.reference("perturbation", rows[:1])',
        'self.evaluation.reference("perturbation", self.rows[:1])',
        "training",
    ),
    Mutation(
        "Goodhart lab: tuned on test rows, reported on validation rows",
        's: (rows[(seeds == s) & (part == "val")], rows[(seeds == s) & (part == "test")])',
        's: (rows[(seeds == s) & (part == "test")], rows[(seeds == s) & (part == "val")])',
        "training",
    ),
    Mutation(
        "competitors: changes added to the control of the first context",
        "base = b.control(context) if b.has_control",
        "base = b.control(b.contexts[0]) if b.has_control",
        "training",
    ),
    Mutation(
        "competitors: entered rows of another seed",
        "matrix[obs[seeds == seed]] = found.values[seeds == seed]",
        "matrix[obs[seeds == seed]] = found.values[: (seeds == seed).sum()]",
        "training",
    ),
    Mutation(
        "kept beside a value: without asking for what",
        "of.memo.once((derive, more, *named.items()), lambda",
        "of.memo.once((derive,), lambda",
        "rows",
    ),
    Mutation(
        "baselines: the mean of one seed kept for all",
        'key = ("baseline", method, key_rows.tobytes() if len(b.seeds) > 1 else b"")',
        'key = ("baseline", method)',
        "rows",
    ),
    # -- genes and pieces
    Mutation(
        "genes per row: of the wrong piece",
        "block.genes.ndim == 1 else block.genes[piece]",
        "block.genes.ndim == 1 else block.genes[: len(piece)]",
        "scores",
    ),
    Mutation(
        "DE genes: changes from the control of the first context",
        "np.abs(evaluation.observed[o] - b.control(b.row_contexts[o]))",
        "np.abs(evaluation.observed[o] - b.control(b.contexts[0]))",
        "rows",
    ),
    Mutation(
        "weights: tested in all cells where half of them are the truth",
        'f"de_{kind}" + ("_a" if truth_from == "half_a" else "")',
        'f"de_{kind}"',
        "scores",
    ),
    Mutation(
        "own gene: its column in the file, not among the genes that count",
        "where[slice(None) if block.genes is None else block.genes] = np.arange(block.n)",
        "where[:] = np.arange(len(where)) % block.n",
        "scores",
    ),
    Mutation(
        "one value a data set: over all rows of a piece",
        "rows = (self.labels == label) & have",
        "rows = (self.labels == self.labels) & have",
        "scores",
    ),
    Mutation(
        "given predictions: rows of the evaluation taken for the prepared ones",
        "self.evaluation.gather(prediction, at, piece.block.genes)",
        "self.evaluation.gather(prediction, at[::-1], piece.block.genes)",
        "scores",
    ),
    # -- calibration
    Mutation(
        "shuffled labels: truths of training rows",
        'held_out = np.isin(benchmark.splits[split_seed], ("test", "val")) & ~benchmark.is_control',
        'held_out = np.isin(benchmark.splits[split_seed], ("train",)) & ~benchmark.is_control',
        "calibration",
    ),
    Mutation(
        "interpolated duplicate: weights from all cells",
        'benchmark.layers["half_b"], benchmark.layers["de_padj_b"]',
        'benchmark.layers["half_b"], benchmark.layers["de_padj"]',
        "calibration",
    ),
    Mutation(
        "simulated duplicate: another row's standard error",
        'benchmark.truth + noise * benchmark.layers["se"]',
        'benchmark.truth + noise * np.roll(benchmark.layers["se"], 1, axis=0)',
        "calibration",
    ),
    # -- caches
    Mutation(
        "memo: the first argument alone decides",
        "return tuple(map(short, value))",
        "return tuple(map(short, value[:1]))",
        "caches",
    ),
    Mutation(
        "cache key: without the truth",
        "return benchmark, View(split=view.split, truth=view.truth)",
        "return benchmark, View(split=view.split)",
        "caches",
    ),
    Mutation(
        "cache key: without own genes",
        'plain = view.with_(data="", avg="mean")',
        'plain = view.with_(data="", avg="mean", own=())',
        "caches",
    ),
    Mutation(
        "cache key: without the seed",
        'plain = view.with_(data="", avg="mean")',
        'plain = view.with_(data="", avg="mean", seed="")',
        "caches",
    ),
    Mutation(
        "cache key of the calibration: without its controls",
        'positive or next(iter(positives(benchmark)), ""), negative',
        'next(iter(positives(benchmark)), ""), ""',
        "caches",
    ),
    Mutation(
        "cache key of the interactions: without the truth",
        "View(genes=v.genes, n=v.n, targets=v.targets, own=v.own, truth=v.truth)",
        "View(genes=v.genes, n=v.n, targets=v.targets, own=v.own)",
        "caches",
    ),
    Mutation(
        "cache key of the linear model: without the scored part",
        "return self.benchmark.identity, tuple(self.parts), self.truth_from",
        "return self.benchmark.identity, self.truth_from",
        "caches",
    ),
    # -- every view
    Mutation(
        "shares of views: ties are not shared",
        "return leads / leads.sum(axis=1, keepdims=True)",
        "return (leads & (leads.cumsum(axis=1) == 1)).astype(float)",
        "every_view",
    ),
    Mutation(
        "sweep: the reference of the first seed and context",
        "minus = [references[name][block[row]] if name in references",
        "minus = [references[name][0] if name in references",
        "every_view",
    ),
    Mutation(
        "sweep: genes expressed in the first context",
        "return self._expression[self._context[row]]",
        "return self._expression[0]",
        "every_view",
    ),
    Mutation(
        "views: lower is better forgotten",
        'goodness = np.where((frame["better"] == "lower").to_numpy()[:, None], -scores, scores)',
        "goodness = scores.copy()",
        "every_view",
    ),
    # -- interactions
    Mutation(
        "interactions: singles of another context",
        "out[row] = [at.get((context, t), -1) for t in parts]",
        "out[row] = [next((i for (_, n), i in at.items() if n == t), -1) for t in parts]",
        "interactions",
    ),
    Mutation(
        "interactions: standard errors of the double in place of its singles'",
        "for rows in (obs, *of_single.T)]",
        "for rows in (obs, obs, obs)]",
        "interactions",
    ),
    Mutation(
        "interactions: the null is fitted to what is scored",
        "every = evaluation if whole else Evaluation(evaluation.benchmark, parts, evaluation.truth_from)",
        "every = evaluation",
        "interactions",
    ),
    # -- what is drawn and written
    Mutation(
        "home page and report: better to the left",
        "gained, card.rises, look.controls",
        "gained, not card.rises, look.controls",
        "pages",
    ),
    Mutation(
        "Goodhart plane: better at the lower left",
        '(cards[0].better == "lower", cards[1].better == "lower")',
        '(cards[0].better != "lower", cards[1].better != "lower")',
        "pages",
    ),
    Mutation(
        "home page: ends of the interval swapped",
        "error_x=intervals(low, score, high),",
        "error_x=intervals(2 * score - high, score, 2 * score - low),",
        "pages",
    ),
    Mutation(
        "profiles: the row of the view taken for one of all rows",
        "at = _positions(evaluation, scores.rows.loc[[row]])",
        "at = np.array([row])",
        "pages",
    ),
    Mutation(
        "errors: swarms in the order of the scores under the names of the ranking",
        "per_unit(scores.values[[scores.methods.index(m) for m in order]], scores.rows",
        "per_unit(scores.values, scores.rows",
        "pages",
    ),
    Mutation(
        "calibration: axes exchanged",
        '_perturbations(low, high, rows, at, f"paired-{label}"',
        '_perturbations(high, low, rows, at, f"paired-{label}"',
        "pages",
    ),
    Mutation(
        "evaluate: other parts than asked for",
        "evaluation = Evaluation(benchmark, parse_parts(split))",
        "evaluation = Evaluation(benchmark)",
        "commands",
    ),
    Mutation(
        "interactions command: genes of the pairs in another order",
        "pd.Categorical.from_codes(gene, pairs.genes.astype(str))",
        "pd.Categorical.from_codes(gene, pairs.genes.astype(str).sort_values())",
        "interactions commands",
    ),
)


def copy(folder: Path) -> None:
    """The files that git knows, as they stand."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def place(folder: Path, text: str) -> Path | str:
    """The one file that holds a text exactly once; where there is none, how often it stands where."""
    sources = [*(folder / "perturbviz").rglob("*.py"), *(folder / "pages").glob("*.py")]
    found = [(p, n) for p in sources if (n := p.read_text(encoding="utf-8").count(text))]
    if len(found) == 1 and found[0][1] == 1:
        return found[0][0]
    return ", ".join(f"{n} times in {p.relative_to(folder)}" for p, n in found) or "nowhere"


def run(folder: Path, tests: list[str], all_of_them: bool) -> tuple[bool, str]:
    """Whether tests failed, and which (the first, or how many)."""
    words = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(words + ["-x"] * (not all_of_them), cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"The tests did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
    return done.returncode == 1, f"{len(failed)} fail" if all_of_them else next(iter(failed), "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="mutations whose name contains one of these; all where none is given")
    parser.add_argument("--tests", nargs="+", default=[], help="run these instead of the tests of each mutation")
    parser.add_argument("--check", action="store_true", help="only look up the texts; run nothing")
    parser.add_argument("--all", action="store_true", help="run all tests, also after one failed")
    arguments = parser.parse_args()
    chosen = [m for m in MUTATIONS if not arguments.names or any(n in m.name for n in arguments.names)]
    lost = [(m, where) for m in chosen if isinstance(where := place(ROOT, m.old), str)]
    for mutation, where in lost:
        print(f"{mutation.name}: its text must stand in one place, and stands {where}")
    if lost or arguments.check:
        return int(bool(lost))
    survived = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy(folder)
        for mutation in chosen:
            file = folder / Path(place(ROOT, mutation.old)).relative_to(ROOT)
            before, start = file.read_text(encoding="utf-8"), time.perf_counter()
            file.write_text(before.replace(mutation.old, mutation.new), encoding="utf-8")
            tests = arguments.tests or [WIRING.format(word) for word in mutation.tests.split()]
            noticed, by = run(folder, tests, arguments.all)
            file.write_text(before, encoding="utf-8")
            survived += not noticed
            said = f"noticed by {by}" if noticed else "SURVIVED"
            print(f"{mutation.name}: {said} ({time.perf_counter() - start:.0f} s)", flush=True)
    print(f"{len(chosen) - survived} of {len(chosen)} noticed")
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
