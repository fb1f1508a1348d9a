"""The check, out loud: what was understood of a file, in plain words, before anything is added.

Pure functions from aligned arrays to findings; ``perturbviz.readers.assemble`` gathers them into a :class:`Report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from perturbviz.benchmark import Benchmark, scale
from perturbviz.benchmark.perturbations import PLUS
from perturbviz.benchmark.splits import SPLIT_PARTS
from perturbviz.errors import Choice
from perturbviz.readers.alignment import Conditions, GeneMatch

Topic = Literal["file", "conditions", "genes", "values", "split"]

SAME = 1e-6  # largest difference of rows that count as identical
STATE_CLIP = 14.0  # State clips prediction and truth to [0, 14]
#: What no check of a file can find out, said with every prediction.
UNSEEN = (
    "not checked, since it cannot be told from its predictions: whether the model saw held-out perturbations "
    "while it was made (training, pre-training, tuning, choice of a checkpoint). Noticed are only perturbations "
    "that stand in two parts of the split, and rows that equal the measured ones."
)


@dataclass(frozen=True)
class Finding:
    """One sentence of the report; ``items`` are the names it counts, ``choices`` what a click can do about it."""

    topic: Topic
    text: str
    warning: bool = False
    items: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Report:
    """What was understood of one file.

    Attributes
    ----------
    name
        The method, or "truth".
    system
        Id of the reader.
    findings
        Sentences, in order of topic.
    counts
        matched, merged, missing, extra (conditions); genes_matched, genes_renamed, genes_duplicated, genes_missing,
        genes_extra; dropped labels; identical rows, as far as they apply.
    lost
        What could not be used of the file: "method" or "method, split".
    methods
        Slugs of the methods that were added.
    """

    name: str
    system: str
    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Only what asks for a decision or a second look."""
        return tuple(f for f in self.findings if f.warning)

    def lines(self) -> list[str]:
        """One line a finding, with the first names it counts: "name: text (A, B, ... 12 more)"."""
        return [f"{self.name}: {'warning: ' if f.warning else ''}{f.text}{_some(f.items)}" for f in self.findings]


def _some(items: Sequence[str], n: int = 5) -> str:
    if not items:
        return ""
    more = f", and {len(items) - n:,} more" if len(items) > n else ""
    return f" ({', '.join(i[:60] for i in items[:n])}{more})"


def plural(n: int, one: str, many: str = "") -> str:
    """Count with its noun: 1 gene, 1,000 genes."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


# -- conditions and genes ------------------------------------------------------------------------------------------
def label_findings(conditions: Conditions) -> list[Finding]:
    """Merged and dropped labels."""
    out = []
    if conditions.merged:
        text = f"{plural(len(conditions.merged), 'condition')} had several rows, merged as means weighted by cells"
        items = tuple(f"{k} = {' & '.join(v)}" for k, v in conditions.merged.items())
        out.append(Finding("conditions", text, items=items))
    if one := tuple(name for name in dict.fromkeys(conditions.names) if PLUS in name):
        text = f"a + inside a name is written {PLUS}, so that the name stays one"
        out.append(Finding("conditions", text, items=one))
    if conditions.dropped:
        n = int((conditions.group < 0).sum())
        text = (
            f"{plural(n, 'row')} dropped, whose label does not say what the condition is (it is not taken for control)"
        )
        out.append(Finding("conditions", text, True, conditions.dropped))
    return out


def coverage_findings(
    matched: int, missing: Sequence[str], extra: Sequence[str], held_out: tuple[int, int]
) -> list[Finding]:
    """Which conditions of the truth a prediction covers.

    Parameters
    ----------
    held_out
        How many of the held-out perturbations it predicts, and how many there are.
    """
    out = [Finding("conditions", f"{plural(matched, 'condition')} of the truth predicted.")]
    if held_out[0] < held_out[1]:
        text = f"{held_out[0]:,} of {plural(held_out[1], 'held-out perturbation')} predicted; the rest stay empty."
        out.append(Finding("conditions", text))
    if missing:
        out.append(
            Finding(
                "conditions",
                f"{plural(len(missing), 'condition')} of the truth not predicted: they stay empty",
                items=tuple(missing),
            )
        )
    if extra:
        text = f"{plural(len(extra), 'predicted condition')} not in the truth, left out"
        out.append(Finding("conditions", text, items=tuple(extra)))
    return out


def gene_findings(match: GeneMatch, names: Sequence[str]) -> list[Finding]:
    """How genes were matched, and what is missing, renamed, repeated or extra."""
    have = match.column >= 0
    out = [
        Finding(
            "genes",
            f"{have.sum():,} of {len(have):,} genes matched by {match.by}"
            + (", in another order." if match.permuted else "."),
        )
    ]
    if not have.all():
        missing = tuple(str(n) for n, h in zip(names, have, strict=True) if not h)
        text = f"{plural(len(missing), 'gene')} of the truth missing: every method is scored on the genes all have"
        out.append(Finding("genes", text, True, missing))
    if match.renamed:
        items = tuple(f"{a} -> {b}" for a, b in match.renamed.items())
        out.append(Finding("genes", f"{plural(len(match.renamed), 'gene')} renamed", items=items))
    if match.duplicated:
        text = f"{plural(len(match.duplicated), 'gene name')} repeated; occurrences are told apart by .1, .2, ..."
        out.append(Finding("genes", text, True, match.duplicated))
    if match.extra:
        out.append(
            Finding("genes", f"{plural(len(match.extra), 'gene')} not in the truth, left out", items=match.extra)
        )
    return out


# -- values --------------------------------------------------------------------------------------------------------
def value_findings(
    prediction: np.ndarray, truth: np.ndarray, control: np.ndarray, space: str, names: Sequence[str]
) -> list[Finding]:
    """Scale, empty predictions, identical rows and suspected shuffles, on matched rows and shared genes.

    Parameters
    ----------
    prediction, truth, control
        (rows, genes), NaN-free, in the truth's value space; ``control`` holds NaN where unknown.
    names
        What a sentence calls each row.
    """
    out = []
    if space == "lognorm":
        out += _scale(prediction, truth)
        out += odd_row_findings(scale.odd_rows(prediction, truth), names)
    groups = identical_rows(prediction)
    if len(prediction) > 1 and (n := sum(len(g) for g in groups)) > 1:
        out.append(
            Finding(
                "values", f"{n:,} of {len(prediction):,} predicted rows are identical to another predicted row.", True
            )
        )
    unchanged = int((np.abs(prediction - control).max(axis=1) < SAME).sum())
    if unchanged:
        what = "control" if space == "lognorm" else "zero everywhere (no change)"
        text = f"{unchanged:,} of {len(prediction):,} predicted rows are identical to {what}: not predicted at all?"
        out.append(Finding("values", text, True))
    copied = int((np.abs(prediction - truth).max(axis=1) < SAME).sum())
    if copied:
        text = (
            f"{copied:,} of {len(prediction):,} predicted rows are identical to what was measured: were measured "
            "values copied (training perturbations, a wrong file)?"
        )
        out.append(Finding("values", text, True))
    if shuffled(prediction, truth):
        text = (
            "the genes look shuffled: the sorted profile fits the truth, the profile by gene name does not. "
            "Check that the gene list belongs to these values."
        )
        out.append(Finding("values", text, True))
    return out


def odd_row_findings(rows: np.ndarray, names: Sequence[str]) -> list[Finding]:
    """Which rows are on another scale than the others."""
    if not len(rows):
        return []
    text = (
        f"{plural(len(rows), 'condition')} {'is' if len(rows) == 1 else 'are'} on another scale than the others: total "
        f"expression (sum of expm1) differs by more than {scale.ROW_FACTOR:.0f} x. Counts among logarithms?"
    )
    return [Finding("values", text, True, tuple(names[i] for i in rows.tolist()))]


def _scale(prediction: np.ndarray, truth: np.ndarray) -> list[Finding]:
    out = []
    ratio = float(np.median(scale.totals(prediction))) / max(float(np.median(scale.totals(truth))), 1e-12)
    text = (
        f"total expression per row (sum of expm1) is {ratio:.2f} x the truth's; maxima {prediction.max():.2f} and "
        f"{truth.max():.2f}."
    )
    differs = not 1 / scale.FACTOR <= ratio <= scale.FACTOR
    if differs:
        text += " The scales differ (another normalisation or logarithm?): distances would measure that."
    out.append(Finding("values", text, differs))
    negative = int((prediction < 0).sum())
    if negative and truth.min() >= 0:
        out.append(Finding("values", f"{plural(negative, 'negative value')} in expression: counted, not clipped."))
    if prediction.max() == STATE_CLIP and truth.max() == STATE_CLIP:
        text = "prediction and truth both end exactly at 14: both were clipped. Prefer the unclipped truth."
        out.append(Finding("values", text, True))
    return out


def identical_rows(values: np.ndarray) -> list[list[int]]:
    """Groups (of at least two) of rows that agree to within rounding."""
    groups: dict[bytes, list[int]] = {}
    for i, row in enumerate(np.round(values.astype(np.float64), 6) + 0.0):
        groups.setdefault(row.tobytes(), []).append(i)
    return [g for g in groups.values() if len(g) > 1]


def shuffled(prediction: np.ndarray, truth: np.ndarray) -> bool:
    """Whether mean profiles agree when sorted but not by name."""
    a, b = prediction.mean(axis=0, dtype=np.float64), truth.mean(axis=0, dtype=np.float64)
    if len(a) < 20 or a.std() == 0 or b.std() == 0:
        return False
    by_name, by_size = np.corrcoef(a, b)[0, 1], np.corrcoef(np.sort(a), np.sort(b))[0, 1]
    return bool(by_name < 0.2 and by_size > 0.9)


# -- split ---------------------------------------------------------------------------------------------------------
def split_findings(benchmark: Benchmark) -> list[Finding]:
    """How many conditions each seed trains and tests on."""
    out = [Finding("split", f"split: {benchmark.split_origin}.")]
    for seed, parts in benchmark.splits.items():
        rows = parts[~benchmark.is_control]
        counts = [f"{(rows == p).sum():,} {p}" for p in (*SPLIT_PARTS, "unassigned") if (rows == p).any()]
        out.append(Finding("split", f"split{f' {seed}' if seed else ''}: {', '.join(counts)}."))
    return out
