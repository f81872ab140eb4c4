"""Vectors of words from the company they keep, counted on the training texts alone: where an embedding may begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WINDOW = 5
SPREAD = 0.25
"""Root mean square of the values: about that of layers of this size at their first values."""


def word_vectors(tokens: NDArray[np.int64], words: int, size: int, window: int = WINDOW) -> NDArray[np.float32]:
    """Vectors whose products come near the positive pointwise mutual information of words that stand close together.

    PPMI(a, b) = max(0, ln (n_ab · n / (n_a · n_b))), n_ab how often b stands within ``window`` words of a; the vectors are its
    ``size`` largest singular directions, each scaled by the square root of its singular value, and all brought to a root
    mean square of 0.25. Levy, Goldberg 2014, "Neural Word Embedding as Implicit Matrix Factorization", where GloVe and word2vec
    are shown to do nearly this.

    Args:
        tokens: (N, length); 0 is padding and has the vector 0.
        words: how many tokens there are.
        size: values of a vector.
        window: words on each side that count as close.

    Returns:
        (words, size). Where there are fewer words than ``size``, the values that are left over are 0.

    Example:
        >>> vectors = word_vectors(np.array([[1, 2, 3, 0], [1, 3, 2, 0]]), 4, 2)
        >>> vectors.shape, vectors[0].tolist()
        ((4, 2), [0.0, 0.0])
    """
    from scipy.sparse import coo_matrix  # what scikit-learn itself stands on
    from sklearn.decomposition import TruncatedSVD

    counts = coo_matrix((words, words), dtype=np.float64).tocsr()
    for gap in range(1, min(window, tokens.shape[1] - 1) + 1):
        one, other = tokens[:, :-gap].ravel(), tokens[:, gap:].ravel()
        both = (one > 0) & (other > 0)
        pairs = coo_matrix((np.ones(int(both.sum())), (one[both], other[both])), shape=(words, words))
        counts = counts + pairs.tocsr() + pairs.T.tocsr()
    found = counts.tocoo()
    each = np.asarray(counts.sum(1)).ravel()
    information = np.log(found.data * each.sum() / (each[found.row] * each[found.col]))
    positive = coo_matrix((np.maximum(information, 0.0), (found.row, found.col)), shape=(words, words)).tocsr()
    positive.eliminate_zeros()
    vectors = np.zeros((words, size))
    rank = min(size, words - 1)
    if positive.nnz:
        reduced = TruncatedSVD(rank, algorithm="arpack", random_state=0).fit(positive)
        scale = np.sqrt(np.maximum(reduced.singular_values_, 0.0))
        directions = (
            reduced.components_
            * np.sign(reduced.components_[np.arange(rank), np.abs(reduced.components_).argmax(1)])[:, None]
        )
        vectors[:, :rank] = directions.T * scale
    spread = np.sqrt((vectors[1:] ** 2).mean())
    if spread > 0:
        vectors *= SPREAD / spread
    vectors[0] = 0.0
    return vectors.astype(np.float32)
