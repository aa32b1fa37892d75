"""Questions -> the predictions table."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from science_exam.answering.decoding import score_options
from science_exam.errors import UserError
from science_exam.prompt import encode_completions, encode_prompt, join_contexts
from science_exam.tables import PROBABILITY_COLUMNS


@dataclass(frozen=True)
class Answerer:
    """A model with all that decides how it reads a question.

    Attributes:
        model: a base, with or without an adapter, on its device.
        tokenizer: the base's.
        max_contexts: as in training; 0 is closed book.
        max_tokens: as in training; contexts are shortened to fit.
        batch_size: prompts a forward pass.

    Raises:
        UserError: max_tokens is beyond the base's window.
    """

    model: object
    tokenizer: object
    max_contexts: int
    max_tokens: int
    batch_size: int

    def __post_init__(self) -> None:
        window = getattr(self.model.config, "max_position_embeddings", None)
        if window is not None and self.max_tokens > window:
            raise UserError(f"max_tokens={self.max_tokens}: the base reads at most {window} tokens")

    def predict(
        self,
        questions: pd.DataFrame,
        contexts: pd.DataFrame,
        fold: str,
        run: str,
        progress: str | None = None,
    ) -> pd.DataFrame:
        """The predictions table of a questions table, in its order.

        Args:
            questions: a questions table.
            contexts: its contexts table; may be empty.
            fold: the fold that the questions were held out in, or "test".
            run: the run's name.
            progress: label of a progress bar, or None.
        """
        self.model.eval()
        asked = join_contexts(questions, contexts, self.max_contexts)
        prompts = [encode_prompt(question, self.tokenizer, self.max_tokens) for question in asked]
        probabilities = score_options(
            self.model,
            prompts,
            encode_completions(self.tokenizer),
            self.batch_size,
            self.tokenizer.pad_token_id,
            progress,
        )  # (questions, 5)
        frame = pd.DataFrame(probabilities, columns=list(PROBABILITY_COLUMNS))
        frame.insert(0, "question_id", [question.question_id for question in asked])
        return frame.assign(fold=fold, run=run)


def load_answerer(
    base,
    adapter: Path,
    max_contexts: int,
    max_tokens: int,
    batch_size: int,
    budgets_gb: tuple[float, float] | None = None,
) -> Answerer:
    """The `Answerer` of a base (a `BaseConfig`) with the adapter in a folder.

    With `budgets_gb`, memory of each GPU and of the CPU, the base is streamed (`StreamedBase`).
    """
    from science_exam.training import model

    tokenizer = model.load_tokenizer(base.path)
    if budgets_gb is None:
        answering = model.load_adapter(model.load_base(base), adapter)
    else:
        from science_exam.answering.streaming import load_streamed_base

        answering = load_streamed_base(base, adapter, *budgets_gb)
    return Answerer(answering, tokenizer, max_contexts, max_tokens, batch_size)
