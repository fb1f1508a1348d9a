"""View: every choice that decides what is shown, as one frozen value that is cache key and link at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from perturbviz.benchmark.numbers import whole
from perturbviz.errors import UserError
from perturbviz.metrics import Card, canonical, parse_metric
from perturbviz.scoring.evaluation import TRUTHS
from perturbviz.scoring.genesets import KINDS, GeneKind, GeneSubset
from perturbviz.scoring.references import PUBLISHED, REFERENCES, Reference

SPLITS = {
    "held-out": ("test", "val"),
    "test": ("test",),
    "val": ("val",),
    "train": ("train",),
    "all": ("train", "val", "test", "unassigned"),
}
SIZES = {"all": "all", "singles": "single perturbations", "doubles": "combinations"}
AVERAGES = {"mean": "mean", "median": "median"}
ROWS = {"common": "predicted by every shown method", "own": "each method's own"}
REFERENCE_FROM = {"train": "training perturbations", "all": "all perturbations (leaks)"}
DEFAULT_N = 1000


@dataclass(frozen=True)
class View:
    """What is shown. Field names are the parameter names of a link; defaults stay out of it.

    Attributes
    ----------
    data
        Id of the benchmark: a shipped or catalogued one, or the content hash of somebody's own.
    metric
        ``id`` or ``id@parameter`` of the catalogue, or a score table's own metric.
    ref, ref_from
        Reference, and which perturbations its mean is taken over.
    genes, n, targets, own
        Gene subset (see :class:`perturbviz.scoring.genesets.GeneSubset`).
    split, size, context, seed
        Which perturbations: part of the split, how many targets, one context or seed ("" = all).
    rows
        "common": perturbations predicted by every shown method; "own": each method's own.
    avg
        How values become one score.
    show
        Methods that are shown; all where empty.
    truth
        "all": the mean of all cells; "half_a": of half of them, so that the other half is a technical duplicate.
    """

    data: str = "demo"
    metric: str = "l2"
    ref: Reference = "control"
    ref_from: str = "train"
    genes: GeneKind = "expressed"
    n: int = DEFAULT_N
    targets: bool = True
    own: tuple[str, ...] = ()
    split: str = "held-out"
    size: str = "all"
    context: str = ""
    seed: str = ""
    rows: str = "common"
    avg: str = "mean"
    show: tuple[str, ...] = ()
    truth: str = "all"

    @property
    def subset(self) -> GeneSubset:
        """The gene subset of this view."""
        return GeneSubset(self.genes, self.n, self.targets, self.own)

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts of the split that are scored."""
        return SPLITS[self.split]

    @property
    def reference(self) -> Reference:
        """The reference that is really subtracted: none for a metric that has no use for one.

        Raises :class:`UserError` for a score table's own metric, whose reference the table knows.
        """
        return self.ref if parse_metric(self.metric)[0].card.reference == "delta" else "none"

    def with_(self, **changes: Any) -> View:
        """A copy with some fields changed."""
        return replace(self, **changes)

    # -- links -----------------------------------------------------------------------------------------------------
    def to_query(self) -> dict[str, list[str]]:
        """Parameters of a link: only what differs from the defaults, each a list of strings."""
        out: dict[str, list[str]] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            values = (",".join(value),) if field.name == "own" else value if isinstance(value, tuple) else (value,)
            out[field.name] = [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
        return out

    @cached_property
    def token(self) -> str:
        """The view as one string, the same for equal views: cache key and mark in every chart."""
        return urlencode(self.to_query(), doseq=True)

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str] | str], metrics: Collection[str] = ()) -> View:
        """View of a link's parameters; a value that does not exist gives way to the default.

        Parameters
        ----------
        metrics
            Ids beyond the catalogue's, of a score table.
        """
        changes: dict[str, Any] = {}
        for field in fields(cls):
            raw = query.get(field.name)
            if raw is None:
                continue
            values = (raw,) if isinstance(raw, str) else tuple(raw)
            if field.name == "own":
                changes[field.name] = split_genes(" ".join(values))
            elif isinstance(field.default, tuple):
                changes[field.name] = tuple(dict.fromkeys(v for v in values if v))
            elif values and (value := _parse(field.name, values[-1])) is not None:
                changes[field.name] = value
            elif field.name == "metric" and values and values[-1] and values[-1] in metrics:
                changes[field.name] = values[-1]
        return cls(**changes)


_CHOICES: dict[str, Any] = {
    "ref": REFERENCES,
    "ref_from": REFERENCE_FROM,
    "genes": KINDS,
    "split": SPLITS,
    "size": SIZES,
    "rows": ROWS,
    "avg": AVERAGES,
    "truth": TRUTHS,
}


def _parse(name: str, text: str) -> Any:
    """Value of one parameter, or None where it is not one."""
    if name in _CHOICES:
        return text if text in _CHOICES[name] else None
    if name == "n":
        return whole(text, 1, 10**7 - 1)
    if name == "targets":
        return {"true": True, "false": False}.get(text.lower())
    if name == "metric":
        try:
            return canonical(text)
        except UserError:
            return None
    return text


def split_genes(text: str) -> tuple[str, ...]:
    """Gene names separated by blanks, commas or semicolons, each once."""
    return tuple(dict.fromkeys(name for name in re.split(r"[\s,;]+", text) if name))


#: Reference -> how it follows a metric's symbol, and its name.
_VERSUS = {
    "none": ("", ""),
    PUBLISHED: ("", ""),
    "control": (" vs control", " vs the control mean"),
    "perturbation": (" vs pert. mean", " vs the perturbation mean"),
}


def _versus(reference: str) -> tuple[str, str]:
    if reference not in _VERSUS:
        raise UserError(f"There is no reference {reference!r}; there are: {', '.join(_VERSUS)}.")
    return _VERSUS[reference]


def card_label(card: Card, reference: str, value: str = "") -> str:
    """Symbol of a metric with its parameter's value and its reference, for axes and column heads."""
    other = f" ({value})" if card.parameter and value != card.parameter.default else ""
    return card.symbol + other + _versus(reference)[0]


def card_name(card: Card, reference: str) -> str:
    """Full name of a metric with its reference, for sentences; raises :class:`UserError` for an unknown reference."""
    return card.name + _versus(reference)[1]


def metric_label(metric: str, reference: str = "none") -> str:
    """Symbol of a metric of the catalogue with parameter and reference: "rΔ vs control", "PDS (L2)"."""
    parsed, value = parse_metric(metric)
    return card_label(parsed.card, reference, value)


def listed_name(metric: str) -> str:
    """Name of a metric of the catalogue as menus list it: "Pearson delta (rΔ)", "Overlap of DE genes (100)"."""
    parsed, value = parse_metric(metric)
    name, symbol = parsed.card.name, parsed.card.symbol
    if parsed.card.parameter:
        return f"{name} ({value})"
    return name if symbol.casefold() in name.casefold() else f"{name} ({symbol})"


def metric_name(metric: str, reference: str = "none") -> str:
    """Full name of a metric of the catalogue with its reference: "Pearson delta vs the control mean"."""
    return card_name(parse_metric(metric)[0].card, reference)
