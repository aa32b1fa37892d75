"""Examples as token ids, each made from (seed, index) alone, and batches of them.

So workers need no shared state, and going on at an index is all there is to resuming.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import PreTrainedTokenizerBase

from science_exam.errors import UserError
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.tasks import Mixture, make_question
from science_exam.pretraining.tokenizer import find_decision
from science_exam.pretraining.words import Article, Library
from science_exam.prompt import build_prompt

# Lengths come in steps of that many tokens, so that kernels and allocations are used again.
LENGTH_STEP = 64
# Batches that are made together and share out their examples by length: with 4 a batch is 87 %
# tokens, with 1 it is 68 %.
POOL_BATCHES = 4
# Each further try has less context; one that is still too long has options beyond all measure.
MAX_TRIES = 50


class Example(NamedTuple):
    """Token ids, and the place of the answer's deciding token among them; 0 on plain text."""

    ids: list[int]
    place: int


class Batch(NamedTuple):
    """Examples padded behind: a causal model never looks there, so no mask is needed."""

    ids: torch.Tensor  # (rows, tokens), tokens a multiple of LENGTH_STEP
    places: torch.Tensor  # (rows,)
    n_tokens: int  # without padding


class Examples(Dataset):
    """Endlessly many examples; the same index gives the same example in every process."""

    def __init__(
        self, articles: Sequence[Article], tokenizer: PreTrainedTokenizerBase, config: PretrainConfig
    ) -> None:
        self._library, self._tokenizer = Library(list(articles)), tokenizer
        self._completions = find_decision(tokenizer)
        self._mixture = Mixture(config.scramble_fraction, config.same_context_fraction)
        self._n_words = (config.min_context_words, config.max_context_words)
        self._text_fraction, self._max_tokens = config.text_fraction, config.max_tokens
        self._seed = config.seed

    def __getitem__(self, index: int) -> Example:
        rng = random.Random(f"{self._seed}-{index}")
        return self._make_text(rng) if rng.random() < self._text_fraction else self._make_task(rng)

    def _make_text(self, rng: random.Random) -> Example:
        """An article with its sections in random order, between the begin and end tokens."""
        article = rng.choice(self._library.articles)
        text = "\n".join([article.title, *rng.sample(article.sections, len(article.sections))])
        ids = [*self._tokenizer(text)["input_ids"], self._tokenizer.eos_token_id]
        return Example(ids[: self._max_tokens], 0)

    def _make_task(self, rng: random.Random) -> Example:
        """A reading task in the project's prompt, with its answer."""
        n_words = rng.randint(*self._n_words)
        for _ in range(MAX_TRIES):
            question = make_question(self._library, rng, self._mixture, n_words)
            # The same ids as encode_prompt's when nothing has to give way, at a third of the time.
            prompt = self._tokenizer(build_prompt(question, question.contexts[0]))["input_ids"]
            completion = self._completions.ids[question.answer - 1]
            if len(prompt) + len(completion) <= self._max_tokens:
                return Example([*prompt, *completion], len(prompt) + self._completions.decision)
            n_words = n_words * 9 // 10
        raise UserError(f"max_tokens={self._max_tokens}: too few for a reading task; raise it")


class Padding:
    """Examples of a pool -> its batches, each of examples of about one length."""

    def __init__(self, batch_size: int, pad_id: int) -> None:
        self._batch_size, self._pad_id = batch_size, pad_id

    def __call__(self, examples: list[Example]) -> list[Batch]:
        ordered = sorted(examples, key=lambda example: len(example.ids))
        starts = range(0, len(ordered), self._batch_size)
        return [self._pad(ordered[start : start + self._batch_size]) for start in starts]

    def _pad(self, examples: list[Example]) -> Batch:
        width = -(-len(examples[-1].ids) // LENGTH_STEP) * LENGTH_STEP
        ids = torch.full((len(examples), width), self._pad_id)
        for row, example in enumerate(examples):
            ids[row, : len(example.ids)] = torch.tensor(example.ids)
        places = torch.tensor([example.place for example in examples])
        return Batch(ids, places, sum(len(example.ids) for example in examples))


def load_batches(examples: Examples, pad_id: int, config: PretrainConfig, first_step: int) -> Iterator[Batch]:
    """The batches of the steps from `first_step` to the last, in order, whatever the workers."""
    first_pool, skipped = divmod(first_step, POOL_BATCHES)
    n_pools = -(-config.steps // POOL_BATCHES)
    pool_size = POOL_BATCHES * config.batch_size
    pools = DataLoader(
        examples,
        batch_size=pool_size,
        sampler=range(first_pool * pool_size, n_pools * pool_size),
        num_workers=config.workers,
        collate_fn=Padding(config.batch_size, pad_id),
        pin_memory=torch.cuda.is_available(),
    )
    batches = itertools.chain.from_iterable(pools)
    return itertools.islice(batches, skipped, skipped + config.steps - first_step)
