"""Good files of every reader, damaged in ways fixed by a seed, and what comes of reading them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from perturbviz.benchmark import save
from perturbviz.errors import UserError
from perturbviz.readers import Loaded, Options, isolation, load
from perturbviz.readers.assemble import Incoming, assemble
from tests.readers import layouts, layouts_h5, tiny

OPTIONS = Options(genes=tuple(tiny.GENES), allow_pickle=True)
SCORES = "model,perturbation,metric,value\nfMLP,KLF1,mse,0.1\nfMLP,BAK1,mse,0.25\nGEARS,KLF1,mse,0.2\n"
Change = Callable[[bytearray, random.Random], None]


@dataclass(frozen=True)
class Good:
    """A good file or folder of one layout, and what it says."""

    layout: str
    path: Path
    parts: tuple[Path, ...]
    said: dict[str, Any]


def _span(data: bytearray, rng: random.Random) -> slice:
    start = rng.randrange(max(len(data), 1))
    return slice(start, start + min(2 ** rng.randrange(0, 12), len(data)))


def flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 4, 32))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def odd_bytes(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8))):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 0x20, 0x2C, 0x2D, 0x30, 0x39, 0x65, 0x7F, 0x80, 0xFF))


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def take_out(data: bytearray, rng: random.Random) -> None:
    del data[_span(data, rng)]


def repeat(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    data[span.start : span.start] = data[span] * rng.choice((1, 1, 50))


def nothing(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    data[span] = bytes(len(data[span]))


def noise(data: bytearray, rng: random.Random) -> None:
    span = _span(data, rng)
    data[span] = rng.randbytes(len(data[span]))


def exchange(data: bytearray, rng: random.Random) -> None:
    one, two = _span(data, rng), _span(data, rng)
    data[one], data[two] = data[two], data[one]


def large_number(data: bytearray, rng: random.Random) -> None:
    size, at = rng.choice((2, 4, 8)), rng.randrange(len(data))
    value = rng.choice((2 ** (8 * size) - 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 2), 10**9))
    data[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, rng.choice(("little", "big")))


CHANGES: tuple[Change, ...] = (flip, odd_bytes, cut, take_out, repeat, nothing, noise, exchange, large_number)


def good_files(folder: Path) -> list[Good]:
    """Every layout's files that can be read, with what they say; a benchmark and a table of scores besides."""
    assert layouts_h5  # it registers its writers
    found = []
    for layout in sorted(layouts.WRITERS):
        (folder / layout).mkdir()
        words = layouts.WRITERS[layout](folder / layout).words
        for path in dict.fromkeys(Path(word.removeprefix("m=")) for word in words):
            if path.exists() and path.suffix != ".txt" and path.name not in ("split", "truth.csv"):
                found.append((layout, path))
    tiny.truth().to_csv(folder / "truth.csv")
    tiny.prediction().to_csv(folder / "prediction.csv")
    made = assemble(load(folder / "truth.csv"), [Incoming(load(folder / "prediction.csv"), "m", "")])[0]
    found.append(("benchmark", save(made, folder / "bench.h5ad")))
    (folder / "detailed_metrics.csv").write_text(SCORES)
    found.append(("scores", folder / "detailed_metrics.csv"))
    good = []
    for layout, path in found:
        try:
            said = summary(load(path, OPTIONS))
        except UserError:  # a file beside others
            continue
        parts = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        good.append(Good(layout, path, tuple(parts), said))
    return good


def damaged(good: Good, seed: int, folder: Path) -> tuple[Path, str]:
    """A copy with one of its files changed, and how."""
    rng = random.Random(seed)
    copy = folder / good.path.name
    (shutil.copytree if good.path.is_dir() else shutil.copy2)(good.path, copy)
    part = rng.choice(good.parts)
    target = copy / part.relative_to(good.path) if good.path.is_dir() else copy
    change, data = rng.choice(CHANGES), bytearray(target.read_bytes())
    if data:
        change(data, rng)
    target.write_bytes(data)
    return copy, f"{change.__name__} in {target.name}"


def outcome(good: Good, path: Path) -> tuple[str, str]:
    """How reading ends, by kind and in words.

    ``refused`` in one sentence of the reader; ``equal`` to the good file; ``other`` = read, and it says other things
    than the good file; ``unforeseen``, ``crash``, ``time``, ``memory`` = the child's end became the sentence.
    """
    try:
        loaded = isolation.load_isolated(path, OPTIONS)
    except UserError as error:
        said = str(error)
        if "\n" in said or not said.endswith((".", ")")):
            return "no sentence", said
        for words, kind in (
            ("not as expected (number", "unforeseen"),
            ("the process that read it crashed", "crash"),
            ("PERTURBVIZ_MAX_SECONDS", "time"),
            ("of memory to read", "memory"),
            ("lack of memory", "memory"),
        ):
            if words in said:
                return kind, said
        return "refused", said
    now = summary(loaded)
    return ("equal", "") if now == good.said else ("other", differences(good.said, now))


def summary(loaded: Loaded) -> dict[str, Any]:
    """What a file says, in a form that can be compared: names, and numbers to seven digits."""
    out: dict[str, Any] = {}
    profiles = {"truth": loaded.truth, **{f"prediction {k}": v for k, v in loaded.predictions.items()}}
    for key, found in profiles.items():
        if found is not None:
            out[key] = (_names(found.labels), _names(found.genes), _names(found.contexts), _digits(found.values))
    for key, values in loaded.layers.items():
        out[f"layer {key}"] = _digits(values)
    if loaded.benchmark is not None:
        adata = loaded.benchmark.adata
        out["names"] = (_names(adata.obs["condition"]), _names(adata.obs["context"]), _names(adata.var_names))
        out |= {f"slot {k}": _digits(v) for k, v in {"X": adata.X, **dict(adata.layers)}.items()}
        out["split"] = {k: _names(v) for k, v in loaded.benchmark.splits.items()}
    if loaded.scores is not None:
        out["scores"] = loaded.scores.frame.to_csv(float_format="%.6g")
    out["splits"] = {k: sorted(map(str, v.items())) for k, v in loaded.splits.items()}
    return out


def differences(good: dict[str, Any], now: dict[str, Any]) -> str:
    """Which parts of two summaries differ."""
    return ", ".join(k for k in dict.fromkeys([*good, *now]) if good.get(k) != now.get(k))


def _names(names: Any) -> tuple[str, ...] | None:
    return None if names is None else tuple(map(str, names))


def _digits(values: Any) -> tuple[tuple[int, ...], bytes]:
    numbers = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):
        return numbers.shape, np.where(np.isnan(numbers), np.nan, numbers.astype(np.float32)).tobytes()


@cache
def shared(folder: str) -> tuple[Good, ...]:
    """The good files, written once."""
    return tuple(good_files(Path(folder)))
