"""The truth: observed means as a file has them become a benchmark without predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from perturbviz.benchmark import META, SCHEMA, VALUE_SPACES, Benchmark, scale
from perturbviz.benchmark.labels import LabelRules, genes_named_control, separators_of, vocabulary_of
from perturbviz.benchmark.perturbations import CONTROL, n_perturbed, targets
from perturbviz.errors import Choice, UserError
from perturbviz.readers.alignment import canonical_conditions, context_name, is_ensembl, unique_names
from perturbviz.readers.assemble.labels import control_findings, doubt_findings
from perturbviz.readers.assemble.shared import (
    SPACE_WORDS,
    check_finite,
    file_findings,
    gene_names,
    label_rules,
    single_matrix,
)
from perturbviz.readers.assemble.splits import with_splits
from perturbviz.readers.assemble.turned import turned_truth
from perturbviz.readers.base import Loaded, Options
from perturbviz.readers.check import Finding, Report, label_findings, odd_row_findings, plural


def build_truth(
    loaded: Loaded, options: Options | None = None, splits: Mapping[str, Mapping[Any, str]] | None = None
) -> tuple[Benchmark, Report]:
    """Benchmark without predictions (or the whole one of a canonical file), and what was understood."""
    options = options or Options()
    findings = file_findings(loaded, options)
    if loaded.benchmark is not None:
        benchmark = loaded.benchmark
        if splits:
            rules = LabelRules(vocabulary=known_targets(benchmark))
            benchmark, more = with_splits(benchmark, splits, rules)
            findings += more
        return benchmark, Report("truth", loaded.system, tuple(findings), {"matched": benchmark.adata.n_obs})
    profiles = single_matrix(loaded)
    separators = separators_of(options.separator) or loaded.separators
    both = vocabulary_of(map(str, (*profiles.labels, *(profiles.genes or ()))), separators)
    profiles, more = turned_truth(profiles, label_rules(loaded, options, both))
    findings += more
    genes = gene_names(profiles, options, loaded)
    measured = frozenset(genes) | frozenset(map(str, profiles.symbols or ()))
    alone = loaded.vocabulary | vocabulary_of(profiles.labels, separators)
    apart = genes_named_control(profiles.labels, options.control, measured)
    rules = label_rules(loaded, options, alone | measured, apart)
    conditions = canonical_conditions(profiles.labels, profiles.contexts, rules)
    if not conditions.names:
        raise UserError("The truth names no condition: check which column holds the labels.")
    findings += [
        *label_findings(conditions),
        *control_findings(profiles.labels, rules, measured, options),
        *doubt_findings(profiles.labels, rules, measured),
    ]
    findings += _slash_findings(profiles.contexts or ())
    values = conditions.combine(profiles.values, profiles.n_cells)
    check_finite(values, conditions.names, genes, "truth")
    space, more = _truth_space(values, profiles.value_space, loaded, options)
    findings += more
    if space == "lognorm":
        whole = ~np.isnan(values).any(axis=1)
        names = [n for n, w in zip(conditions.names, whole, strict=True) if w]
        findings += odd_row_findings(scale.odd_rows(values[whole]), names)
    n_cells = None if profiles.n_cells is None else conditions.total(profiles.n_cells)
    layers = {
        k: conditions.combine(m, profiles.n_cells, power=2 if k == "se" else 1)
        for k, m in loaded.layers.items()
        if not (conditions.merged and k.startswith("de_"))  # test statistics of two groups have no mean
    }
    adata, more = _truth_adata(values, conditions.names, conditions.contexts, genes, profiles.symbols, n_cells, layers)
    findings += more
    adata.uns[META] = _meta(loaded, space)
    if space == "lognorm":
        findings += _add_control(adata, options)
    benchmark, more = with_splits(Benchmark.from_adata(adata), splits or loaded.splits, rules)
    counts = {
        "matched": len(benchmark.n_perturbed),
        "merged": len(conditions.merged),
        "dropped": len(conditions.dropped),
        "genes_matched": adata.n_vars,
    }
    findings.append(_size_finding(benchmark))
    return benchmark, Report("truth", loaded.system, tuple(findings + more), counts)


def _slash_findings(contexts: Sequence[str]) -> list[Finding]:
    """Contexts whose names cannot stay as they are in the file."""
    items = tuple(f"{c} = {context_name(c)}" for c in sorted({c for c in contexts if "/" in str(c)}))
    text = "contexts with a slash are written with a dash"
    return [Finding("conditions", text, items=items)] if items else []


def _size_finding(benchmark: Benchmark) -> Finding:
    """How many singles, combinations, contexts and genes there are."""
    size = benchmark.n_perturbed
    what = [f"{plural(int((size == 1).sum()), 'single')}", f"{plural(int((size > 1).sum()), 'combination')}"]
    where = "" if len(benchmark.contexts) == 1 else f" in {len(benchmark.contexts)} contexts"
    return Finding("conditions", f"{' and '.join(what)}{where} on {plural(benchmark.adata.n_vars, 'gene')}.")


def _meta(loaded: Loaded, space: str) -> dict[str, Any]:
    """Provenance of the benchmark."""
    return {
        "schema": SCHEMA,
        "value_space": space,
        "title": loaded.title or "Untitled data set",
        "simulated": bool(loaded.source.get("simulated", False)),
        "methods": {},
        "source": {k: str(v) for k, v in loaded.source.items() if k != "simulated"} | {"system": loaded.system},
    }


def _truth_adata(values, names, contexts, genes, symbols, n_cells, layers) -> tuple[AnnData, list[Finding]]:
    """Canonical AnnData: contexts as they came, in each control, then singles, then combinations, by name."""
    rank = {c: i for i, c in enumerate(dict.fromkeys(contexts))}
    order = sorted(range(len(names)), key=lambda i: (rank[contexts[i]], n_perturbed(names[i]), names[i]))
    names, contexts = [names[i] for i in order], [contexts[i] for i in order]
    obs = pd.DataFrame(
        {
            "condition": names,
            "context": contexts,
            "is_control": [n == CONTROL for n in names],
            "n_perturbed": [n_perturbed(n) for n in names],
        },
        index=names if len(rank) == 1 else [f"{c}::{n}" for c, n in zip(contexts, names, strict=True)],
    )
    if n_cells is not None:
        obs["n_cells"] = n_cells[order]
    # perturbed genes are named by symbol: with symbols as names, a perturbation finds its own target
    ids = {"ensembl": genes} if is_ensembl(genes) else {"symbol": genes}
    if symbols is not None:
        ids.setdefault("ensembl" if is_ensembl(symbols) else "symbol", list(map(str, symbols)))
    index, repeated = unique_names(ids.get("symbol", genes))
    var = pd.DataFrame(ids if len(ids) > 1 else {}, index=pd.Index(index, dtype=object))
    adata = AnnData(np.ascontiguousarray(values[order], np.float32), obs=obs, var=var)
    for key, matrix in layers.items():
        adata.layers[key] = matrix[order].astype(np.float32)
    findings = []
    if repeated:
        text = f"{plural(len(repeated), 'gene name')} repeated; occurrences are told apart by .1, .2, ..."
        findings.append(Finding("genes", text, True, tuple(repeated)))
    return adata, findings


def _add_control(adata: AnnData, options: Options) -> list[Finding]:
    """The control mean of each context, one shared between contexts where a person says so; what is lacking."""
    control = adata.obs["is_control"].to_numpy(bool)
    contexts = adata.obs["context"].to_numpy()[control]
    means = dict(zip(contexts, adata.X[control], strict=True))
    lacking = [c for c in dict.fromkeys(adata.obs["context"]) if c not in means]
    findings = []
    if lacking and means and options.shared_control:
        cells = adata.obs["n_cells"].to_numpy(float)[control] if "n_cells" in adata.obs else np.ones(int(control.sum()))
        cells = np.where(np.isfinite(cells) & (cells > 0), cells, 1.0)
        shared = np.average(adata.X[control].astype(np.float64), axis=0, weights=cells).astype(np.float32)
        text = f"control of {', '.join(map(str, means))} serves the contexts that have none, as you say"
        findings.append(Finding("conditions", text, items=tuple(map(str, lacking))))
        means |= dict.fromkeys(lacking, shared)
        lacking = []
    if means:
        adata.varm["control_mean"] = pd.DataFrame(means, index=adata.var_names)
    if not lacking:
        return findings
    without = "changes against control and the no-change baseline are not available, changes against the perturbation "
    if not means:
        text = f"no control row: {without}mean are. Name the control label (--control) if the file has one."
        return [*findings, Finding("conditions", text, True)]
    text = (
        f"no control row for {', '.join(lacking)}, only for {', '.join(map(str, means))}: {without}mean are. If that "
        "control serves them too, such as vehicle at dose 0, say so (--shared-control)."
    )
    choice = Choice("shared_control", "yes", "The control serves all contexts")
    return [*findings, Finding("conditions", text, True, choices=(choice,))]


def _truth_space(values: np.ndarray, converted: str, loaded: Loaded, options: Options) -> tuple[str, list[Finding]]:
    """Value space of the truth and the sentences that say so."""
    observed = loaded.value_space if loaded.value_space != "embedding" or loaded.truth is None else "lognorm"
    declared = converted or observed or options.value_space
    counts = scale.looks_like_counts(values)
    if declared in ("counts", "embedding") or (counts and declared in ("", "lognorm")):
        if declared == "lognorm" and options.value_space == "lognorm":
            text = f"taken for {SPACE_WORDS[declared]} as you say, but the values look like {SPACE_WORDS['counts']}."
            return declared, [Finding("values", text, True)]
        raise UserError(
            f"The truth looks like {SPACE_WORDS[declared if declared in ('counts', 'embedding') else 'counts']} "
            f"(maximum {np.nanmax(values):,.0f}): the mean of counts cannot be log-normalised afterwards. "
            "Normalise and log1p each cell first (`python -m perturbviz aggregate` does), or declare "
            "--value-space lognorm."
        )
    if declared:
        if declared not in VALUE_SPACES:
            raise UserError(f"Unknown value space {declared!r}: use {', '.join(VALUE_SPACES)}.")
        findings = [Finding("values", f"values are {SPACE_WORDS[declared]}.")]
        if declared == "lognorm" and scale.many_negative(values):
            text = "many values are negative, which measured expression never is: are these scaled values, or changes?"
            findings.append(Finding("values", text, True))
        return declared, findings
    if scale.many_negative(values):
        raise UserError(
            "The truth holds many negative values: say whether they are changes against control (--value-space delta), "
            "log-normalised expression (lognorm) or signed -log10 p-values (signed_logp).",
            (
                Choice("value_space", "delta", "Treat as changes"),
                Choice("value_space", "lognorm", "They are expression"),
                Choice("value_space", "signed_logp", "They are signed -log10 p"),
            ),
        )
    return "lognorm", [
        Finding("values", f"values taken for {SPACE_WORDS['lognorm']} (maximum {np.nanmax(values):.2f}).")
    ]


def known_targets(benchmark: Benchmark) -> frozenset[str]:
    """Every perturbed gene of the truth: the vocabulary for labels joined by "_"."""
    return frozenset(t for c in benchmark.conditions for t in targets(c))
