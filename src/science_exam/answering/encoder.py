"""Answering with an encoder: a score for each option, in batches of as many tokens as memory allows."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from science_exam.choices import Row, measure_choices, pad_choices


def score_choices(
    model, rows: Sequence[Row], token_budget: int, pad_id: int, progress: str | None = None
) -> np.ndarray:
    """Probability of every option of every question: the softmax of the five scores.

    Args:
        model: of `load_trained_encoder`, or one in training, in eval mode.
        rows: of `encode_choices`.
        token_budget: of a forward pass, padding included; it changes the speed, not the answers.
        pad_id: any token id; padding is masked.
        progress: label of a progress bar, or None for no bar.

    Returns:
        (questions, 5) float64, rows sum to 1.
    """
    results = np.empty((len(rows), len(rows[0]["input_ids"]) if rows else 5))
    batches = plan_batches([measure_choices(row) * len(row["input_ids"]) for row in rows], token_budget)
    with tqdm(total=len(rows), desc=progress, unit="q", disable=progress is None) as bar:
        for batch in batches:
            results[batch] = _score_batch(model, [rows[row] for row in batch], pad_id)
            bar.update(len(batch))
    return results


def plan_batches(sizes: Sequence[int], budget: int) -> list[list[int]]:
    """Numbers of the rows of each batch: rows of like size, as many as fit, the largest first.

    A batch that does not fit into memory so fails at once and not at the end.

    Args:
        sizes: of the rows, which are padded to the largest of their batch.
        budget: of a batch; a row that is larger is a batch of its own.

    Example:
        >>> plan_batches([3, 9, 4], 9)
        [[1], [2, 0]]
    """
    batches: list[list[int]] = []
    room = 0  # rows that the last batch still takes
    for row in sorted(range(len(sizes)), key=lambda row: -sizes[row]):
        if room == 0:
            batches.append([])
            room = max(1, budget // sizes[row])
        batches[-1].append(row)
        room -= 1
    return batches


def find_window(model) -> int | None:
    """Tokens that an encoder's table of positions reaches; None where positions are relative (DeBERTa-v3)."""
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # RoBERTa and its like count positions from behind the padding token's id.
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return None


@torch.inference_mode()
def _score_batch(model, rows: list[Row], pad_id: int) -> np.ndarray:
    inputs = {name: tensor.to(model.device) for name, tensor in pad_choices(rows, pad_id).items()}
    halved = model.compute_dtype != torch.float32
    with torch.autocast(model.device.type, model.compute_dtype, enabled=halved):
        logits = model(**inputs).logits  # (rows, 5)
    return torch.softmax(logits.double(), dim=1).cpu().numpy()
