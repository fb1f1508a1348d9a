"""Embeddings of genes and perturbations: a table (``pandas.DataFrame``), names × dimensions, from data, chance or text.

Whatever comes from the data set itself is computed from its training perturbations alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from perturbviz.errors import UserError
from perturbviz.models.training import Training


def gene_scores(training: Training, dims: int, include_control: bool = False) -> pd.DataFrame:
    """Gene embedding from the training data: principal component scores of the genes × conditions matrix.

    The matrix holds the training profiles (changes where the data hold no expression), its columns centred over the
    genes; the scores are U·S (metrics §4.4, points 2 and 3). Row g serves the gene g and the perturbation of g.

    Parameters
    ----------
    dims
        Number of components K; fewer are returned where the matrix has a lower rank. The first k columns are the
        answer for any k < K, so one call serves every K.
    include_control
        Count control among the conditions, as the paper does.

    Returns
    -------
    G × K, rows named by gene; each column's sign makes its entry of largest size positive.
    """
    profiles, offset, gram = _conditions_gram(training, include_control)
    n = len(gram)
    dims = _positive(dims)
    from scipy.linalg import eigh  # here: the first page does without

    values, vectors = eigh(gram, subset_by_index=[max(0, n - dims), n - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors[:, values > n * np.finfo(float).eps * max(values[0], 0)]
    scores = profiles.T @ vectors - offset @ vectors
    return pd.DataFrame(fixed_signs(scores), index=training.gene_index)


def singular_values(training: Training, include_control: bool = False) -> np.ndarray:
    """All singular values of the matrix whose leading components :func:`gene_scores` returns, largest first."""
    values = np.linalg.eigvalsh(_conditions_gram(training, include_control)[2])[::-1]
    return np.sqrt(np.clip(values, 0, None))


def _conditions_gram(training: Training, include_control: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Profiles N × G, their means over genes N, and the N × N Gram matrix of the centred profiles.

    The Gram matrix is centred afterwards: copying a centred 1,000 × 8,000 matrix costs more than multiplying it.
    """
    profiles = training.profiles
    if include_control:
        profiles = np.vstack([profiles, profiles[0] - training.changes[0]])  # control's profile; 0 among changes
    offset = profiles.mean(axis=1)
    return profiles, offset, profiles @ profiles.T - profiles.shape[1] * np.outer(offset, offset)


def pretrained(other: Training, dims: int) -> pd.DataFrame:
    """Perturbation embedding from another data set: component scores of its perturbations × genes matrix.

    Centred over the perturbations, scores per perturbation, as in §4.5 (the paper's "pre-training on another
    perturbation data set"). The other data set is used whole: it must not be the one that is predicted.

    Returns
    -------
    N × K, rows named by the other data set's perturbations; K is cut to the rank.

    Raises
    ------
    UserError
        If the perturbations of the other data set do not differ.
    """
    centred = other.changes - other.mean()
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    keep = np.flatnonzero(size > max(centred.shape) * np.finfo(float).eps * size[0])[: _positive(dims)]
    if not keep.size:
        raise UserError("The other data set's perturbations do not differ from one another; nothing to pre-train on.")
    return pd.DataFrame(fixed_signs(left[:, keep] * size[keep]), index=pd.Index(other.names))


def random_rows(names: Sequence[str], dims: int, seed: int = 0) -> np.ndarray:
    """Independent standard normal rows, n × dims, each decided by the seed and its name alone.

    A perturbation keeps its row whichever others are asked for, and on every machine.
    """
    bits = b"".join(hashlib.shake_256(f"{seed}:{name}".encode()).digest(8 * dims) for name in names)
    whole = np.frombuffer(bits, dtype=">u8").reshape(len(names), dims) >> np.uint64(12)
    return ndtri((whole + 0.5) / 2.0**52)


def from_text(texts: Mapping[str, str], dims: int = 50) -> pd.DataFrame:
    """Embedding from descriptions of genes: TF-IDF of their words, reduced by a truncated SVD.

    Words that occur in one description only and English stop words are left out; term counts enter as
    1 + log(count). The solver is deterministic and the signs are fixed.

    Parameters
    ----------
    texts
        Gene → description; empty descriptions are left out.
    dims
        Dimensions kept, fewer where there are fewer words or genes.

    Returns
    -------
    Genes × dims.

    Raises
    ------
    UserError
        If too few genes are described, or no word occurs in two descriptions.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    described = {str(k): v for k, v in texts.items() if isinstance(v, str) and v.strip()}
    if len(described) < 3:
        raise UserError(f"Only {len(described)} genes have a description; a text embedding needs at least 3.")
    try:
        words = TfidfVectorizer(stop_words="english", min_df=2, sublinear_tf=True).fit_transform(described.values())
    except ValueError:
        raise UserError("No word occurs in two of the descriptions; there is nothing to compare them by.") from None
    dims = min(_positive(dims), min(words.shape) - 1)
    if dims < 1:
        raise UserError("The descriptions share a single word; there is nothing to compare them by.")
    reduced = TruncatedSVD(dims, algorithm="arpack", random_state=0).fit_transform(words)
    return pd.DataFrame(fixed_signs(reduced), index=pd.Index(list(described)))


def principal_axes(table: pd.DataFrame, dims: int) -> pd.DataFrame:
    """A given table cut to its ``dims`` strongest dimensions (uncentred, so that a zero row stays zero)."""
    left, size, _ = np.linalg.svd(table.to_numpy(float), full_matrices=False)
    dims = min(_positive(dims), len(size))
    return pd.DataFrame(fixed_signs(left[:, :dims] * size[:dims]), index=table.index)


def checked_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table as floats without incomplete rows; raises :class:`UserError` if that is impossible."""
    try:
        table = table.astype(float)
    except (TypeError, ValueError) as error:
        raise UserError(f"The embedding holds something that is not a number: {error}.") from None
    table = table[np.isfinite(table.to_numpy()).all(axis=1)]
    if table.empty:
        raise UserError("The embedding has no row without missing values.")
    if table.index.has_duplicates:
        raise UserError(f"{table.index[table.index.duplicated()][0]!r} has two rows in the embedding; keep one.")
    return table


def fixed_signs(columns: np.ndarray) -> np.ndarray:
    """Each column turned so that its entry of largest size is positive: components have no sign of their own."""
    if not columns.size:
        return columns
    largest = columns[np.abs(columns).argmax(axis=0), np.arange(columns.shape[1])]
    return columns * np.where(largest < 0, -1.0, 1.0)


def _positive(dims: int) -> int:
    if int(dims) < 1:
        raise UserError(f"An embedding needs at least one dimension, not {dims}.")
    return int(dims)
