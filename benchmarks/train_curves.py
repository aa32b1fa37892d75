"""Loss curves of the fast engine and of TRL on the same rows, over seeds.

    python benchmarks/train_curves.py data/questions/sample --seeds 3

Trains the embedded base on all folds but the first, once with each engine and seed, and prints the mean loss
of each fifth of the steps and the loss on the held-out fold, with the standard deviation over the seeds. The
two engines draw different orders of the rows, so single steps are not comparable; the curves are.
"""

import argparse
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from science_exam.prompt import join_contexts
from science_exam.questions.store import QuestionSet, read_question_set
from science_exam.training import engine, model
from science_exam.training.config import TrainConfig
from science_exam.training.examples import build_examples, split_fold
from science_exam.training.scoring import score_rows

N_PARTS = 5
ENGINES = ("fast", "trl")


def train(data: QuestionSet, config: TrainConfig) -> list[float]:
    """Mean loss of each part of the steps, then the loss on the held-out fold."""
    split = split_fold(data.questions, data.folds, fold=0, validation_fraction=0.0, seed=config.seed)
    tokenizer = model.load_tokenizer(config.base.path)
    rows, held_out = (
        build_examples(join_contexts(part, data.contexts, config.max_contexts), tokenizer, config.max_tokens)
        for part in (split.train, split.held_out)
    )
    learner = model.add_adapter(model.load_base(config.base), config.lora, config.seed)
    log: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        engine.train_adapter(
            learner, tokenizer, rows, config, Path(folder), lambda grown: log.extend(grown[len(log) :])
        )
    losses = [entry["loss"] for entry in log if "loss" in entry]
    bounds = [round(part * len(losses) / N_PARTS) for part in range(N_PARTS + 1)]
    means = [statistics.mean(losses[bounds[n] : bounds[n + 1]]) for n in range(N_PARTS)]
    after = score_rows(learner, held_out, config.answer_batch_size, tokenizer.pad_token_id, None)
    return [*means, after["loss"]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("questions", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    words = parser.parse_args()
    data = read_question_set(words.questions)
    config = TrainConfig(
        learning_rate=words.learning_rate,
        gradient_checkpointing=False,
        report_to="none",
        checkpoint_steps=10**6,
    )
    print("| engine | " + " | ".join(f"part {n + 1}" for n in range(N_PARTS)) + " | held out |")
    print("| --- " * (N_PARTS + 2) + "|", flush=True)
    for name in ENGINES:
        curves = [train(data, replace(config, engine=name, seed=seed)) for seed in range(words.seeds)]
        columns = torch.tensor(curves)
        pairs = zip(columns.mean(0).tolist(), columns.std(0).tolist(), strict=True)
        print(
            f"| {name} | " + " | ".join(f"{mean:.3f} ± {spread:.3f}" for mean, spread in pairs) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
