"""Batched constrained decoding: whatever the model says, the answer is one of the options.

Two ways that agree wherever the options part at one token (as option_1 … option_5 do with every
common tokenizer):

- `decode_greedy`, the reference: step by step through the option trie, taking the likeliest token
  among those that the trie allows.
- `score_options`: tokens that leave no choice are not asked of the model but appended to the
  prompt, so one forward pass reaches the deciding token, whose scores rank all options.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from tqdm import tqdm

from science_exam.answering.options import OptionTrie, build_trie

Tokens = Sequence[int]


def score_options(
    model,
    prompts: Sequence[Tokens],
    options: Sequence[Tokens],
    batch_size: int = 8,
    pad_id: int = 0,
    progress: str | None = None,
) -> np.ndarray:
    """Probability of every option for every prompt.

    Where one token decides, an option's probability is its token's softmax among the deciding
    tokens. Where the options part at several places, it is the softmax of the options' mean
    log-probability a token, so that long options are not punished for their length.

    Args:
        model: a causal language model in eval mode, or one that scores options itself (`StreamedBase`).
        prompts: token ids of each prompt.
        options: token ids of each option, closed by the end-of-text token.
        batch_size: prompts a forward pass; it changes the speed, not the answers.
        pad_id: any token id; padding is masked.
        progress: label of a progress bar, or None for no bar.

    Returns:
        (prompts, options) float64, rows sum to 1.
    """
    if hasattr(model, "score_options"):
        return model.score_options(prompts, options, batch_size, pad_id, progress)
    trie = build_trie(options)
    score = _decision_scorer(trie, len(options)) if trie.decides_at_once else _sequence_scorer(options)
    scores = _in_batches(
        lambda batch: score(model, batch, pad_id), prompts, batch_size, progress
    )  # (prompts, options) log scale
    return torch.softmax(torch.from_numpy(scores.reshape(-1, len(options))), dim=1).numpy()


def decode_greedy(
    model,
    prompts: Sequence[Tokens],
    options: Sequence[Tokens],
    batch_size: int = 8,
    pad_id: int = 0,
) -> np.ndarray:
    """The option that constrained greedy decoding reaches, (prompts,) numbers from 1.

    Each step feeds the chosen tokens back through the key-value cache; rows that have reached
    their option idle until the batch is done. Arguments as in `score_options`.
    """
    trie = build_trie(options)
    chosen = _in_batches(lambda batch: _decode_batch(model, batch, trie, pad_id), prompts, batch_size, None)
    return chosen.astype(int)


def _in_batches(
    function: Callable[[list[Tokens]], np.ndarray],
    prompts: Sequence[Tokens],
    batch_size: int,
    progress: str | None,
) -> np.ndarray:
    """`function` over length-sorted batches, results in the order of `prompts`.

    Rows of like length waste no time on padding; the longest go first, so a batch that does not
    fit into memory fails at once and not at the end.
    """
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
    results: list = [None] * len(prompts)
    with tqdm(total=len(prompts), desc=progress, unit="q", disable=progress is None) as bar:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            for row, result in zip(rows, function([prompts[r] for r in rows]), strict=True):
                results[row] = result
            bar.update(len(rows))
    return np.array(results, dtype=float)


def pad_left(prompts: list[Tokens], pad_id: int, device) -> dict[str, torch.Tensor]:
    """Model inputs (rows, longest): last tokens aligned, padding masked, positions from 0."""
    width = max(len(prompt) for prompt in prompts)
    ids = [[pad_id] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    attention_mask = torch.tensor(mask, device=device)
    return {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": attention_mask,
        "position_ids": (attention_mask.cumsum(1) - 1).clamp(min=0),
    }


def _decision_scorer(trie: OptionTrie, n_options: int) -> Callable:
    forced, tokens = trie.find_decision(n_options)

    @torch.inference_mode()
    def score(model, batch: list[Tokens], pad_id: int) -> np.ndarray:
        inputs = pad_left([[*prompt, *forced] for prompt in batch], pad_id, model.device)
        logits = model(**inputs, use_cache=False, logits_to_keep=1).logits[:, -1]  # (rows, vocab)
        return torch.log_softmax(logits.double(), dim=-1)[:, tokens].cpu().numpy()

    return score


def _sequence_scorer(options: Sequence[Tokens]) -> Callable:
    @torch.inference_mode()
    def score(model, batch: list[Tokens], pad_id: int) -> np.ndarray:
        scores = [_mean_log_probability(model, batch, option, pad_id) for option in options]
        return torch.stack(scores, dim=1).cpu().numpy()  # (rows, options)

    return score


def _mean_log_probability(model, batch: list[Tokens], option: Tokens, pad_id: int) -> torch.Tensor:
    """(rows,) mean over the option's tokens of their log-probability after each prompt."""
    n = len(option)
    inputs = pad_left([[*prompt, *option] for prompt in batch], pad_id, model.device)
    logits = model(**inputs, use_cache=False, logits_to_keep=n + 1).logits[:, -n - 1 : -1]
    log_probabilities = torch.log_softmax(logits.double(), dim=-1)  # (rows, n, vocab)
    targets = torch.tensor([list(option)] * len(batch), device=logits.device)[..., None]
    return log_probabilities.gather(2, targets).squeeze(2).mean(dim=1)


@torch.inference_mode()
def _decode_batch(model, batch: list[Tokens], trie: OptionTrie, pad_id: int) -> np.ndarray:
    inputs = pad_left(batch, pad_id, model.device)
    nodes = [trie] * len(batch)
    cache = None
    while any(node.option is None for node in nodes):
        output = model(**inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        tokens = [
            _likeliest(logits, node) if node.option is None else pad_id
            for logits, node in zip(output.logits[:, -1], nodes, strict=True)
        ]
        nodes = [node.children.get(token, node) for node, token in zip(nodes, tokens, strict=True)]
        cache, inputs = output.past_key_values, _next_inputs(inputs, tokens)
    return np.array([node.option for node in nodes])


def _likeliest(logits: torch.Tensor, node: OptionTrie) -> int:
    """The allowed token with the largest logit (vocab,)."""
    allowed = list(node.children)
    return allowed[int(logits[allowed].argmax())]


def _next_inputs(inputs: dict[str, torch.Tensor], tokens: list[int]) -> dict[str, torch.Tensor]:
    """One more token a row: the ids alone are new, the mask grows, positions move on."""
    ids = torch.tensor(tokens, device=inputs["input_ids"].device)[:, None]
    mask = inputs["attention_mask"]
    return {
        "input_ids": ids,
        "attention_mask": torch.cat([mask, torch.ones_like(ids)], dim=1),
        "position_ids": inputs["position_ids"][:, -1:] + 1,
    }
