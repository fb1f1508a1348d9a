"""Ways to divide perturbations into training and held-out ones, each decided by hashes of the names.

A hash makes the division the same on every machine and in every order of the names. Control belongs to neither part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from perturbviz.benchmark.perturbations import CONTROL, parse_condition, targets
from perturbviz.benchmark.splits import fold_of
from perturbviz.errors import UserError

Split = dict[str, list[str]]


def folds(names: Iterable[str], k: int = 5, seed: int = 0) -> list[Split]:
    """Cross-validation folds by a hash of the name; seed 0 gives the folds of a benchmark without a split.

    Every name is tested once. A fold is decided by the name alone, so folds differ in size; empty ones, and one that
    would leave nothing to train on, are left out.

    Raises
    ------
    UserError
        If ``k`` is below 2.
    """
    if k < 2:
        raise UserError(f"Cross-validation needs at least 2 folds, not {k}.")
    names = _canonical(names)
    of = {name: fold_of(name if seed == 0 else f"{seed}:{name}", k) for name in names}
    parts = [_split(names, [n for n in names if of[n] == fold]) for fold in range(k)]
    return [p for p in parts if p["train"] and p["test"]]


def random_split(names: Iterable[str], fraction: float = 0.2, seed: int = 0) -> Split:
    """Hold out a fraction of all perturbations, singles and combinations alike."""
    names = _canonical(names)
    return _usable(_split(names, _chosen(names, fraction, seed)), "random")


def unseen_singles(names: Iterable[str], fraction: float = 0.2, seed: int = 0) -> Split:
    """Hold out a fraction of the singles; combinations with a held-out target are in neither part."""
    names = _canonical(names)
    held = set(_chosen([n for n in names if len(targets(n)) == 1], fraction, seed))
    train = [n for n in names if not held & set(targets(n))]
    return _usable({"train": train, "test": [n for n in names if n in held]}, "unseen singles")


def combo_seen(names: Iterable[str], seen: int, fraction: float = 0.3, seed: int = 0) -> Split:
    """Hold out combinations of two of which 0, 1 or 2 targets were seen as singles in training.

    With 2, a fraction of the combinations whose singles are both there is held out and all else is training. With 0
    or 1, a fraction of the targets is unseen: training has nothing that contains one, and held out are the
    combinations of which exactly ``seen`` targets are training singles.

    Raises
    ------
    UserError
        Unless ``seen`` is 0, 1 or 2.
    """
    names = _canonical(names)
    if seen not in (0, 1, 2):
        raise UserError(f"Of the two targets of a combination 0, 1 or 2 can have been seen, not {seen}.")
    doubles = [n for n in names if len(targets(n)) == 2]
    if seen == 2:
        singles = _singles(names)
        possible = [n for n in doubles if singles.issuperset(targets(n))]
        return _usable(_split(names, _chosen(possible, fraction, seed)), "combinations with 2 seen targets")
    unseen = set(_chosen(sorted({t for n in names for t in targets(n)}), fraction, seed))
    train = [n for n in names if not unseen & set(targets(n))]
    singles = _singles(train)
    test = [n for n in doubles if unseen & set(targets(n)) and len(singles & set(targets(n))) == seen]
    return _usable({"train": train, "test": test}, f"combinations with {seen} seen targets")


def leave_one_context_out(conditions: Iterable[tuple[str, str]], context: str) -> dict[str, list[tuple[str, str]]]:
    """Hold out one context (cell line, donor, dose, ...): pairs (perturbation, context) in both parts.

    Perturbations of the held-out context may well be training perturbations in another: that is the question here.

    Raises
    ------
    UserError
        If there is no such context, or no other one to train on.
    """
    pairs = [(_name(name), str(where)) for name, where in conditions]
    pairs = [pair for pair in pairs if pair[0] != CONTROL]
    contexts = sorted({where for _, where in pairs})
    if context not in contexts:
        raise UserError(f"There is no context {context!r}; there are: {', '.join(contexts)}.")
    if len(contexts) < 2:
        raise UserError(f"{context!r} is the only context; holding it out leaves nothing to train on.")
    return {"train": [p for p in pairs if p[1] != context], "test": [p for p in pairs if p[1] == context]}


def _singles(names: Iterable[str]) -> set[str]:
    return {n for n in names if len(targets(n)) == 1}


def _chosen(names: list[str], fraction: float, seed: int) -> list[str]:
    """The fraction of the names (at least one) whose hashes are smallest."""
    if not 0 < fraction < 1:
        raise UserError(f"The held-out fraction must lie between 0 and 1, not {fraction}.")
    by_hash = sorted(names, key=lambda n: hashlib.sha256(f"{seed}:{n}".encode()).digest())
    return by_hash[: max(1, round(fraction * len(names)))]


def _split(names: list[str], test: Iterable[str]) -> Split:
    held = set(test)
    return {"train": [n for n in names if n not in held], "test": [n for n in names if n in held]}


def _usable(split: Split, what: str) -> Split:
    empty = [part for part in ("train", "test") if not split[part]]
    if empty:
        part = "training" if empty[0] == "train" else "held-out"
        raise UserError(f"The split '{what}' leaves no {part} perturbation here; choose another split or fraction.")
    return split


def _canonical(names: Iterable[str]) -> list[str]:
    """Canonical names, each once, in code-point order, without control."""
    return sorted({_name(n) for n in names} - {CONTROL})


def _name(name: str) -> str:
    canonical = parse_condition(name)
    if canonical is None:
        raise UserError(f"{name!r} does not name a perturbation.")
    return canonical
