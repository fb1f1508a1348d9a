"""Predictions: rows as a file has them are matched by name to a benchmark, checked, and added to a copy of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from perturbviz.alignment import Conditions, GeneMatch, canonical_conditions, context_name, match_genes
from perturbviz.assemble.shared import SPACE_WORDS, check_finite, file_findings, gene_names, label_rules
from perturbviz.assemble.truth import known_targets
from perturbviz.benchmark import Benchmark, slugify
from perturbviz.check import (
    UNSEEN,
    Finding,
    Report,
    coverage_findings,
    gene_findings,
    label_findings,
    looks_like,
    value_findings,
)
from perturbviz.errors import UserError
from perturbviz.perturbations import CONTROL
from perturbviz.readers import SYSTEMS
from perturbviz.readers.base import Loaded, Options, Profiles
from perturbviz.readers.decoder import decode


def add_prediction(
    benchmark: Benchmark,
    loaded: Loaded,
    options: Options | None = None,
    name: str = "",
    seed: str = "",
    *,
    beside_truth: bool = False,
) -> tuple[Benchmark, Report]:
    """A benchmark with what ``loaded`` predicts, and the report; the given benchmark is not touched.

    Where the prediction lacks genes, the new benchmark keeps only the genes that it has, and the report counts them.
    A method of the same name and seed is replaced.

    Parameters
    ----------
    name, seed
        What a person calls the method and which split it belongs to; "" = as in the file.
    beside_truth
        The predictions come with the truth's own file, of which the report has been given.

    Raises
    ------
    UserError
        Where the file cannot be matched, or its values do not go with the truth's.
    """
    options = options or Options()
    found = as_predictions(loaded)
    methods = {m for m, _ in found}
    findings = [] if beside_truth else file_findings(loaded, options)
    counts: dict[str, int] = {}
    for (method, own_seed), profiles in found.items():
        key = name if name and len(methods) == 1 else f"{name} {method}".strip() or loaded.title or "prediction"
        display = loaded.names.get(key, key)
        its_seed = seed if seed and len(found) == 1 else own_seed
        benchmark, more, numbers = _add_one(benchmark, profiles, loaded, options, key, display, its_seed)
        prefix = "" if len(found) == 1 else f"{display}{f' ({its_seed})' if its_seed else ''}: "
        findings += [Finding(f.topic, prefix + f.text, f.warning, f.items) for f in more]
        counts = {k: counts.get(k, 0) + v for k, v in numbers.items()}
    findings.append(Finding("split", UNSEEN))
    title = "predictions beside the truth" if beside_truth else name or loaded.title or "predictions"
    return benchmark, Report(title, loaded.system, tuple(findings), counts)


def as_predictions(loaded: Loaded) -> Mapping[tuple[str, str], Profiles]:
    """(method, seed) -> rows, whatever the role of the file was when it was written."""
    if loaded.benchmark is not None:
        return _from_benchmark(loaded.benchmark)
    if loaded.predictions:
        return loaded.predictions
    if loaded.truth is not None:
        return {("", ""): loaded.truth}
    if loaded.scores is not None:
        raise UserError(
            f"{loaded.title or 'This file'} holds scores, not predictions: it can be shown as a table of scores, but to "
            "be measured in other ways the predicted values of each gene are needed."
        )
    raise UserError("The file holds no predictions." + (" " + " ".join(loaded.notes) if loaded.notes else ""))


def _from_benchmark(b: Benchmark) -> dict[tuple[str, str], Profiles]:
    rows, contexts, genes = list(b.conditions), list(b.row_contexts), [*map(str, b.genes)]
    layers = {(m, s): b.adata.layers[k] for m, seeds in b._layers.items() for s, k in seeds.items()}
    return {key: Profiles(m, rows, genes, contexts=contexts) for key, m in (layers or {("", ""): b.truth}).items()}


def _add_one(
    benchmark: Benchmark, profiles: Profiles, loaded: Loaded, options: Options, key: str, display: str, seed: str
) -> tuple[Benchmark, list[Finding], dict[str, int]]:
    matrix, findings, counts = _match_rows(benchmark, profiles, loaded, options, display)
    have = ~np.isnan(matrix).all(axis=1)
    if loaded.value_space == "embedding" and not options.value_space:
        matrix, sentence = decode(benchmark, matrix, seed)
        columns, space = np.arange(benchmark.adata.n_vars), benchmark.value_space
        findings.append(Finding("values", sentence))
    else:
        genes = gene_names(profiles, options, loaded)
        match = _match_columns(benchmark, matrix[have], genes, profiles, options, display)
        findings += gene_findings(match, list(benchmark.genes))
        counts |= _gene_counts(match)
        columns = np.flatnonzero(match.column >= 0)
        matrix = matrix[:, match.column[columns]]
        check_finite(matrix, list(benchmark.conditions), [str(g) for g in benchmark.genes[columns]], display)
        space = _prediction_space(matrix[have], profiles.value_space, loaded, options, benchmark, display)
    control = np.stack([benchmark.control(c) for c in benchmark.row_contexts])[:, columns]
    if space == "delta" and benchmark.value_space == "lognorm":
        if np.isnan(control[have]).any():
            raise UserError(f"{display} predicts changes, and the truth has no control mean to add them to.")
        matrix = matrix + control
        findings.append(Finding("values", "predicted changes were added to the truth's control mean."))
    known = have & ~np.isnan(benchmark.truth).any(axis=1)
    if known.any():
        truth = benchmark.truth[known][:, columns]
        findings += value_findings(matrix[known], truth, control[known], benchmark.value_space)
    if len(columns) < benchmark.adata.n_vars:
        benchmark = Benchmark.from_adata(benchmark.adata[:, columns].copy())
    if seed and seed not in benchmark.seeds and any(c.startswith("split__") for c in benchmark.adata.obs):
        text = f"seed {seed!r} is not among the splits ({', '.join(benchmark.seeds)}): it is kept but not scored."
        findings.append(Finding("split", text, True))
    slug = _slug(benchmark, key, display)
    layers = {s: benchmark.layers[k] for s, k in benchmark._layers.get(slug, {}).items() if s != seed}
    reader = SYSTEMS.get(loaded.system)
    note = f"Read as {reader.name if reader else 'matrix'} from {loaded.source.get('file', 'memory')}."
    if layers:  # other seeds stay, and so does what is known of them, whichever was read first
        note = "\n".join(sorted({note, *_note(benchmark, slug).splitlines()}))
    return benchmark.with_predictions(slug, display, {**layers, seed: matrix}, note=note), findings, counts


def _note(benchmark: Benchmark, slug: str) -> str:
    return str(benchmark.meta.get("methods", {}).get(slug, {}).get("note", ""))


def _match_rows(
    benchmark: Benchmark, profiles: Profiles, loaded: Loaded, options: Options, display: str
) -> tuple[np.ndarray, list[Finding], dict[str, int]]:
    """Predicted rows in the order of the benchmark, NaN where there is none: (rows, columns of the file)."""
    rules = label_rules(loaded, options, known_targets(benchmark) | loaded.vocabulary)
    contexts, findings = _contexts(profiles, benchmark)
    conditions = canonical_conditions(profiles.labels, contexts, rules)
    findings += label_findings(conditions)
    rows = {(c, n): i for i, (c, n) in enumerate(zip(conditions.contexts, conditions.names, strict=True))}
    wanted = list(zip(benchmark.row_contexts, benchmark.conditions, strict=True))
    values = conditions.combine(profiles.values, profiles.n_cells)
    matrix = np.full((len(wanted), values.shape[1]), np.nan, np.float32)
    for i, pair in enumerate(wanted):
        if pair[1] != CONTROL and pair in rows:
            matrix[i] = values[rows[pair]]
    have = ~np.isnan(matrix).all(axis=1)
    if not have.any():
        _explain_no_match(conditions, benchmark, display)
    known = set(wanted)
    missing = [wanted[i][1] for i in np.flatnonzero(~have) if wanted[i][1] != CONTROL]
    extra = sorted(n for c, n in rows if (c, n) not in known and n != CONTROL)
    findings += coverage_findings(int(have.sum()), missing, extra)
    if CONTROL in conditions.names:
        text = "its control row is left out: control is always the measured one, the same for all methods."
        findings.append(Finding("conditions", text))
    counts = {
        "matched": int(have.sum()),
        "merged": len(conditions.merged),
        "missing": len(missing),
        "extra": len(extra),
        "dropped": len(conditions.dropped),
    }
    return matrix, findings, counts


def _match_columns(
    benchmark: Benchmark, predicted: np.ndarray, genes: list[str], profiles: Profiles, options: Options, display: str
) -> GeneMatch:
    """Place of the benchmark's genes in the file; a gene that is missing from every predicted row is a missing gene."""
    match = match_genes(benchmark.adata.var, genes, profiles.symbols, options.rename)
    empty = np.isnan(predicted).all(axis=0)
    match = replace(match, column=np.where((match.column >= 0) & ~empty[match.column], match.column, -1))
    if (match.column < 0).all():
        raise UserError(
            f"{display}: none of its genes (such as {genes[0]!r}) is in the truth (such as {benchmark.genes[0]!r}). "
            "Are rows and columns swapped, or are other gene names used (--rename)?"
        )
    return match


def _gene_counts(match: GeneMatch) -> dict[str, int]:
    have = int((match.column >= 0).sum())
    return {
        "genes_matched": have,
        "genes_missing": len(match.column) - have,
        "genes_renamed": len(match.renamed),
        "genes_duplicated": len(match.duplicated),
        "genes_extra": len(match.extra),
    }


def _slug(benchmark: Benchmark, key: str, display: str) -> str:
    """Layer name: that of the method of this display name, or a new one."""
    slug = base = slugify(key)
    n = 2
    while slug in benchmark.methods and benchmark.display_name(slug) != display:
        slug, n = f"{base}-{n}", n + 1
    return slug


def _contexts(profiles: Profiles, benchmark: Benchmark) -> tuple[list[str] | None, list[Finding]]:
    """Contexts of a prediction's rows in the truth's words."""
    theirs = None if profiles.contexts is None else [context_name(c) for c in profiles.contexts]
    if len(benchmark.contexts) == 1:
        (only,) = benchmark.contexts
        names = set(theirs or ())
        if len(names) <= 1:  # labels such as a dummy cell type do not decide anything where there is one context
            text = f"its one context {names.pop()!r} is taken for the truth's {only!r}." if names - {only} else ""
            return [only] * len(profiles.labels), [Finding("conditions", text)] if text else []
        if only not in names:
            raise UserError(
                f"The prediction has the contexts {', '.join(sorted(names)[:5])}, the truth only {only!r}: "
                "rename the one that is meant (--rename) or keep its rows only."
            )
        return theirs, []
    if theirs is None:
        raise UserError(
            f"The truth has {len(benchmark.contexts)} contexts ({', '.join(benchmark.contexts[:5])}) and the prediction "
            "does not say which of them a row belongs to: name the column that does (--context)."
        )
    return theirs, []


def _prediction_space(
    values: np.ndarray, converted: str, loaded: Loaded, options: Options, b: Benchmark, display: str
) -> str:
    """Value space of a prediction; refuses what cannot be brought to the truth's or contradicts what it should be."""
    declared = converted or options.value_space or loaded.value_space or b.value_space
    ours = b.value_space
    if not options.value_space:
        found, truth_looks = looks_like(values), looks_like(b.truth)
        if declared == "lognorm" and found and found != truth_looks:
            raise UserError(
                f"{display}: the values look like {SPACE_WORDS[found]} (from {values.min():.3g} to {values.max():.3g}) and "
                f"not like {SPACE_WORDS['lognorm']}: declare what they are (--value-space delta, counts or lognorm)."
            )
        if declared == "delta" and found == "counts":
            raise UserError(f"{display}: values up to {values.max():,.0f} are no changes: declare --value-space.")
    if declared == "counts":
        raise UserError(
            f"{display} holds means of counts, which cannot be log-normalised after averaging: normalise each cell to the "
            "truth's total and take log1p before the mean."
        )
    if declared == ours or (declared, ours) == ("delta", "lognorm"):
        return declared
    raise UserError(
        f"{display} holds {SPACE_WORDS.get(declared, declared)}, but the truth holds {SPACE_WORDS[ours]}"
        + (
            ": subtract the control mean that belongs to this truth first."
            if ours == "delta"
            else ": they cannot be compared."
        )
    )


def _explain_no_match(conditions: Conditions, benchmark: Benchmark, display: str) -> None:
    if conditions.names and set(conditions.names) == {CONTROL}:
        raise UserError(
            f"{display}: every row is labelled as control. Some tools copy the labels of the control cells they start "
            "from: write the predicted perturbation into the labels, or map them (--rename)."
        )
    ours = [c for c in benchmark.conditions if c != CONTROL][:3]
    theirs = [n for n in conditions.names if n != CONTROL][:3]
    raise UserError(
        f"{display}: none of its conditions ({', '.join(theirs) or 'none named'}) is in the truth ({', '.join(ours)}). "
        "Check the labels, or map them (--rename)."
    )
