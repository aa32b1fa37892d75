"""Questions -> the predictions table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from science_exam.answering.blending import tabulate
from science_exam.answering.config import PredictConfig
from science_exam.answering.decoding import score_options
from science_exam.answering.encoder import find_window, score_choices
from science_exam.answering.examining import Limits, examine
from science_exam.answering.options import build_trie
from science_exam.answering.padded import use_adapter
from science_exam.choices import encode_choices, is_encoder
from science_exam.errors import UserError
from science_exam.judgements import encode_judgements, encode_verdicts, rank_judged
from science_exam.prompt import (
    Question,
    describe_cuts,
    encode_completions,
    encode_prompts,
    join_contexts,
    thin_out,
)
from science_exam.tables import PROBABILITY_COLUMNS
from science_exam.training import learners
from science_exam.training.fast.adapters import ADAPTER_NAME

# Adapters and the questions, (questions,) bool, that each answers; None: all of them.
Voices = Mapping[str, np.ndarray | None]
EVERYONE: Voices = MappingProxyType({})


@dataclass(frozen=True)
class Answerer:
    """A model with all that decides how it reads a question.

    Attributes:
        model: a base, with or without an adapter, or an encoder with its head; on its device.
        tokenizer: the base's.
        max_contexts: as in training; 0 is closed book.
        max_tokens: as in training; contexts are shortened to fit.
        batch_size: prompts a forward pass; with an encoder, as many tokens as so many of the longest
            questions may have.
        objective: as in training; with "binary" the options are judged one by one.
        n_views: orders of the options that each question is asked in; their answers are averaged.
        adapters: names of those of the model's that answer; their answers are averaged.

    Raises:
        UserError: max_tokens is beyond the base's window, or the model can be asked in one way alone.
    """

    model: object
    tokenizer: object
    max_contexts: int
    max_tokens: int
    batch_size: int
    objective: str = "completion"
    n_views: int = 1
    adapters: tuple[str, ...] = (ADAPTER_NAME,)

    def __post_init__(self) -> None:
        described = self.model.config
        stated = getattr(described, "max_position_embeddings", None)
        window = find_window(self.model) if is_encoder(described.model_type) else stated
        if window is not None and self.max_tokens > window:
            raise UserError(f"max_tokens={self.max_tokens}: the base reads at most {window} tokens")
        if self.n_views > 1:
            self._check_examinable(f"views={self.n_views}")

    def predict(
        self,
        questions: pd.DataFrame,
        contexts: pd.DataFrame,
        fold: str | Sequence[str],
        run: str,
        progress: str | None = None,
        limits: Limits | None = None,
        further_contexts: Sequence[pd.DataFrame] = (),
        voices: Voices = EVERYONE,
    ) -> pd.DataFrame:
        """The predictions table of a questions table, in its order.

        Args:
            questions: a questions table.
            contexts: its contexts table; may be empty.
            fold: the fold that the questions were held out in, or of each; or "test".
            run: the run's name.
            progress: label of a progress bar, or None.
            limits: of the time, and what is kept on the way; None: neither.
            further_contexts: more contexts tables; the answers with each are averaged.
            voices: adapter -> (questions,) bool, those that it answers; all, when it is not named.

        Raises:
            UserError: a time limit, with a model that answers all questions or none.
        """
        self.model.eval()
        readings = [
            join_contexts(questions, table, self.max_contexts) for table in (contexts, *further_contexts)
        ]
        asks = {adapter: voices.get(adapter) for adapter in self.adapters}
        make_table = partial(tabulate, questions["question_id"], folds=fold, run=run)
        if limits is not None and limits.deadline.has_end:
            self._check_examinable("budget_seconds")
        if self._is_examinable:
            return make_table(self._examine(readings, asks, progress, limits, make_table))
        return make_table(self._score_all(readings, asks, progress))  # (questions, 5)

    def describe_cuts(self, questions: pd.DataFrame, tables: Sequence[pd.DataFrame]) -> list[str]:
        """A line for each of these contexts tables of which many prompts are too long."""
        if self.objective == "binary" or is_encoder(self.model.config.model_type):
            return []  # these read a question option by option
        sample = thin_out(questions)
        readings = (join_contexts(sample, table, self.max_contexts) for table in tables)
        cuts = (describe_cuts(asked, self.tokenizer, self.max_tokens) for asked in readings)
        return [f"contexts {n} of {len(tables)}: {cut}" for n, cut in enumerate(cuts, start=1) if cut]

    def _check_examinable(self, setting: str) -> None:
        if not self._is_examinable:
            raise UserError(
                f"{setting}: needs a causal model in memory whose answers part at one token, trained with "
                f"another objective than binary; leave it out"
            )

    @property
    def _is_examinable(self) -> bool:
        """Whether questions can be asked in packs, in any order of the options."""
        is_loaded = not hasattr(self.model, "score_options")  # a streamed base takes all questions at once
        if not is_loaded or self.objective == "binary" or is_encoder(self.model.config.model_type):
            return False
        return build_trie(encode_completions(self.tokenizer)).decides_at_once

    def _examine(self, readings: list[list[Question]], asks: Voices, progress, limits, make_table):
        """(questions, 5), from as many views as the limits allow."""
        return examine(
            self.model,
            self.tokenizer,
            readings,
            self.max_tokens,
            tokens_together=self.batch_size * self.max_tokens,
            n_views=self.n_views,
            voices=asks,
            limits=limits,
            tabulate=make_table,
            progress=progress,
        ).probabilities

    def _score_all(self, readings: list[list[Question]], asks: Voices, progress: str | None) -> np.ndarray:
        """(questions, 5), the means over adapters and sets of contexts."""
        sums, counts = np.zeros((len(readings[0]), len(PROBABILITY_COLUMNS))), np.zeros(len(readings[0]))
        for adapter, chosen in asks.items():
            use_adapter(self.model, adapter)
            numbers = np.arange(len(sums)) if chosen is None else np.flatnonzero(chosen)
            for asked in readings:
                sums[numbers] += self._score([asked[number] for number in numbers], progress)
                counts[numbers] += 1
        return sums / counts[:, None]

    def _score(self, asked: list[Question], progress: str | None) -> np.ndarray:
        if is_encoder(self.model.config.model_type):
            rows = [encode_choices(question, self.tokenizer, self.max_tokens) for question in asked]
            budget = self.batch_size * len(PROBABILITY_COLUMNS) * self.max_tokens
            return score_choices(self.model, rows, budget, self.tokenizer.pad_token_id, progress)
        if self.objective == "binary":
            judged = (encode_judgements(question, self.tokenizer, self.max_tokens) for question in asked)
            verdicts = encode_verdicts(self.tokenizer)
            return rank_judged(self._score_options(list(chain.from_iterable(judged)), verdicts, progress))
        prompts = list(encode_prompts(asked, self.tokenizer, self.max_tokens))
        return self._score_options(prompts, encode_completions(self.tokenizer), progress)

    def _score_options(
        self, prompts: list[list[int]], options: list[list[int]], progress: str | None
    ) -> np.ndarray:
        pad_id = self.tokenizer.pad_token_id
        return score_options(self.model, prompts, options, self.batch_size, pad_id, progress)


def make_answerer(model, tokenizer, settings) -> Answerer:
    """The `Answerer` that asks as a training (its `TrainConfig`) trains."""
    return Answerer(
        model,
        tokenizer,
        settings.max_contexts,
        settings.max_tokens,
        settings.answer_batch_size,
        settings.objective,
    )


def load_answerer(
    settings, weights: Path, config: PredictConfig, further: Mapping[str, Path] = learners.NONE_FURTHER
) -> Answerer:
    """The `Answerer` of a finished training.

    Args:
        settings: its `TrainConfig`.
        weights: folder of its adapter, or of the trained encoder.
        config: how to answer; with streaming the base is never in memory as a whole (`StreamedBase`).
        further: names and folders of adapters that answer beside that one; not with streaming.
    """
    tokenizer = learners.load_tokenizer(settings.base.path)
    if config.streaming:
        from science_exam.answering.streaming import load_streamed_base

        learners.check_streamable(settings.base.path)
        budgets_gb = config.memory_budget_gb, config.host_memory_gb
        model = load_streamed_base(settings.base, weights, *budgets_gb)
    else:
        model = learners.load_trained(settings.base, weights, further)
    return Answerer(
        model,
        tokenizer,
        max_contexts=settings.max_contexts if config.max_contexts is None else config.max_contexts,
        max_tokens=settings.max_tokens,
        batch_size=config.batch_size,
        objective=settings.objective,
        n_views=config.views,
        adapters=(ADAPTER_NAME, *further),
    )
