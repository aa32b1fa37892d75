"""A tiny random encoder of DeBERTa-v3's kind, with a tokenizer of words, for the tests of encoders."""

from pathlib import Path

import pandas as pd
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from transformers import DebertaV2Config, DebertaV2ForMultipleChoice

from science_exam.tables import OPTION_COLUMNS

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]  # in the order of their ids


def save_tiny_deberta(
    folder: Path, questions: pd.DataFrame, contexts: pd.DataFrame, n_layers: int = 3
) -> str:
    """Write model, without its head, and tokenizer to `folder`; returns it."""
    texts = [*questions["prompt"], *contexts["text"], *questions[list(OPTION_COLUMNS)].to_numpy().ravel()]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _make_tokenizer(texts)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=n_layers,
        num_attention_heads=2,
        # As in DeBERTa-v3: positions are relative, in buckets, and there is no table of absolute ones.
        max_position_embeddings=32,
        position_biased_input=False,
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        initializer_range=0.05,
    )
    model = DebertaV2ForMultipleChoice(config)
    headless = {name: weight for name, weight in model.state_dict().items() if name.startswith("deberta.")}
    model.save_pretrained(folder, state_dict=headless)
    return str(folder)


def _make_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.train_from_iterator(
        texts, trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False)
    )
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_truncation(12)  # limits of another use, as some real ones come with
    tokenizer.enable_padding(length=12)
    return tokenizer
