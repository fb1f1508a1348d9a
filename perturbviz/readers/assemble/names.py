"""Names of a prediction in the words of the truth: conditions and contexts spelled otherwise, or without a match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.labels import Spellings
from perturbviz.benchmark.perturbations import CONTROL, targets
from perturbviz.errors import Choice, UserError
from perturbviz.readers.alignment import Conditions, context_name, is_ensembl
from perturbviz.readers.base import NO_CONTEXT, Profiles
from perturbviz.readers.check import Finding, plural


def measured_names(benchmark: Benchmark, profiles: Profiles | None = None) -> frozenset[str]:
    """Every name of every measured gene: of the truth, and of the file where one is given."""
    var = benchmark.adata.var
    names = set(map(str, var.index))
    for kind in ("ensembl", "symbol"):
        names |= set(var[kind].astype(str)) if kind in var else set()
    if profiles is not None:
        names |= set(map(str, profiles.genes or ())) | set(map(str, profiles.symbols or ()))
    return frozenset(names)


def matched_names(conditions: Conditions, benchmark: Benchmark, profiles: Profiles) -> tuple[Conditions, list[Finding]]:
    """Conditions under the truth's names where they are only spelled otherwise."""
    ours = {str(c) for c in benchmark.conditions}
    same = Spellings(_ids(benchmark, profiles)).same(conditions.names, ours)
    if not same:
        return conditions, []
    text = f"{plural(len(same), 'condition')} matched although spelled differently"
    items = tuple(f"{theirs} = {mine}" for theirs, mine in same.items())
    names = tuple(same.get(n, n) for n in conditions.names)
    return replace(conditions, names=names), [Finding("conditions", text, items=items)]


def _ids(benchmark: Benchmark, profiles: Profiles) -> dict[str, str]:
    """Ensembl id -> symbol, from the truth's and the file's two names of each gene."""
    pairs: dict[str, str] = {}
    var = benchmark.adata.var
    if "ensembl" in var:
        second = var.get("symbol", var.index)
        pairs |= dict(zip(map(str, var["ensembl"]), map(str, second), strict=True))
    if profiles.genes is not None and profiles.symbols is not None:
        genes, symbols = list(map(str, profiles.genes)), list(map(str, profiles.symbols))
        pairs |= dict(zip(*((genes, symbols) if is_ensembl(genes) else (symbols, genes)), strict=True))
    return {a: b for a, b in pairs.items() if is_ensembl([a])}


def match_contexts(profiles: Profiles, benchmark: Benchmark) -> tuple[list[str] | None, list[Finding]]:
    """Contexts of a prediction's rows in the truth's words."""
    theirs = None if profiles.contexts is None else [context_name(c) for c in profiles.contexts]
    if len(benchmark.contexts) == 1:
        (only,) = benchmark.contexts
        names = set(theirs or ())
        if len(names) <= 1:  # labels such as a dummy cell type do not decide anything where there is one context
            text = f"its one context {names.pop()!r} is taken for the truth's {only!r}." if names - {only} else ""
            return [only] * len(profiles.labels), [Finding("conditions", text)] if text else []
    if theirs is None:
        raise UserError(
            f"The truth has {len(benchmark.contexts)} contexts ({', '.join(benchmark.contexts[:5])}) and the "
            "prediction does not say which of them a row belongs to: name the column that does (--context)."
        )
    same = Spellings().same(dict.fromkeys(theirs), benchmark.contexts)
    theirs = [same.get(c, c) for c in theirs]
    given, ours = list(dict.fromkeys(theirs)), list(benchmark.contexts)
    if not set(given) & set(ours):
        how = "name the column that holds the truth's contexts (--context)"
        choices: tuple[Choice, ...] = ()
        if len(ours) == 1:
            how += f", leave the context aside (--context {NO_CONTEXT}), or keep the rows only that belong to it"
            choices = (Choice("context", NO_CONTEXT, "Leave the context aside"),)
        raise UserError(
            f"The contexts do not match: the prediction has {', '.join(map(repr, given[:5]))}, the truth "
            f"{', '.join(map(repr, ours[:5]))}: write them alike, or {how}.",
            choices,
        )
    if not same:
        return theirs, []
    text = f"{plural(len(same), 'context')} matched although spelled differently"
    return theirs, [Finding("conditions", text, items=tuple(f"{a} = {b}" for a, b in same.items()))]


def explain_no_match(conditions: Conditions, benchmark: Benchmark, display: str) -> None:
    """Refuse with what differs: the contexts, the kind of name, the separator, or the perturbations themselves."""
    if conditions.names and set(conditions.names) == {CONTROL}:
        raise UserError(
            f"{display}: every row is labelled as control. Some tools copy the labels of the control cells they start "
            "from: write the predicted perturbation into the labels, or map them (--rename)."
        )
    ours = [str(c) for c in benchmark.conditions if c != CONTROL]
    theirs = list(dict.fromkeys(n for n in conditions.names if n != CONTROL))
    shared = sorted(set(ours) & set(theirs))
    pairs = set(zip(conditions.contexts, conditions.names, strict=True))
    if any(
        p in pairs for p in zip(benchmark.row_contexts, map(str, benchmark.conditions), strict=True) if p[1] in shared
    ):
        raise UserError(f"{display}: its rows hold no values, every one is empty (NaN): fill in what is predicted.")
    if shared:
        where = _by_context(dict(zip(conditions.names, conditions.contexts, strict=True)), shared)
        here = _by_context(dict(zip(map(str, benchmark.conditions), benchmark.row_contexts, strict=True)), shared)
        raise UserError(
            f"{display}: its perturbations are those of the truth ({', '.join(shared[:3])}), but in other contexts: "
            f"predicted in {where}, measured in {here}. Name the column of the context (--context), or write the "
            "contexts alike."
        )
    kind = _kinds(theirs, ours)
    raise UserError(
        f"{display}: none of its conditions ({', '.join(theirs[:3]) or 'none named'}) is in the truth "
        f"({', '.join(ours[:3])}). {kind}"
    )


def _by_context(rows: Mapping[str, str], shared: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(str(rows[n]) for n in shared if n in rows))[:100]


def _kinds(theirs: Sequence[str], ours: Sequence[str]) -> str:
    """What kind of difference it is, and what to do."""
    ids = [is_ensembl([t for n in names for t in targets(n)]) for names in (theirs, ours)]
    if ids[0] != ids[1]:
        words = ("Ensembl ids", "symbols") if ids[0] else ("symbols", "Ensembl ids")
        return f"They are {words[0]}, those of the truth {words[1]}: map one to the other (--rename)."
    pieces = {p for n in theirs for p in re.split(r"[^\w.-]+|_", n) if p}
    known = {t for n in ours for t in targets(n)}
    if len(pieces & known) > 1:
        return "The names of the truth are in them, joined by another sign: name the separator (--separator)."
    return "Check the labels, or map them (--rename)."
