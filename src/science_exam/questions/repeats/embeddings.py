"""Sentence vectors of questions: the encoder that makes them, and pairs of vectors that are alike."""

from collections.abc import Callable, Iterator

import numpy as np

Encode = Callable[[list[str]], np.ndarray]  # texts -> unit vectors, float32 (texts, dim)

BLOCK_ROWS = 8_192  # scores of one block with another in fp32: 268 MB


def load_encoder() -> Encode:
    """all-MiniLM-L6-v2 as its package carries it, on a GPU where there is one; nothing is downloaded.

    Raises:
        UserError: the package is not installed, or altered.
    """
    from science_exam.retrieval import encoder_loading

    name, device = encoder_loading.EMBEDDED, encoder_loading.choose_device()
    # One precision everywhere: a pair next to a threshold should not depend on the machine.
    return encoder_loading.load_encoder(name, device, precision="float32").encode_passages


def find_alike(
    load_vectors: Callable[[int, int], np.ndarray], n_rows: int, threshold: float
) -> Iterator[tuple[int, int, float]]:
    """(a, b, cosine), a < b, of all pairs of at least `threshold`, in order of b and then of a.

    All rows are compared, a block with a block at a time: memory is three blocks and the pairs of one.
    1,000,000 rows of 384 numbers are 384 TFLOP: minutes on a GPU, hours on a few cores.

    Args:
        load_vectors: start and stop -> unit vectors of these rows, float16 or float32 (rows, dim).
        n_rows: number of rows.
        threshold: cosine from which a pair counts.
    """
    for start in range(0, n_rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, n_rows)
        later = _to_device(load_vectors(start, stop))
        found = [
            _compare_blocks(_to_device(load_vectors(first, min(first + BLOCK_ROWS, stop))), later, threshold)
            + np.array([first, start, 0])
            for first in range(0, stop, BLOCK_ROWS)
        ]
        pairs = np.concatenate(found)  # (pairs, 3): a, b, cosine
        pairs = pairs[pairs[:, 0] < pairs[:, 1]]
        for a, b, cosine in pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))].tolist():
            yield int(a), int(b), cosine


def _to_device(vectors: np.ndarray):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.from_numpy(np.array(vectors, dtype=np.float32)).to(device)


def _compare_blocks(earlier, later, threshold: float) -> np.ndarray:
    """Place in `earlier`, place in `later` and cosine of the pairs that count, float64 (pairs, 3)."""
    cosines = earlier @ later.T  # (earlier, later)
    places = (cosines >= threshold).nonzero(as_tuple=True)
    columns = [*places, cosines[places]]
    return np.stack([column.double().cpu().numpy() for column in columns], axis=1)
