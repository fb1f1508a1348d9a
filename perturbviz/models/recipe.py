"""Recipe: every knob of a competitor as one frozen value that is cache key, method name and part of a link at once.

A link string is short, made of tokens joined by "_", and holds no data: ``linear_pca_pca_k10_l0.1_s``. Embeddings
that are tables are named by where they come from: ``f-<name>-<hash>`` is the content of a file (gene descriptions or
numbers), ``d-<id>`` the perturbations of another benchmark (pre-training).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pandas as pd

from perturbviz.errors import UserError
from perturbviz.models.embeddings import checked_table, principal_axes
from perturbviz.models.forest import Forest
from perturbviz.models.linear import LinearModel
from perturbviz.models.lookup import SOURCES
from perturbviz.models.matching import MatchingMean
from perturbviz.models.neighbours import KNeighbours, NearestPerturbation
from perturbviz.models.regression import RidgeRegression
from perturbviz.models.training import Competitor

KINDS = {
    "linear": "Linear model",
    "ridge": "Ridge regression",
    "neighbours": "Nearest neighbours",
    "nearest": "Nearest perturbation",
    "forest": "Random forest",
    "matching": "Matching mean",
}
#: Most dimensions an embedding is cut to.
MAX_DIMS = 50

_FLAGS = {"c": "include_control", "s": "sum_doubles", "w": "whole_tables", "x": "leave_genes_out"}
_NUMBERS = {"k": ("dims", int), "l": ("ridge", float), "n": ("neighbours", int), "r": ("seed", int)}
_USES = {  # knobs that matter to a kind
    "linear": {"gene", "perturbation", "dims", "ridge", *_FLAGS.values()},
    "ridge": {"perturbation", "dims", "ridge", "whole_tables"},
    "neighbours": {"perturbation", "dims", "neighbours", "whole_tables"},
    "nearest": {"perturbation", "dims", "whole_tables"},
    "forest": {"perturbation", "dims", "seed", "whole_tables"},
    "matching": set(),
}


def _uses(kind: str, gene: str, perturbation: str) -> set[str]:
    """Names of the knobs that matter to a recipe."""
    uses = {"kind", *_USES.get(kind, ())}
    if {"random"} & {gene if "gene" in uses else "", perturbation if "perturbation" in uses else ""}:
        uses.add("seed")
    if not (is_table(gene) and "gene" in uses):
        uses.discard("leave_genes_out")
        if not is_table(perturbation):
            uses.discard("whole_tables")
    return uses


@dataclass(frozen=True)
class Recipe:
    """A competitor with its knobs; those that do not matter to it have their defaults, so that equal recipes are equal.

    Parameters
    ----------
    kind
        One of ``KINDS``. Only "linear" has a gene embedding; the others regress on the perturbation embedding.
    gene, perturbation
        "pca", "identity", "random", "zero", or the name of a table (:func:`file_source`, :func:`data_source`).
    dims
        K: dimensions of every computed embedding, and of tables unless ``whole_tables``.
    ridge
        λ of "linear" and "ridge".
    include_control, sum_doubles
        See :class:`~perturbviz.models.linear.LinearModel`; the other kinds always sum the rows of combinations.
    whole_tables
        Tables enter with all their dimensions, as in the paper, rather than cut to K principal axes.
    leave_genes_out
        Genes without a row in a given gene embedding are not predicted, rather than predicted by the mean.
    neighbours
        Of the kind "neighbours".
    seed
        Of whatever is random.
    """

    kind: str = "linear"
    gene: str = "pca"
    perturbation: str = "pca"
    dims: int = 10
    ridge: float = 0.1
    include_control: bool = False
    sum_doubles: bool = False
    whole_tables: bool = False
    leave_genes_out: bool = False
    neighbours: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse knobs that do not exist, and knobs that do not matter but are set."""
        if self.kind not in KINDS:
            raise UserError(f"There is no competitor {self.kind!r}; there are: {', '.join(KINDS)}.")
        for source in (self.gene, self.perturbation):
            if source not in SOURCES and not is_table(source):
                raise UserError(
                    f"There is no embedding {source!r}; there are {', '.join(SOURCES)}, files and data sets."
                )
        if not 1 <= self.dims <= MAX_DIMS:
            raise UserError(f"The number of dimensions K must lie between 1 and {MAX_DIMS}, not {self.dims}.")
        if not self.ridge >= 0 or (self.kind == "ridge" and np.isinf(self.ridge)):
            raise UserError(f"The ridge penalty λ must be 0 or more, not {self.ridge}.")

        idle = [f.name for f in fields(self) if f.name not in self._uses and getattr(self, f.name) != f.default]
        if idle:
            raise ValueError(f"{', '.join(idle)} does not matter to this recipe: make it with Recipe.of.")

    @classmethod
    def of(cls, kind: str = "linear", *knobs: Any, **named: Any) -> Recipe:
        """The recipe of any knobs, in the order of the fields or by name; those that do not matter are dropped."""
        given = {"kind": kind, **dict(zip([f.name for f in fields(cls)][1:], knobs, strict=False)), **named}
        uses = _uses(kind, str(given.get("gene", cls.gene)), str(given.get("perturbation", cls.perturbation)))
        return cls(**{name: value for name, value in given.items() if name in uses})

    def with_(self, **knobs: Any) -> Recipe:
        """The same recipe with some knobs changed."""
        return Recipe.of(**{f.name: getattr(self, f.name) for f in fields(self)} | knobs)

    @property
    def _uses(self) -> set[str]:
        return _uses(self.kind, self.gene, self.perturbation)

    # -- what it is called -----------------------------------------------------------------------------------------
    @property
    def link(self) -> str:
        """Short string that says everything, safe in a link: letters, digits and ``_.-%``."""
        tokens = [self.kind]
        if self.kind == "linear":
            tokens.append(self.gene)
        if self.kind != "matching":
            tokens += [self.perturbation, f"k{self.dims}"]
        if "ridge" in _USES[self.kind]:
            tokens.append(f"l{self.ridge:g}")
        if self.kind == "neighbours":
            tokens.append(f"n{self.neighbours}")
        tokens += [f"r{self.seed}"] * (self.seed != 0)
        return "_".join(tokens + [flag for flag, name in _FLAGS.items() if getattr(self, name)])

    @classmethod
    def from_link(cls, text: str) -> Recipe:
        """The recipe of a link string; raises :class:`UserError` where it is none."""
        kind, *tokens = text.split("_")
        n_sources = {"linear": 2, "matching": 0}.get(kind, 1)
        if len(tokens) < n_sources:
            raise UserError(f"{text!r} is not a recipe of a competitor: it names no embedding.")
        sources, tokens = tokens[:n_sources], tokens[n_sources:]
        knobs: dict[str, object] = dict(zip(("gene", "perturbation")[2 - n_sources :], sources, strict=True))
        for token in tokens:
            try:
                if token in _FLAGS:
                    knobs[_FLAGS[token]] = True
                else:
                    name, read = _NUMBERS[token[0]]
                    knobs[name] = read(token[1:])
            except (KeyError, IndexError, ValueError):
                raise UserError(f"{text!r} is not a recipe of a competitor: {token!r} means nothing.") from None
        return cls.of(kind, **knobs)

    @property
    def slug(self) -> str:
        """Name of the method's layers: the kind and a hash of the recipe."""
        return f"{self.kind}.{hashlib.sha256(self.link.encode()).hexdigest()[:8]}"

    @property
    def label(self) -> str:
        """The recipe in one line, the method's name in the competition."""
        if self.kind == "matching":
            return KINDS["matching"]
        uses, perturbation = _USES[self.kind], source_label(self.perturbation)
        parts = [f"G {source_label(self.gene)}"] * (self.kind == "linear")
        parts.append(f"P {perturbation}" if self.kind == "linear" else f"on {perturbation}")
        tables = [s for s in (self.gene, self.perturbation) if is_table(s)]
        cut = {self.gene, self.perturbation} & {"pca", "random"} or (tables and not self.whole_tables)
        parts += [f"K {self.dims}"] * bool(cut)
        parts += [f"λ {self.ridge:g}"] * ("ridge" in uses)
        parts += [f"{self.neighbours} neighbours"] * (self.kind == "neighbours")
        parts += ["with control"] * self.include_control + ["sums for doubles"] * self.sum_doubles
        parts += ["whole tables"] * self.whole_tables + ["other genes left out"] * self.leave_genes_out
        parts += [f"seed {self.seed}"] * (self.seed != 0)
        return f"{KINDS[self.kind].removesuffix(' model')} ({', '.join(parts)})"

    # -- what it does ----------------------------------------------------------------------------------------------
    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables it needs."""
        return tuple(dict.fromkeys(s for s in (self.gene, self.perturbation) if is_table(s)))

    @property
    def self_trained(self) -> Recipe:
        """The same knobs with both embeddings from the training data."""
        return self.with_(gene="pca", perturbation="pca")

    def competitor(
        self,
        tables: Mapping[str, pd.DataFrame] | None = None,
        cut_when_fitted: bool = False,
        names: Collection[str] | None = None,
    ) -> Competitor:
        """The competitor to fit.

        Parameters
        ----------
        tables
            Name -> embedding (names × dimensions) of every table in :attr:`tables`.
        cut_when_fitted
            Leave cutting the tables of a linear model to the model, as a map over K needs it; otherwise they are cut
            here, once for all fits.
        names
            Rows that can matter: the genes and perturbations of the data. Others are dropped after cutting.

        Raises
        ------
        UserError
            Where a table is not there.
        """
        missing = [t for t in self.tables if t not in (tables or {})]
        if missing:
            raise UserError(f"{self.label} needs the {missing_words(missing[0])}, which is not here.")
        late = cut_when_fitted and self.kind == "linear"
        used = {
            t: (tables or {})[t] if self.whole_tables or late else cut((tables or {})[t], self.dims)
            for t in self.tables
        }
        if names is not None and not late:
            used = {t: table[table.index.isin(names)] for t, table in used.items()}
        gene, perturbation = (used.get(s, s) for s in (self.gene, self.perturbation))
        if self.kind == "linear":
            return LinearModel(
                gene,
                perturbation,
                self.dims,
                self.ridge,
                self.include_control,
                self.sum_doubles,
                self.seed,
                cut_tables=late and not self.whole_tables,
                missing_genes="nan" if self.leave_genes_out else "mean",
            )
        if self.kind == "matching":
            return MatchingMean()
        dims, seed = self.dims, self.seed
        if self.kind == "ridge":
            return RidgeRegression(perturbation, self.ridge, dims=dims, seed=seed)
        if self.kind == "neighbours":
            return KNeighbours(perturbation, self.neighbours, dims=dims, seed=seed)
        if self.kind == "nearest":
            return NearestPerturbation(perturbation, dims=dims, seed=seed)
        return Forest(perturbation, dims=dims, seed=seed)


# -- names of tables -----------------------------------------------------------------------------------------------
def is_table(source: str) -> bool:
    """Whether an embedding's name means a table rather than something computed from the training data or chance."""
    return bool(re.fullmatch(r"f-[A-Za-z0-9-]+-[0-9a-f]{12}|d-[A-Za-z0-9.%-]+", source))


def file_source(filename: str, content: bytes) -> str:
    """Name of a file's content as an embedding: the same wherever the file is opened again."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", PurePath(filename).stem).strip("-")[:24].strip("-") or "file"
    return f"f-{stem}-{hashlib.sha256(content).hexdigest()[:12]}"


def data_source(data: str) -> str:
    """Name of another benchmark's perturbations as an embedding."""
    return "d-" + quote(data, safe="").replace("_", "%5F").replace("~", "%7E")


def data_of(source: str) -> str | None:
    """Id of the benchmark an embedding comes from; None where it does not come from one."""
    return unquote(source[2:]) if source.startswith("d-") else None


def source_label(source: str) -> str:
    """An embedding in a few words."""
    data = data_of(source)
    if data is not None:
        return f"pre-trained on {data}"
    return source[2:-13] if is_table(source) else {"pca": "PCA"}.get(source, source)


def missing_words(source: str) -> str:
    """What to look for where a table is not there."""
    data = data_of(source)
    if data is not None:
        return f"data set “{data}”"
    return f"file “{source[2:-13]}” (content {source[-12:]})"


def cut(table: pd.DataFrame, dims: int) -> pd.DataFrame:
    """First principal axes of the complete rows of a table, with its name kept."""
    out = principal_axes(checked_table(table), dims)
    out.attrs.update(table.attrs)
    return out
