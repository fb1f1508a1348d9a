"""Training, validation and test parts: from what files say to columns of a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anndata import AnnData

from perturbviz.benchmark import Benchmark
from perturbviz.benchmark.perturbations import CONTROL
from perturbviz.benchmark.splits import PART_WORDS
from perturbviz.errors import UserError
from perturbviz.readers.alignment import LabelRules, context_name
from perturbviz.readers.check import Finding, Report, plural, split_findings


def with_splits(
    benchmark: Benchmark, splits: Mapping[str, Mapping[Any, str]], rules: LabelRules
) -> tuple[Benchmark, list[Finding]]:
    """The benchmark with the given splits in place of its own; a perturbation in two parts counts as training."""
    if not splits:
        return benchmark, []
    adata, findings = benchmark.adata, []
    obs = adata.obs[[c for c in adata.obs if c != "split" and not c.startswith("split__")]].copy()
    for seed, table in splits.items():
        parts: dict[tuple[str | None, str], set[str]] = {}
        taken: dict[str, str] = {}
        for key, word in table.items():
            context, label = key if isinstance(key, tuple) else (None, key)
            context = None if context is None else context_name(context)
            name = rules(label)
            part = PART_WORDS.get(str(word).strip().lower())
            if part != str(word).strip().lower():
                taken[str(word).strip()] = part or ""
            if name is not None and part:
                parts.setdefault((context, name), set()).add(part)
        findings += _word_findings(taken)
        twice = sorted(name for (_, name), p in parts.items() if len(p) > 1 and name != CONTROL)
        if twice:
            text = (
                f"split{f' {seed}' if seed else ''}: {plural(len(twice), 'perturbation')} in more than one part, "
                "kept as training"
            )
            findings.append(Finding("split", text, True, tuple(twice)))
        known = set(obs["condition"])
        extra = sorted({name for _, name in parts} - known - {CONTROL})
        if extra:
            text = f"split{f' {seed}' if seed else ''} names {plural(len(extra), 'perturbation')} that the truth lacks"
            findings.append(Finding("split", text, items=tuple(extra)))
        if not ({name for _, name in parts} & known):
            raise UserError("The split names none of the truth's conditions: it belongs to other data.")
        column = []
        for context, name in zip(obs["context"], obs["condition"], strict=True):
            here = parts.get((context, name)) or parts.get((None, name)) or {"unassigned"}
            column.append("unassigned" if name == CONTROL else "train" if "train" in here else sorted(here)[0])
        obs[f"split__{seed}" if seed else "split"] = column
    changed = AnnData(adata.X, obs=obs, var=adata.var, layers=dict(adata.layers), varm=dict(adata.varm), uns=adata.uns)
    return Benchmark.from_adata(changed), findings


def _word_findings(taken: Mapping[str, str]) -> list[Finding]:
    """Which words for parts were taken for which, and which say nothing."""
    out = []
    known = tuple(f"{word} is {part}" for word, part in taken.items() if part)
    odd = tuple(w for w, part in taken.items() if not part and w.lower() not in ("", "nan", "none", "na", "unassigned"))
    if known:
        out.append(Finding("split", "parts under other words", items=known))
    if odd:
        out.append(Finding("split", "parts that are not understood, their perturbations stay unassigned", True, odd))
    return out


def with_split(report: Report, benchmark: Benchmark) -> Report:
    """Report with the split table at its end."""
    return Report(report.name, report.system, (*report.findings, *split_findings(benchmark)), report.counts)
