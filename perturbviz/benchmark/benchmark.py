"""Benchmark: truth, predictions, controls and splits of one data set, wrapped around one AnnData.

Slots of the AnnData (conditions x genes, float32):

========================== =====================================================================================
``X``                      observed mean profile of each condition, in the value space of ``uns``
``layers["pred__M"]``      predictions of method M; ``pred__M__S`` for seed S; an all-NaN row = not predicted
``layers``                 optional ``se``, ``half_a``, ``half_b``, ``de_score``, ``de_padj`` (also ``_a``, ``_b``);
                           of simulated data ``expected``, the means without noise, and ``planted``, their deviations
                           from additivity
``obs``                    ``condition``, ``context``, ``is_control``, ``n_perturbed``, ``n_cells``, ``split``,
                           ``split__S`` for further seeds: train, val, test or unassigned
``varm["control_mean"]``   genes x contexts
``varm["pert_mean__S"]``   genes x contexts: mean of the training perturbations, where no training rows are stored
``uns["perturbviz"]``      schema, value_space, title, simulated, methods {slug: {name, kind, note, added, sees_truth}},
                           provenance; "added" marks a method that was added to a data set which had others,
                           "sees_truth" one whose predictions were made with a look at the truth
========================== =====================================================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from anndata import AnnData, read_h5ad
from anndata.io import write_elem

from perturbviz.benchmark import storage
from perturbviz.benchmark.files import replacing
from perturbviz.benchmark.memo import Memo
from perturbviz.benchmark.perturbations import n_perturbed
from perturbviz.benchmark.sense import yes_or_no
from perturbviz.benchmark.splits import AS_IN_FILE, splits_of
from perturbviz.benchmark.value import ByIdentity
from perturbviz.errors import UserError

SCHEMA = 1
META = "perturbviz"
VALUE_SPACES = ("lognorm", "delta", "signed_logp")
SLUG = re.compile(r"[A-Za-z0-9.-]+")
LEFT_OUT = "left_out"  # in the source: a line for each prediction that could not be used, and why
RESERVED = ("no_change", "mean", "additive", "half_sum")
SEEN = "†"
"""Stands after the name of a method that has seen the truth of what it predicts."""
SEEN_NOTE = f"{SEEN} has seen the truth of what it predicts, as no real method can."


@dataclass(frozen=True, eq=False)
class Benchmark(ByIdentity):
    """One data set with everything needed to score predictions on it. Build with :meth:`from_adata` or :func:`load`.

    Attributes
    ----------
    adata
        Conditions x genes in the layout of this module; treated as read-only.
    splits
        For each seed the part ("train", "val", "test", "unassigned") of every row of ``adata``.
    split_origin
        Says where ``splits`` come from: the file, or which rule was applied since it has none.
    known
        Digests of matrices that are known already, by the names of :attr:`digests`: those of another benchmark that
        shares them, or those that a large file remembers (see :mod:`perturbviz.benchmark.storage`).
    """

    adata: AnnData
    splits: Mapping[str, np.ndarray]
    split_origin: str
    known: Mapping[str, storage.Digest] = field(default_factory=dict, repr=False)

    @classmethod
    def from_adata(cls, adata: AnnData, **more: Any) -> Benchmark:
        """Check ``adata`` and wrap it; raises :class:`UserError` naming what is wrong."""
        validate(adata)
        splits, origin = splits_of(adata)
        return cls(adata, splits, origin, **more)

    # -- what it is ------------------------------------------------------------------------------------------------
    @property
    def meta(self) -> Mapping[str, Any]:
        """Provenance and settings of the file."""
        return self.adata.uns[META]

    @property
    def title(self) -> str:
        """Name shown to people."""
        return str(self.meta.get("title", "Untitled data set"))

    @property
    def source(self) -> dict[str, str]:
        """Where it comes from: file, licence, address, what was left out (``LEFT_OUT``), ..."""
        return {str(k): str(v) for k, v in dict(self.meta.get("source", {})).items()}

    @property
    def value_space(self) -> str:
        """One of ``VALUE_SPACES``."""
        return str(self.meta["value_space"])

    @cached_property
    def simulated(self) -> bool:
        """Whether the data are simulated; shown wherever the data are."""
        return bool(self.meta.get("simulated", False))

    @cached_property
    def content_id(self) -> str:
        """Sixteen hex digits that change when any value, name, method or split changes.

        The same for equal data however they came about: read from a file, or made by adding the same methods in any
        order. So it is also the id of the file that :func:`save` writes.
        """
        digest = hashlib.blake2b(digest_size=8)
        obs = self.adata.obs[sorted(self.adata.obs)]
        for frame in (obs, self.adata.var[[]]):
            digest.update(pd.util.hash_pandas_object(frame.astype(str)).to_numpy().tobytes())
        for key, found in sorted(self.digests.items()):
            digest.update(f"{key}:{found};".encode())
        columns: dict[str, list[str]] = {"obs": list(obs)}
        for key in sorted(self.adata.varm):
            values = self.adata.varm[key]
            columns[key] = [str(c) for c in getattr(values, "columns", ())]
            digest.update(np.ascontiguousarray(np.asarray(values, dtype=np.float64)).data)
        known = self.meta.get("methods", {})
        methods = {m: {"name": self.display_name(m), **dict(known.get(m, {}))} for m in self.methods}
        digest.update(json.dumps([self.value_space, columns, _plain(methods)], sort_keys=True).encode())
        return digest.hexdigest()

    @cached_property
    def identity(self) -> str:
        """The content: two benchmarks of the same content are equal."""
        return self.content_id

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Digest of X and of every layer, by name; kept when a method is added or removed."""
        return {key: digest.text for key, digest in self._digests.items()}

    @cached_property
    def _digests(self) -> Mapping[str, storage.Digest]:
        """The same, none of them computed before it is asked for."""
        matrices = _matrices(self.adata)
        return {**storage.digests({k: m for k, m in matrices.items() if k not in self.known}), **self.known}

    @cached_property
    def memo(self) -> Memo:
        """What else is derived from this benchmark once and kept."""
        return Memo()

    # -- axes ------------------------------------------------------------------------------------------------------
    @property
    def genes(self) -> pd.Index:
        """Gene names, in column order."""
        return self.adata.var_names

    @cached_property
    def conditions(self) -> np.ndarray:
        """Canonical perturbation name of every row (object array)."""
        return self.adata.obs["condition"].astype(str).to_numpy(dtype=object)

    @cached_property
    def row_contexts(self) -> np.ndarray:
        """Context of every row (object array)."""
        return self.adata.obs["context"].astype(str).to_numpy(dtype=object)

    @cached_property
    def contexts(self) -> tuple[str, ...]:
        """Contexts (cell line, donor, dose, ...) in order of first appearance."""
        return tuple(dict.fromkeys(self.row_contexts))

    @cached_property
    def is_control(self) -> np.ndarray:
        """True for the rows that are control (bool array)."""
        return yes_or_no(self.adata.obs["is_control"], "is_control")

    @cached_property
    def n_perturbed(self) -> np.ndarray:
        """Number of perturbed genes of every row (int array)."""
        return np.array([n_perturbed(c) for c in self.conditions])

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seeds (or folds) of the split; ``("",)`` where there is just one."""
        return tuple(self.splits)

    # -- values ----------------------------------------------------------------------------------------------------
    @cached_property
    def truth(self) -> np.ndarray:
        """Observed means, rows x genes, float32."""
        return self.adata.X

    @cached_property
    def has_control(self) -> bool:
        """Whether a control mean is known (in delta space control is zero by definition)."""
        return self.value_space != "lognorm" or "control_mean" in self.adata.varm

    @property
    def has_expression(self) -> bool:
        """Whether values are expression, so that "highly expressed" and raw correlations mean something."""
        return self.value_space == "lognorm" and self.has_control

    @cached_property
    def has_training(self) -> bool:
        """Whether the mean of the training perturbations is known for some seed."""
        stored = any(k.startswith("pert_mean__") for k in self.adata.varm)
        return stored or any(((s == "train") & ~self.is_control).any() for s in self.splits.values())

    def control(self, context: str) -> np.ndarray:
        """Control mean of one context: (genes,) float32; zero in delta space; NaN where unknown."""
        if self.value_space != "lognorm":
            return np.zeros(self.adata.n_vars, np.float32)
        known = self._controls.get(context)
        return np.full(self.adata.n_vars, np.nan, np.float32) if known is None else known

    @cached_property
    def _controls(self) -> dict[str, np.ndarray]:
        """Context -> control mean; AnnData compares all gene names anew at every access to ``varm``."""
        stored = self.adata.varm.get("control_mean", {})
        return {str(context): stored[context].to_numpy(np.float32) for context in stored}

    @cached_property
    def layers(self) -> dict[str, np.ndarray]:
        """The AnnData's layers as plain arrays (AnnData checks a layer anew at every access, which takes its time)."""
        return dict(self.adata.layers.items())

    @cached_property
    def _layers(self) -> dict[str, dict[str, str]]:
        """Method slug -> seed ("" = all seeds) -> layer key."""
        found: dict[str, dict[str, str]] = {}
        for key in self.adata.layers:
            if key.startswith("pred__"):
                slug, _, seed = key.removeprefix("pred__").partition("__")
                found.setdefault(slug, {})[seed] = key
        return found

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Slugs of the methods with predictions, those of the first file before those that were added, each by name.

        The order decides their colours: it is the same whoever added them when, and a method that is added moves no
        other of the first file.
        """
        known = self.meta.get("methods", {})
        return tuple(sorted(self._layers, key=lambda m: (bool(known.get(m, {}).get("added", False)), m)))

    def about(self, method: str) -> Mapping[str, Any]:
        """What the file says of a method: name, kind, note, sees_truth; empty where it says nothing."""
        return dict(self.meta.get("methods", {}).get(method, {}))

    def plain_name(self, method: str) -> str:
        """Name of a method as it was given."""
        return str(self.about(method).get("name", method))

    def display_name(self, method: str) -> str:
        """Name of a method as people write it, with † where it has seen the truth."""
        return self.plain_name(method) + (SEEN if self.sees_truth(method) else "")

    def sees_truth(self, method: str) -> bool:
        """Whether a method's predictions were made with a look at the truth they are scored on."""
        return bool(self.about(method).get("sees_truth", False))

    @cached_property
    def seeing(self) -> tuple[str, ...]:
        """Methods that have seen the truth."""
        return tuple(m for m in self.methods if self.sees_truth(m))

    def prediction(self, method: str, seed: str) -> np.ndarray | None:
        """Predictions of one method for one seed: rows x genes float32, or None where there are none."""
        layers = self._layers.get(method, {})
        key = layers.get(seed, layers.get(""))
        return None if key is None else self.layers[key]

    # -- change ----------------------------------------------------------------------------------------------------
    def with_predictions(
        self,
        slug: str,
        name: str,
        by_seed: Mapping[str, np.ndarray],
        kind: str = "model",
        note: str = "",
        sees_truth: bool = False,
    ) -> Benchmark:
        """A benchmark with one more method (replacing one of that slug); nothing of this one is copied or changed.

        Parameters
        ----------
        slug
            Layer name, ``[A-Za-z0-9.-]+``, not one of the reserved baseline ids.
        name
            Name shown to people.
        by_seed
            Seed ("" = for all seeds) -> rows x genes, NaN rows where nothing is predicted.
        kind, note, sees_truth
            "model", "baseline" or "control", how it predicts, and whether it has seen the truth.

        Raises
        ------
        UserError
            If the predictions are not conditions × genes, or the slug cannot name a method.
        """
        check_slug(slug)
        layers = {k: v for k, v in self.layers.items() if not (k.startswith("pred__") and _slug_of(k) == slug)}
        for seed, matrix in by_seed.items():
            if matrix.shape != self.adata.shape:
                raise UserError(
                    f"{name}: predictions are {matrix.shape[0]} x {matrix.shape[1]}, "
                    f"but the data set has {self.adata.n_obs} conditions x {self.adata.n_vars} genes."
                )
            layers[f"pred__{slug}" + (f"__{seed}" if seed else "")] = np.asarray(matrix, np.float32)
        methods = dict(self.meta.get("methods", {}))
        marks = {
            "added": slug not in self.methods or bool(methods.get(slug, {}).get("added", False)),
            "sees_truth": sees_truth,
        }
        methods[slug] = {"name": name, "kind": kind, "note": note, **{k: True for k, on in marks.items() if on}}
        return self._changed(layers, {**self.meta, "methods": methods})

    def renamed(self, slug: str, name: str) -> Benchmark:
        """A benchmark in which one method has another display name; all else that is known of it stays."""
        methods = dict(self.meta.get("methods", {}))
        methods[slug] = {**dict(methods.get(slug, {})), "name": name}
        return self._changed(self.layers, {**self.meta, "methods": methods})

    def without_method(self, slug: str) -> Benchmark:
        """A benchmark without the predictions of one method."""
        layers = {k: v for k, v in self.layers.items() if not (k.startswith("pred__") and _slug_of(k) == slug)}
        methods = {k: v for k, v in self.meta.get("methods", {}).items() if k != slug}
        return self._changed(layers, {**self.meta, "methods": methods})

    def resplit(self, splits: Mapping[str, np.ndarray], origin: str) -> Benchmark:
        """A benchmark with another split, without the methods: they may have seen what is now held out.

        Parameters
        ----------
        splits
            Seed -> part of every row, "unassigned" for those in no part.
        origin
            Says where the splits come from.
        """
        obs = self.adata.obs[[c for c in self.adata.obs if c != "split" and not c.startswith("split__")]]
        obs = obs.assign(**{f"split__{seed}": parts for seed, parts in splits.items()})
        layers = {k: v for k, v in self.layers.items() if not k.startswith("pred__")}
        varm = {k: v for k, v in self.adata.varm.items() if not k.startswith("pert_mean__")}
        uns = {**self.adata.uns, META: {**self.meta, "methods": {}}}
        adata = AnnData(self.adata.X, obs=obs, var=self.adata.var, layers=layers, varm=varm, uns=uns)
        return Benchmark(adata, splits, origin, self._shared_digests(adata))

    def with_source(self, facts: Mapping[str, str]) -> Benchmark:
        """A benchmark with more facts on where it comes from."""
        return self._changed(self.layers, {**self.meta, "source": {**self.source, **facts}})

    def _changed(self, layers: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> Benchmark:
        """The same data with other layers; a layer that is not in this benchmark's is the only one digested anew."""
        adata = _rebuild(self.adata, layers, meta)
        out = Benchmark.from_adata(adata, known=self._shared_digests(adata))
        return replace(out, split_origin=self.split_origin) if out.split_origin == AS_IN_FILE else out

    def _shared_digests(self, adata: AnnData) -> dict[str, storage.Digest]:
        """Digests of the matrices that another AnnData shares with this one."""
        before, after = _matrices(self.adata), _matrices(adata)
        return {k: d for k, d in self._digests.items() if k in after and after[k] is before[k]}


def _matrices(adata: AnnData) -> dict[str, np.ndarray]:
    """X and the layers, by name."""
    return {"X": adata.X, **{f"layers/{k}": m for k, m in adata.layers.items()}}


def _plain(value: Any) -> Any:
    """What a file says about a method, as it is written to JSON whether it comes from a file or from memory."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def check_slug(slug: str) -> None:
    """Raise :class:`UserError` unless ``slug`` can name a method's layers."""
    if not SLUG.fullmatch(slug):
        raise UserError(f"{slug!r} cannot name a method in a file: use letters, digits, '.' and '-' only.")
    if slug in RESERVED:
        raise UserError(f"{slug!r} is the name of a built-in baseline: choose another name for your method.")


def slugify(name: str) -> str:
    """A layer name made from any display name; never empty, never a reserved baseline id."""
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or f"method-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
    return f"{slug}-predicted" if slug in RESERVED else slug


def _slug_of(layer: str) -> str:
    return layer.removeprefix("pred__").partition("__")[0]


def _rebuild(adata: AnnData, layers: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> AnnData:
    uns = {**{k: v for k, v in adata.uns.items() if k != META}, META: meta}
    return AnnData(adata.X, obs=adata.obs, var=adata.var, layers=dict(layers), varm=dict(adata.varm), uns=uns)


# -- checks --------------------------------------------------------------------------------------------------------
def validate(adata: AnnData) -> None:
    """Raise :class:`UserError` with one sentence unless ``adata`` follows the layout of this module."""
    meta = adata.uns.get(META)
    if not isinstance(meta, Mapping):
        raise UserError(
            "This .h5ad is not a perturbviz data set (uns['perturbviz'] is missing): "
            "convert it first, on the Data page or with `python -m perturbviz convert`."
        )
    schema = str(meta.get("schema", 0))
    if not re.fullmatch(r"[0-9]{1,6}", schema):
        raise UserError(f"This data set's schema is {schema[:40]!r}: it must be a whole number.")
    if int(schema) > SCHEMA:
        raise UserError(
            f"This data set was written by a newer perturbviz (schema {meta['schema']}): update perturbviz."
        )
    if meta.get("value_space") not in VALUE_SPACES:
        raise UserError(
            f"Unknown value space {meta.get('value_space')!r}: it must be one of {', '.join(VALUE_SPACES)}."
        )
    missing = [c for c in ("condition", "context", "is_control") if c not in adata.obs]
    if missing:
        raise UserError(f"The data set's obs lacks the column(s) {', '.join(missing)}.")
    yes_or_no(adata.obs["is_control"], "is_control")
    if adata.n_obs == 0 or adata.n_vars == 0:
        raise UserError(f"The data set is empty: {adata.n_obs} conditions x {adata.n_vars} genes.")
    if not adata.var_names.is_unique:
        twice = adata.var_names[adata.var_names.duplicated()][0]
        raise UserError(f"Gene {twice!r} occurs more than once: give every gene a name of its own.")
    pairs = pd.MultiIndex.from_arrays([adata.obs["context"].astype(str), adata.obs["condition"].astype(str)])
    if not pairs.is_unique:
        twice = pairs[pairs.duplicated()][0]
        raise UserError(f"Condition {twice[1]!r} occurs more than once in context {twice[0]!r}: merge the rows first.")
    if adata.X is None:
        raise UserError("The data set has no observed values (X is empty).")
    for key, matrix in [("X (the observed values)", adata.X), *adata.layers.items()]:
        if not isinstance(matrix, np.ndarray):
            raise UserError(f"{key} is stored as {type(matrix).__name__}: store a dense float32 matrix.")
        if key.startswith("pred__"):
            slug = _slug_of(key)
            if not SLUG.fullmatch(slug) or slug in RESERVED:
                raise UserError(
                    f"Layer {key!r}: {slug!r} cannot name a method (letters, digits, '.', '-'; no baseline id)."
                )


# -- disk ----------------------------------------------------------------------------------------------------------
def save(adata: AnnData | Benchmark, path: str | os.PathLike[str], more: Iterable[tuple[str, np.ndarray]] = ()) -> Path:
    """Write an uncompressed ``.h5ad`` atomically: either the whole new file or the old one is there.

    Parameters
    ----------
    more
        Further layers, (name, rows x genes), taken and written one after the other, so that they need not fit into
        memory; ``uns`` is written after them, as it is then.
    """
    adata = adata.adata if isinstance(adata, Benchmark) else adata
    with replacing(path) as temporary:
        adata.write_h5ad(temporary, convert_strings_to_categoricals=False)
        if more:
            with h5py.File(temporary, "r+") as file:
                for name, matrix in more:
                    write_elem(file["layers"], name, matrix)
                write_elem(file, "uns", dict(adata.uns))
    return Path(path)


def load(path: str | os.PathLike[str], notes: Path | None = None) -> Benchmark:
    """Read a benchmark; raises :class:`UserError` with one sentence where the file is not one.

    A file larger than ``PERTURBVIZ_MAP_MB`` is mapped (see :mod:`benchmark.storage`): replace it by renaming a new one
    over it, never by writing into it.

    Parameters
    ----------
    notes
        Folder that remembers the digests of mapped files, so that opening one again does not read it all.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path.name}: there is no such file.")
    if path.stat().st_size == 0:
        raise UserError(f"{path.name} is empty (0 bytes): the run that should have written it did not finish.")
    mapped = storage.maps(path)
    mark = storage.mark(path)
    try:
        adata = storage.read_mapped(path) if mapped else read_h5ad(path)
    except BlockingIOError as error:
        raise UserError(f"{path.name} is being written by another program: try again when it is done.") from error
    except Exception as error:  # h5py and anndata raise many kinds for a damaged file
        raise UserError(
            f"{path.name} cannot be read as .h5ad ({type(error).__name__}): it is damaged, cut short, another format, "
            "or written by a newer HDF5 or anndata than is installed here."
        ) from error
    if not mapped:
        return Benchmark.from_adata(adata)
    if mark != storage.mark(path):
        raise UserError(f"{path.name} was replaced while it was opened: try again.")
    return Benchmark.from_adata(adata, known=storage.remembered(_matrices(adata), mark, notes))
