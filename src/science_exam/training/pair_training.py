"""Train an adapter on prompts and completions, and score it on those held out."""

from dataclasses import asdict, replace
from pathlib import Path

from science_exam.errors import UserError
from science_exam.files import write_text
from science_exam.runs import Run
from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.pairs import Pair, encode_pairs, read_pairs, split_pairs
from science_exam.training.preflight import open_training


def train_pairs(config: TrainConfig, folder: Path) -> None:
    """Train on `config.data`, score before and after; everything is written to `folder`.

    Raises:
        UserError: the file or the settings are unsound, or the folder holds another run.
    """
    path = Path(config.data)
    pairs = read_pairs(path)
    parts = split_pairs(pairs, config.held_out_fraction, config.seed)
    # No question set belongs to such a run, so none passes for the one it was trained on.
    config = replace(config, questions="", contexts="")
    if run := open_training(folder, config, [path]):
        _train_and_score(config, *parts, run)


def _train_and_score(config: TrainConfig, pairs: list[Pair], held_out: list[Pair], run: Run) -> None:
    from science_exam.training import engine
    from science_exam.training import model as models
    from science_exam.training.scoring import score_rows

    tokenizer = models.load_tokenizer(config.base.path)
    rows, asked = (encode_pairs(part, tokenizer, config.max_tokens) for part in (pairs, held_out))
    model = models.add_adapter(models.load_base(config.base), config.lora, config.seed)
    window = getattr(model.config, "max_position_embeddings", None)
    if window is not None and config.max_tokens > window:
        raise UserError(f"max_tokens={config.max_tokens}: the base reads at most {window} tokens")
    if processes.rank() > 0:
        engine.assist_training(model, tokenizer, rows, config, run.folder)
        return

    def score(state: str) -> dict[str, float]:
        return score_rows(model, asked, config.answer_batch_size, tokenizer.pad_token_id, f"{state} training")

    run.begin()
    before = score("before")
    trained = engine.train_adapter(model, tokenizer, rows, config, run.folder, run.write_metrics)
    scores = {"before training": before, "after training": score("after")}
    write_text(run.folder / "report.md", format_scores(scores, len(rows), len(asked)) + "\n")
    run.finish({"scores": scores, "training": asdict(trained)})
    engine.remove_checkpoints(run.folder)


def format_scores(scores: dict[str, dict[str, float]], n_trained: int, n_held_out: int) -> str:
    """The scores as a Markdown table under a line that says of what."""
    lines = [f"| {state} | {s['loss']:.4f} | {s['exact_match']:.3f} |" for state, s in scores.items()]
    return "\n".join(
        [
            f"{n_held_out} held-out rows; trained on {n_trained}",
            "",
            "| | loss a token | exact match of greedy decoding |",
            "| --- | --- | --- |",
            *lines,
        ]
    )
