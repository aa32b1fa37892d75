"""How well a model continues prompts: loss and exact match, in one forward pass a row."""

from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm


def score_rows(
    model, rows: Sequence[dict], batch_size: int, pad_id: int, progress: str | None
) -> dict[str, float]:
    """How well a model continues the prompts of `encode_pairs`' rows.

    Args:
        model: a causal language model.
        rows: of `encode_pairs`.
        batch_size: rows a forward pass.
        pad_id: any token id; padding is masked.
        progress: label of a progress bar, or None.

    Returns:
        loss: mean over all tokens of the completions and their ends, in nats; exact_match: share of
        rows whose completion greedy decoding gives to the letter. One pass shows both: decoding leaves
        the completion where the likeliest token behind its beginning is first another.
    """
    model.eval()
    ordered = sorted(rows, key=lambda row: -len(row["input_ids"]))
    batches = [ordered[start : start + batch_size] for start in range(0, len(ordered), batch_size)]
    totals = torch.zeros(3, dtype=torch.float64)
    for batch in tqdm(batches, desc=progress, disable=progress is None):
        totals += _score_batch(model, batch, pad_id)
    loss, n_tokens, n_exact = totals.tolist()
    return {"loss": loss / n_tokens, "exact_match": n_exact / len(rows)}


@torch.inference_mode()
def _score_batch(model, batch: Sequence[dict], pad_id: int) -> torch.Tensor:
    """(3,) summed loss, completion tokens, rows that match exactly."""
    width = max(len(row["input_ids"]) for row in batch)
    n_last = max(sum(row["completion_mask"]) for row in batch)

    def pad_left(values: list[list[int]], filler: int) -> torch.Tensor:
        padded = [[filler] * (width - len(value)) + value for value in values]
        return torch.tensor(padded, device=model.device)  # (rows, width)

    ids = pad_left([row["input_ids"] for row in batch], pad_id)
    attention_mask = pad_left([[1] * len(row["input_ids"]) for row in batch], 0)
    asked = pad_left([row["completion_mask"] for row in batch], 0)[:, -n_last:].bool()
    logits = model(
        input_ids=ids,
        attention_mask=attention_mask,
        position_ids=(attention_mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=n_last + 1,
    ).logits[:, -n_last - 1 : -1]  # (rows, n_last, vocabulary), each of the token that follows
    targets = ids[:, -n_last:]
    losses = cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    exact = ((logits.argmax(dim=2) == targets) | ~asked).all(dim=1)
    return torch.stack([losses[asked].double().sum(), asked.sum(), exact.sum()]).cpu()
