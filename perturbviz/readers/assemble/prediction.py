"""Predictions: rows as a file has them are matched by name to a benchmark, checked, and added to a copy of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perturbviz.benchmark import Benchmark, scale, slugify
from perturbviz.benchmark.benchmark import LEFT_OUT
from perturbviz.benchmark.perturbations import CONTROL
from perturbviz.benchmark.splits import HELD_OUT
from perturbviz.errors import Choice, UserError
from perturbviz.readers import SYSTEMS
from perturbviz.readers.alignment import GeneMatch, canonical_conditions, match_genes
from perturbviz.readers.assemble.labels import doubt_findings
from perturbviz.readers.assemble.names import explain_no_match, match_contexts, matched_names, measured_names
from perturbviz.readers.assemble.shared import SPACE_WORDS, check_finite, file_findings, gene_names, label_rules
from perturbviz.readers.assemble.truth import known_targets
from perturbviz.readers.assemble.turned import turned_prediction
from perturbviz.readers.base import Loaded, Options, Profiles, run_name
from perturbviz.readers.check import (
    UNSEEN,
    Finding,
    Report,
    coverage_findings,
    gene_findings,
    label_findings,
    value_findings,
)
from perturbviz.readers.decoder import decode

_CHANGES = Choice("value_space", "delta", "Treat as changes")
_EXPRESSION = Choice("value_space", "lognorm", "They are expression")
_SPACES = (_CHANGES, _EXPRESSION)


@dataclass(frozen=True, eq=False)
class _Aligned:
    """One prediction on the rows of a benchmark and the genes of it that the file has."""

    key: str
    display: str
    seed: str
    matrix: np.ndarray
    columns: np.ndarray
    findings: list[Finding]
    counts: dict[str, int]

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return run_name(self.display, self.seed)


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
    A method of the same name and seed is replaced. Of several methods in one file those that cannot be used are left
    out and named in the report (``lost``).

    Parameters
    ----------
    name, seed
        What a person calls the method and which split it belongs to; "" = as in the file.
    beside_truth
        The predictions come with the truth's own file, of which the report has been given.

    Raises
    ------
    UserError
        Where nothing in the file can be matched, or no values go with the truth's.
    """
    options = options or Options()
    found, unknown = _wanted(as_predictions(loaded), loaded, options)
    methods = {m for m, _ in found}
    findings = unknown if beside_truth else [*file_findings(loaded, options), *unknown]
    aligned: list[_Aligned] = []
    lost: dict[str, str] = dict(loaded.left_out)
    for (method, own_seed), profiles in found.items():
        key = name if name and len(methods) == 1 else f"{name} {method}".strip() or loaded.title or "prediction"
        display = loaded.names.get(key, key)
        its_seed = seed if seed and len(found) == 1 else own_seed
        try:
            aligned.append(_align(benchmark, profiles, loaded, options, key, display, its_seed))
        except UserError as error:
            if len(found) == 1 and not lost:
                raise
            lost[run_name(display, its_seed)] = str(error)
    if not aligned:
        (first, why), *_ = lost.items()
        raise UserError(f"None of the {len(lost)} predictions in the file can be used. {first}: {why}")
    sentences = [f"{who} is left out: {why}" for who, why in lost.items()]
    findings += [Finding("file", text, True) for text in sentences]
    findings += _said_once(aligned)
    counts: dict[str, int] = {}
    for one in aligned:
        counts = {k: counts.get(k, 0) + v for k, v in one.counts.items()}
    findings += _gene_costs(benchmark, aligned)
    findings.append(Finding("split", UNSEEN))
    title = "predictions beside the truth" if beside_truth else name or loaded.title or "predictions"
    out, slugs = _put(benchmark, aligned, loaded, sentences)
    return out, Report(title, loaded.system, tuple(findings), counts, tuple(lost), slugs)


def _said_once(aligned: Sequence[_Aligned]) -> list[Finding]:
    """The findings of all predictions of a file, each once, with whom it is about."""
    about: dict[Finding, list[str]] = {}
    for one in aligned:
        for finding in one.findings:
            about.setdefault(finding, []).append(one.name)
    if len(aligned) == 1:
        return list(about)
    out = []
    for f, who in about.items():
        many = f"all {len(who)} predictions" if len(who) == len(aligned) else f"{who[0]} and {len(who) - 1} more"
        out.append(replace(f, text=f"{who[0] if len(who) == 1 else many}: {f.text}"))
    return out


def _wanted(
    found: Mapping[tuple[str, str], Profiles], loaded: Loaded, options: Options
) -> tuple[Mapping[tuple[str, str], Profiles], list[Finding]]:
    """What of a file is to be added: all but the methods that a person leaves out; and which of these it lacks."""
    methods = {method for method, _ in found}
    if len(methods) < 2 or not options.without:
        return found, []
    out, unknown = without(methods, loaded.names, options.without)
    findings = []
    if unknown:
        text = f"{', '.join(unknown)} is no method of this file and cannot be left out; it has"
        findings.append(Finding("file", text, True, tuple(sorted(methods))))
    if not (rest := {key: rows for key, rows in found.items() if key[0] not in out}):
        raise UserError(f"{loaded.title or 'The file'}: every method is left out (--without).")
    return rest, findings


def without(methods: Collection[str], names: Mapping[str, str], words: Sequence[str]) -> tuple[set[str], list[str]]:
    """Methods that a person leaves out, by id or display name in any case, and the words that name none."""
    known = {word.lower(): m for m in methods for word in (m, names.get(m, m))}
    given = {w: known.get(w.strip().lower()) for w in words}
    return {m for m in given.values() if m}, [w for w, m in given.items() if not m]


def _gene_costs(benchmark: Benchmark, aligned: Sequence[_Aligned]) -> list[Finding]:
    """Which of several methods cost all of them how many genes."""
    lacking: dict[str, set[int]] = {}
    for one in aligned:
        missing = set(range(benchmark.adata.n_vars)) - set(one.columns.tolist())
        lacking[one.display] = lacking.get(one.display, set()) | missing
    text = gene_costs(lacking, benchmark.adata.n_vars) if len(lacking) > 1 else ""
    return [Finding("genes", text, True)] if text else []


def gene_costs(lacking: Mapping[str, Collection[Any]], n_genes: int) -> str:
    """Sentence on the genes that are lost because some method lacks them; "" where none is.

    Parameters
    ----------
    lacking
        Method -> genes of the truth that it does not predict.
    n_genes
        How many genes the truth has.
    """
    gone = set().union(*lacking.values())
    if not gone:
        return ""
    parts = []
    several = sum(map(bool, lacking.values())) > 1
    for who, genes in sorted(lacking.items(), key=lambda item: -len(item[1])):
        if genes:
            others = set().union(*(g for m, g in lacking.items() if m != who))
            alone = len(set(genes) - others)
            parts.append(f"{who} lacks {len(genes):,}" + (f", {alone or 'none'} of them alone" if several else ""))
    return (
        f"{n_genes - len(gone):,} of {n_genes:,} genes are kept, those that every method predicts: {'; '.join(parts)}. "
        "To keep more genes leave a method out (--without NAME)."
    )


def _put(
    benchmark: Benchmark, aligned: Sequence[_Aligned], loaded: Loaded, lost: Sequence[str]
) -> tuple[Benchmark, tuple[str, ...]]:
    """The benchmark on the genes that all have, with the predictions as layers, what was lost said; slugs."""
    keep = np.arange(benchmark.adata.n_vars)
    for one in aligned:
        keep = np.intersect1d(keep, one.columns, assume_unique=True)
    if not len(keep):
        raise UserError("The methods of this file have no gene in common: add them one by one (--without NAME).")
    if len(keep) < benchmark.adata.n_vars:
        benchmark = Benchmark.from_adata(benchmark.adata[:, keep].copy())
    reader = SYSTEMS.get(loaded.system)
    origin = f"Read as {reader.name if reader else 'matrix'} from {loaded.source.get('file', 'memory')}."
    slugs: dict[str, None] = {}
    for one in aligned:
        slug = _slug(benchmark, one.key, one.display)
        slugs[slug] = None
        layers = {s: benchmark.layers[k] for s, k in benchmark._layers.get(slug, {}).items() if s != one.seed}
        # other seeds stay, and so does what is known of them, whichever was read first
        note = "\n".join(sorted({origin, *_note(benchmark, slug).splitlines()})) if layers else origin
        matrix = one.matrix[:, np.searchsorted(one.columns, keep)]
        benchmark = benchmark.with_predictions(slug, one.display, {**layers, one.seed: matrix}, note=note)
    if lost:
        before = benchmark.source.get(LEFT_OUT, "")
        benchmark = benchmark.with_source({LEFT_OUT: "\n".join([*filter(None, [before]), *lost])})
    return benchmark, tuple(slugs)


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
            f"{loaded.title or 'This file'} holds scores, not predictions: it can be shown as a table of scores, "
            "but to be measured in other ways the predicted values of each gene are needed."
        )
    raise UserError("The file holds no predictions." + (" " + " ".join(loaded.notes) if loaded.notes else ""))


def _from_benchmark(b: Benchmark) -> dict[tuple[str, str], Profiles]:
    rows, contexts, genes = list(b.conditions), list(b.row_contexts), [*map(str, b.genes)]
    layers = {(m, s): b.adata.layers[k] for m, seeds in b._layers.items() for s, k in seeds.items()}
    return {key: Profiles(m, rows, genes, contexts=contexts) for key, m in (layers or {("", ""): b.truth}).items()}


def _align(
    benchmark: Benchmark, profiles: Profiles, loaded: Loaded, options: Options, key: str, display: str, seed: str
) -> _Aligned:
    """Match one prediction to a benchmark by name, bring it to the truth's value space, and check it."""
    profiles, turned = _turn(benchmark, profiles, loaded, options)
    matrix, findings, counts = _match_rows(benchmark, profiles, loaded, options, display)
    findings = [*turned, *findings]
    have = ~np.isnan(matrix).all(axis=1)
    control = np.stack([benchmark.control(c) for c in benchmark.row_contexts])
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
        matrix, control = matrix[:, match.column[columns]], control[:, columns]
        check_finite(matrix, list(benchmark.conditions), [str(g) for g in benchmark.genes[columns]], display)
        looks = scale.agreement(matrix[have], benchmark.truth[:, columns], control[have])
        space, more = _prediction_space(matrix[have], looks, profiles.value_space, loaded, options, benchmark, display)
        findings += more
    if space == "delta" and benchmark.value_space == "lognorm":
        if np.isnan(control[have]).any():
            raise UserError(f"{display} predicts changes, and the truth has no control mean to add them to.")
        matrix = matrix + control
        findings.append(Finding("values", "predicted changes were added to the truth's control mean."))
    known = have & ~np.isnan(benchmark.truth).any(axis=1)
    if known.any():
        truth = benchmark.truth[known][:, columns]
        names = [str(c) for c in benchmark.conditions[known]]
        findings += value_findings(matrix[known], truth, control[known], benchmark.value_space, names)
    if seed and seed not in benchmark.seeds and any(c.startswith("split__") for c in benchmark.adata.obs):
        text = f"seed {seed!r} is not among the splits ({', '.join(benchmark.seeds)}): it is kept but not scored."
        findings.append(Finding("split", text, True))
    return _Aligned(key, display, seed, matrix, columns, findings, counts)


def _note(benchmark: Benchmark, slug: str) -> str:
    return str(benchmark.meta.get("methods", {}).get(slug, {}).get("note", ""))


def _turn(benchmark: Benchmark, profiles: Profiles, loaded: Loaded, options: Options) -> tuple[Profiles, list[Finding]]:
    known = known_targets(benchmark) | measured_names(benchmark) | loaded.vocabulary
    return turned_prediction(profiles, benchmark, label_rules(loaded, options, known))


def _match_rows(
    benchmark: Benchmark, profiles: Profiles, loaded: Loaded, options: Options, display: str
) -> tuple[np.ndarray, list[Finding], dict[str, int]]:
    """Predicted rows in the order of the benchmark, NaN where there is none: (rows, columns of the file)."""
    measured = measured_names(benchmark, profiles)
    rules = label_rules(loaded, options, known_targets(benchmark) | measured | loaded.vocabulary)
    contexts, findings = match_contexts(profiles, benchmark)
    conditions = canonical_conditions(profiles.labels, contexts, rules)
    findings += label_findings(conditions)
    conditions, more = matched_names(conditions, benchmark, profiles)
    findings += more
    rows = {(c, n): i for i, (c, n) in enumerate(zip(conditions.contexts, conditions.names, strict=True))}
    wanted = list(zip(benchmark.row_contexts, benchmark.conditions, strict=True))
    values = conditions.combine(profiles.values, profiles.n_cells)
    matrix = np.full((len(wanted), values.shape[1]), np.nan, np.float32)
    for i, pair in enumerate(wanted):
        if pair[1] != CONTROL and pair in rows:
            matrix[i] = values[rows[pair]]
    have = ~np.isnan(matrix).all(axis=1)
    if not have.any():
        explain_no_match(conditions, benchmark, display)
    known = set(wanted)
    missing = [wanted[i][1] for i in np.flatnonzero(~have) if wanted[i][1] != CONTROL]
    extra = sorted(n for c, n in rows if (c, n) not in known and n != CONTROL)
    asked = np.any([np.isin(parts, HELD_OUT) for parts in benchmark.splits.values()], axis=0) & ~benchmark.is_control
    held_out = int((asked & have).sum()), int(asked.sum())
    findings += coverage_findings(int(have.sum()), missing, extra, held_out)
    findings += doubt_findings(profiles.labels, rules, known_targets(benchmark) | measured, set(extra)) if extra else []
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
    while slug in benchmark.methods and benchmark.plain_name(slug) != display:
        slug, n = f"{base}-{n}", n + 1
    return slug


def _prediction_space(
    values: np.ndarray,
    looks: scale.Agreement,
    converted: str,
    loaded: Loaded,
    options: Options,
    b: Benchmark,
    display: str,
) -> tuple[str, list[Finding]]:
    """Value space of a prediction, and a warning where the numbers look otherwise.

    What a person or a format says is taken as said: a share of negative values proves nothing. Refused is what cannot
    be brought to the truth's space; asked about is what nothing is said of, and what no logarithm can be.
    """
    said = converted or options.value_space or loaded.value_space
    declared, ours = said or b.value_space, b.value_space
    findings = []
    if not options.value_space:
        counts = scale.looks_like_counts(values)
        if declared == "lognorm" and counts and not scale.looks_like_counts(b.truth):
            raise UserError(_looks(display, values, "counts", ""), _SPACES)
        if declared == "delta" and counts:
            raise UserError(f"{display}: values up to {values.max():,.0f} are no changes: declare --value-space.")
    if ours == "lognorm" and declared == "lognorm":
        unlike = not looks.correlation >= scale.ALIKE
        if not said and (looks.changes or (unlike and scale.many_negative(values))):
            raise UserError(_looks(display, values, "delta", looks.words()), _SPACES)
        if said and looks.changes:
            text = (
                f"taken for {SPACE_WORDS['lognorm']}, as "
                f"{'you say' if options.value_space else 'its format says'}, but it looks like "
                f"{SPACE_WORDS['delta']} ({looks.words()}): if it is, say so (--value-space delta)."
            )
            findings.append(Finding("values", text, True, choices=(_CHANGES,)))
    if ours == "lognorm" and declared == "delta" and looks.expression:
        text = (
            f"taken for {SPACE_WORDS['delta']}, as {'you say' if options.value_space else 'its format says'}, "
            f"but it looks like {SPACE_WORDS['lognorm']} ({looks.words()}): if it is, say so (--value-space "
            "lognorm), or control is counted twice."
        )
        findings.append(Finding("values", text, True, choices=(_EXPRESSION,)))
    if declared == "counts":
        raise UserError(
            f"{display} holds means of counts, which cannot be log-normalised after averaging: normalise each "
            "cell to the truth's total and take log1p before the mean."
        )
    if declared == ours or (declared, ours) == ("delta", "lognorm"):
        return declared, findings
    raise UserError(
        f"{display} holds {SPACE_WORDS.get(declared, declared)}, but the truth holds {SPACE_WORDS[ours]}"
        + (
            ": subtract the control mean that belongs to this truth first."
            if ours == "delta"
            else ": they cannot be compared."
        )
    )


def _looks(display: str, values: np.ndarray, kind: str, why: str) -> str:
    """What the numbers look like, and how to say what they are."""
    return (
        f"{display}: the values look like {SPACE_WORDS[kind]} (from {values.min():.3g} to {values.max():.3g}"
        f"{'; ' if why else ''}{why}) and not like {SPACE_WORDS['lognorm']}: declare what they are "
        "(--value-space delta, counts or lognorm)."
    )
