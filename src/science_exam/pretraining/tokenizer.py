"""A byte-level BPE tokenizer of the articles' own words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from science_exam.errors import UserError
from science_exam.pretraining.articles import Article
from science_exam.prompt import COMPLETIONS, INPUT_END, INSTRUCTION, TEMPLATE, encode_completions

MAX_CHARS = 20_000_000  # of text that a tokenizer is trained on
BEGIN, END, PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"


@dataclass(frozen=True)
class Completions:
    """The five possible answers as ids, and where they part.

    All have `length` tokens and differ at `decision` alone; `deciding_ids[i]` is the token that
    answers with option i + 1.
    """

    ids: tuple[tuple[int, ...], ...]
    decision: int
    deciding_ids: tuple[int, ...]


def list_texts(articles: Sequence[Article]) -> list[str]:
    """What a tokenizer is trained on: every article, each beside the prompt that stands around it.

    With the prompt once an article its words become single tokens: half as many in every example.
    Of a large corpus every n-th article is enough.
    """
    every = sum(len(section) for article in articles for section in article.sections) // MAX_CHARS + 1
    options = "".join(f"{name}: \n" for name in COMPLETIONS)
    frame = TEMPLATE.format(instruction=INSTRUCTION, input=f"Context: \n\n{options}") + INPUT_END
    return [text for article in articles[::every] for text in (article.title, *article.sections, frame)]


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerBase:
    """BPE over bytes, so that no text is unknown; digits stand alone, so that 1984 is four tokens.

    Args:
        texts: what to merge by; a text that stands often counts often.
        vocab_size: entries, special tokens included; at least 256 + 3.

    Raises:
        UserError: the answers do not part at exactly one token (see `find_decision`).
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    begin = (BEGIN, bpe.token_to_id(BEGIN))
    bpe.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[begin]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
    )
    find_decision(tokenizer)
    return tokenizer


def find_decision(tokenizer: PreTrainedTokenizerBase) -> Completions:
    """Where option_1 … option_5, tokenized alone, part.

    Raises:
        UserError: they have not the same length, or differ at more than one token.
    """
    ids = encode_completions(tokenizer)
    columns = list(zip(*ids, strict=False))
    parting = [place for place, column in enumerate(columns) if len(set(column)) > 1]
    if len({len(row) for row in ids}) > 1 or len(parting) != 1 or len(set(columns[parting[0]])) < 5:
        raise UserError(
            f"tokenizer: expected option_1 to option_5 to part at exactly one token, found {ids}; "
            f"try another vocab_size"
        )
    return Completions(tuple(map(tuple, ids)), parting[0], tuple(columns[parting[0]]))
