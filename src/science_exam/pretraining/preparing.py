"""What a training starts from: the tokenizer, the untrained reader, and where its examples come from."""

import random
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from transformers import PreTrainedTokenizerBase

from science_exam.pretraining.articles import read_articles
from science_exam.pretraining.asking import cut_passages, split_questions
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.examples import Example, Layout, Texts
from science_exam.pretraining.known_texts import KnownTexts, read_evaluation
from science_exam.pretraining.mixing import ExampleMaker
from science_exam.pretraining.packing import Pack, pack_in_order
from science_exam.pretraining.planting import Planter
from science_exam.pretraining.reader import Reader, build_llama
from science_exam.pretraining.tokenizer import find_decision, list_texts, train_tokenizer
from science_exam.pretraining.words import Library
from science_exam.prompt import Question

# Held-out questions are asked with that many passages, always the same.
HELD_OUT_PASSAGES = 3


@dataclass(frozen=True)
class Prepared:
    """Everything that a training needs; `counts` says how much of what was read."""

    tokenizer: PreTrainedTokenizerBase
    reader: Reader
    make_example: ExampleMaker
    held_out: list[Pack]
    counts: dict[str, int]


def prepare_training(config: PretrainConfig, tables: tuple[pd.DataFrame, pd.DataFrame] | None) -> Prepared:
    """Read the corpora, train the tokenizer and build the reader.

    Args:
        config: the stage's settings.
        tables: questions and contexts of the question set, if there is one.
    """
    refused = read_evaluation(list(map(Path, config.evaluation)))
    read = read_articles(list(map(Path, config.corpora)), refused)
    tokenizer = train_tokenizer(list_texts(read.articles), config.model.vocab_size)
    library = Library(read.articles, config.seed)
    texts, layout = Texts(read.articles, tokenizer), Layout(tokenizer)
    pool, held_out = None, []
    if tables is not None:
        pool, held_out = split_questions(*tables, config, refused)
    deciding_ids = find_decision(tokenizer).deciding_ids
    return Prepared(
        tokenizer=tokenizer,
        reader=Reader(build_llama(tokenizer, config.model, config.seed), deciding_ids, config.max_tokens),
        make_example=ExampleMaker(texts, library, layout, pool, Planter(library, refused), config),
        held_out=pack_held_out(held_out, layout, texts, refused, config),
        counts={**read.counts, "text tokens": len(texts), "held-out questions": len(held_out)},
    )


def pack_held_out(
    questions: list[Question], layout: Layout, texts: Texts, refused: KnownTexts, config: PretrainConfig
) -> list[Pack]:
    """The questions in packs that are filled up with text; a question that is too long is left out."""
    examples = []
    for question in questions:
        contexts = cut_passages(question.contexts[:HELD_OUT_PASSAGES], config.max_context_words, refused)
        example = layout.lay_out([replace(question, contexts=contexts)], config.max_tokens)
        if example.ids:
            examples.append(replace(example, asked=True))

    def make_text(n_tokens: int) -> Example:
        return texts.draw(random.Random(config.seed), min(n_tokens, config.max_tokens))

    return pack_in_order(examples, config.tokens_per_pack, make_text)
