"""The tokenizer of an encoder, with the ids that the base was pretrained on."""

from types import SimpleNamespace

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import DebertaV2Converter
from transformers.utils.hub import cached_file

from science_exam.errors import UserError
from science_exam.training.base import find_base, read_model_type

DEBERTA = "deberta-v2"  # version 3 too
SPECIAL_TOKENS = {
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}


def load_encoder_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a base, which cuts and pads nothing by itself.

    Raises:
        UserError: it does not load, or has no tokens to part and to pad texts with.
    """
    found = find_base(path)
    load = _load_deberta if read_model_type(path) == DEBERTA else AutoTokenizer.from_pretrained
    try:
        tokenizer = load(found)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"base {path!r}: its tokenizer does not load: {reason}") from None
    if tokenizer.sep_token_id is None or tokenizer.pad_token_id is None:
        raise UserError(f"base {path!r}: expected a tokenizer with a separating and a padding token")
    tokenizer.backend_tokenizer.no_truncation()  # some come with the limits of another use
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _load_deberta(found: str) -> PreTrainedTokenizerFast:
    """DeBERTa's tokenizer as its files have it.

    The library's own class leaves out the normalisation that these files ask for (with SentencePiece's
    usual one, ², ½ and ligatures would become unknown tokens), and needs another package for spm.model.
    """
    file = cached_file(found, "tokenizer.json", _raise_exceptions_for_missing_entries=False)
    backend = Tokenizer.from_file(file) if file else _convert_pieces(cached_file(found, "spm.model"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, **SPECIAL_TOKENS)


def _convert_pieces(file: str) -> Tokenizer:
    """A SentencePiece model as a tokenizer of the tokenizers library."""
    original = SimpleNamespace(vocab_file=file, do_lower_case=False, split_by_punct=False)
    converter = DebertaV2Converter(original)
    original.convert_tokens_to_ids = [piece.piece for piece in converter.proto.pieces].index
    return converter.converted()
