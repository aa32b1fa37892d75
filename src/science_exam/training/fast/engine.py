"""The fast engine's way in: from a PEFT model and examples to a trained adapter."""

from collections.abc import Sequence
from pathlib import Path

from science_exam.errors import UserError
from science_exam.judgements import encode_verdicts
from science_exam.prompt import encode_completions
from science_exam.training.config import TrainConfig
from science_exam.training.curves import draw_curves
from science_exam.training.fast.loop import train_groups
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import group_rows
from science_exam.training.model import choose_dtype
from science_exam.training.outcome import CHECKPOINTS, OnLog, Trained, Validate


def train_fast(
    model,
    tokenizer,
    examples: list[dict],
    config: TrainConfig,
    folder: Path,
    on_log: OnLog,
    validate: Validate | None = None,
) -> Trained:
    """`engine.train_adapter` without the saving at the end."""
    classes = None
    if config.objective != "completion":
        answers = (encode_verdicts if config.objective == "binary" else encode_completions)(tokenizer)
        n_forced, classes = find_decision(answers, config.objective)
        examples = [cut_behind_decision(example, n_forced) for example in examples]
    network = Network(model, choose_dtype(config.base.dtype), classes)
    return train_groups(
        network,
        group_rows(examples),
        config,
        folder / CHECKPOINTS,
        draw_curves(config, folder, on_log),
        validate,
        classes,
    )


def find_decision(answers: Sequence[Sequence[int]], objective: str) -> tuple[int, list[int]]:
    """Where the possible answers part, and the token each goes on with.

    Args:
        answers: token ids of each.
        objective: for the error.

    Returns:
        How many tokens all answers begin with; a token id for each.

    Raises:
        UserError: the answers do not all part at one token.
    """
    columns = list(zip(*answers, strict=False))
    n_forced = next((n for n, tokens in enumerate(columns) if len(set(tokens)) > 1), len(columns))
    if n_forced == len(columns) or len(set(columns[n_forced])) < len(answers):
        raise UserError(
            f"objective={objective}: expected a tokenizer in which the {len(answers)} answers part at one "
            f"token; use objective=completion"
        )
    return n_forced, list(columns[n_forced])


def cut_behind_decision(example: dict, n_forced: int) -> dict:
    """The example with loss on the token that decides alone; those before it become part of the prompt."""
    n_prompt = len(example["completion_mask"]) - sum(example["completion_mask"]) + n_forced
    cut = {"input_ids": example["input_ids"][: n_prompt + 1], "completion_mask": [0] * n_prompt + [1]}
    return {**example, **cut}
