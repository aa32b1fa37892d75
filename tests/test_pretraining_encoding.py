"""The encoder with a memory gives the tokenizer's own ids, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.pretraining.encoding import Encoder
from science_exam.pretraining.tokenizer import train_tokenizer

WORDS = [
    " option_1: don't",
    "'ll",
    "\n",
    "\n\n",
    "  ",
    " 12",
    "½",
    "²",
    "Ⅷ",
    "_",
    "é",
    "e\u0301",
    "\u00a0",
    "\t",
    "漢",
]


@pytest.fixture(scope="module")
def tokenizer():
    texts = [
        "option_1: \noption_2: \noption_3: \noption_4: \noption_5: \n",
        "the water in the sea isn't 12 °C",
    ]
    return train_tokenizer(texts * 5, 300)


@given(st.lists(st.one_of(st.text(), st.sampled_from(WORDS))).map("".join))
def test_ids_are_the_tokenizer_s(tokenizer, text):
    encoder = Encoder(tokenizer)
    expected = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert encoder.encode(text) == expected == encoder.encode(text)


@given(st.text(min_size=1).filter(lambda text: text == text.rstrip()), st.text())
def test_a_text_may_be_cut_before_a_line_break(tokenizer, line, rest):
    encoder = Encoder(tokenizer)
    assert encoder.encode(line) + encoder.encode(f"\n{rest}") == encoder.encode(f"{line}\n{rest}")


def test_only_so_many_pieces_are_kept(tokenizer, monkeypatch):
    monkeypatch.setattr("science_exam.pretraining.encoding.MAX_PIECES", 3)
    encoder = Encoder(tokenizer)
    text = "one two three four five six"
    assert encoder.encode(text) == tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(encoder) <= 3
