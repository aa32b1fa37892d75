import json
import struct
from pathlib import Path

import pytest
from tiny_encoders import SPECIAL, save_tiny_deberta
from transformers import AutoTokenizer, DebertaV2Config
from transformers.convert_slow_tokenizer import import_protobuf

from science_exam.errors import UserError
from science_exam.training.encoder.tokenizer import load_encoder_tokenizer

PIECES = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁", "▁m", "2", "▁the", "▁whole", "x"]


def make_charsmap(source: str, target: str) -> bytes:
    """A SentencePiece normalisation of one two-byte character, as a double array (Darts).

    A node's unit holds its label (8 bits), whether a value follows (bit 8) and the offset to its children
    (from bit 10): from the node at n, the child for byte b is at n XOR offset XOR b.
    """
    first, second = source.encode()
    root, middle, end, value = 0, 300, 600, 900
    units = [0] * 1024
    offsets = [(root, middle ^ first), (middle, middle ^ end ^ second), (end, end ^ value)]
    for node, offset in offsets:
        units[node] |= offset << 10
    units[middle] |= first
    units[end] |= second | 1 << 8
    trie = struct.pack("<1024I", *units)
    return struct.pack("<I", len(trie)) + trie + target.encode() + b"\0"


@pytest.fixture
def published(tmp_path) -> Path:
    """A folder as DeBERTa-v3 was published: pieces in spm.model, no tokenizer.json."""
    model = import_protobuf().ModelProto()
    for rank, piece in enumerate(PIECES):
        kind = {"[UNK]": 2}.get(piece, 3 if piece in SPECIAL else 1)  # unknown, control, normal
        model.pieces.add(piece=piece, score=0.0 if kind > 1 else -float(rank), type=kind)
    model.trainer_spec.unk_id = PIECES.index("[UNK]")
    model.trainer_spec.model_type = 1  # unigram
    model.normalizer_spec.precompiled_charsmap = make_charsmap("²", "2")
    (tmp_path / "spm.model").write_bytes(model.SerializeToString())
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false, "vocab_type": "spm"}')
    DebertaV2Config(vocab_size=16).save_pretrained(tmp_path)
    return tmp_path


def tokens_of(tokenizer, *texts: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(tokenizer(*texts)["input_ids"])


def test_pieces_are_read_with_the_normalisation_that_comes_with_them(published):
    tokenizer = load_encoder_tokenizer(str(published))
    assert tokens_of(tokenizer, "the m²", "whole") == ["[CLS]", "▁the", "▁m", "2", "[SEP]", "▁whole", "[SEP]"]
    ids = [tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.unk_token_id]
    assert ids == [0, 1, 2, 3]


def test_a_saved_tokenizer_reads_as_before_it_was_saved(published, tmp_path):
    folder = tmp_path / "encoder"
    before = load_encoder_tokenizer(str(published))
    before.save_pretrained(folder)
    DebertaV2Config(vocab_size=16).save_pretrained(folder)
    assert not (folder / "spm.model").exists()
    for after in (load_encoder_tokenizer(str(folder)), AutoTokenizer.from_pretrained(folder)):
        for texts in (["the m² whole"], ["the", "m² xx ?"]):
            assert tokens_of(after, *texts) == tokens_of(before, *texts)


def test_a_tokenizer_file_counts_whatever_class_its_folder_names(published, tmp_path):
    folder = tmp_path / "converted"
    load_encoder_tokenizer(str(published)).save_pretrained(folder)
    DebertaV2Config(vocab_size=16).save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "DebertaV2Tokenizer"  # which would make ² an unknown token
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    assert tokens_of(load_encoder_tokenizer(str(folder)), "m²") == ["[CLS]", "▁m", "2", "[SEP]"]


def test_the_limits_of_another_use_are_lifted(tmp_path, question_set):
    folder = save_tiny_deberta(tmp_path, question_set.questions, question_set.contexts)
    stored = json.loads((tmp_path / "tokenizer.json").read_text())
    assert stored["truncation"]["max_length"] == 12
    assert stored["padding"]
    backend = load_encoder_tokenizer(folder).backend_tokenizer
    lengths = [len(backend.encode("Neon " * n)) for n in (1, 40)]
    assert lengths == [3, 42]


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    DebertaV2Config(vocab_size=16).save_pretrained(tmp_path)
    with pytest.raises(UserError, match="its tokenizer does not load") as caught:
        load_encoder_tokenizer(str(tmp_path))
    assert str(tmp_path) in str(caught.value)
