import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoders import save_tiny_deberta

from science_exam.choices import build_choices, check_choices, encode_choices, is_encoder, pad_choices
from science_exam.errors import UserError
from science_exam.prompt import Question
from science_exam.training.encoder.tokenizer import load_encoder_tokenizer

OPTIONS = ("Ne", "Na", "the symbol of Neon is Ne", "", "He")
SENTENCES = ("Neon is a chemical element.", "Its symbol is Ne.", "Chemists write Ne for it.")
ASKED = "What is the symbol of the element Neon ?"
QUESTION = Question(
    question_id="q",
    prompt="What is the symbol of the element Neon? ",
    options=OPTIONS,
    answer=3,
    contexts=(" ".join(SENTENCES[:2]), SENTENCES[2]),
)
# Tokens of the pair with the longest option and no context: 3 special, 9 of the question, 6 of the option.
BARE = 18


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory, question_set):
    folder = tmp_path_factory.mktemp("encoder")
    return load_encoder_tokenizer(save_tiny_deberta(folder, question_set.questions, question_set.contexts))


def read(tokenizer, ids) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(ids.tolist()))


@pytest.mark.parametrize("model_type", ["deberta-v2", "bert", "roberta", "electra", "modernbert"])
def test_models_with_a_multiple_choice_head_are_encoders(model_type):
    assert is_encoder(model_type)


@pytest.mark.parametrize("model_type", ["llama", "mistral", "qwen2", "gemma2", "phi3", "gpt2", None])
def test_models_that_write_are_none(model_type):
    assert not is_encoder(model_type)


def test_a_pair_is_the_context_and_the_question_with_one_option(tokenizer):
    pairs = encode_choices(QUESTION, tokenizer, 100)["input_ids"]
    context = " ".join(SENTENCES).replace(".", " .")  # best first, though it is longer than the limits stored
    for ids, option in zip(pairs, OPTIONS, strict=True):
        tail = f"{ASKED} {option}".strip()
        assert read(tokenizer, ids) == f"[CLS] {context} [SEP] {tail} [SEP]"
        assert ids.dtype == np.int32


@pytest.mark.parametrize(
    ("max_tokens", "n_sentences"),
    # The sentences have 6, 5 and 6 tokens.
    [(BARE, 0), (BARE + 5, 0), (BARE + 6, 1), (BARE + 10, 1), (BARE + 11, 2), (BARE + 16, 2), (BARE + 17, 3)],
)
def test_contexts_give_way_by_sentences_and_alike_for_all_options(tokenizer, max_tokens, n_sentences):
    pairs = encode_choices(QUESTION, tokenizer, max_tokens)["input_ids"]
    context = " ".join(SENTENCES[:n_sentences]).replace(".", " .")
    for ids, option in zip(pairs, OPTIONS, strict=True):
        assert len(ids) <= max_tokens
        assert read(tokenizer, ids).split() == f"[CLS] {context} [SEP] {ASKED} {option} [SEP]".split()


def test_a_question_that_cannot_fit_is_named(tokenizer):
    for refuse in (encode_choices, lambda q, *rest: check_choices([q], *rest)):
        with pytest.raises(UserError, match=f"question 'q' has {BARE} tokens without any context, expected"):
            refuse(QUESTION, tokenizer, BARE - 1)
    check_choices([QUESTION], tokenizer, BARE)


@given(
    sentences=st.lists(st.integers(1, 9), max_size=12),
    options=st.lists(st.integers(0, 12), min_size=5, max_size=5),
    room=st.integers(0, 60),
)
def test_options_are_never_cut(tokenizer, sentences, options, room):
    context = " ".join(" ".join(["Neon"] * n) + "." for n in sentences)
    texts = tuple(" ".join(["write"] * n) for n in options)
    question = Question("q", "What?", texts, contexts=(context,))
    max_tokens = 3 + 2 + max(options) + room
    pairs = [
        read(tokenizer, ids).split() for ids in encode_choices(question, tokenizer, max_tokens)["input_ids"]
    ]
    assert max(map(len, pairs)) <= max_tokens
    assert [pair.count("write") for pair in pairs] == options
    kept = {tuple(pair[1 : pair.index("[SEP]")]) for pair in pairs}
    assert len(kept) == 1
    lengths = [0, *np.cumsum([n + 1 for n in sentences]).tolist()]
    assert len(kept.pop()) == max(length for length in lengths if length <= room)


def test_training_rows_carry_the_right_option_from_0(tokenizer):
    [row] = build_choices([QUESTION], tokenizer, 100)
    assert row["labels"] == 2
    assert set(row) == {"input_ids", "labels"}  # DeBERTa-v3 has no segments


def test_a_question_without_an_answer_is_no_training_row(tokenizer):
    unanswered = Question("q7", "What?", OPTIONS)
    with pytest.raises(UserError, match="question 'q7': expected an answer"):
        build_choices([unanswered], tokenizer, 100)


def test_rows_are_padded_to_the_longest_and_the_padding_is_masked():
    rows = [
        {"input_ids": [np.array([7, 8]), np.array([9])], "token_type_ids": [np.array([0, 1]), np.array([0])]},
        {
            "input_ids": [np.array([1]), np.array([4, 5, 6])],
            "token_type_ids": [np.array([0]), np.array([0, 1, 1])],
        },
    ]
    inputs = pad_choices(rows, pad_id=3)
    assert inputs["input_ids"].tolist() == [[[7, 8, 3], [9, 3, 3]], [[1, 3, 3], [4, 5, 6]]]
    assert inputs["attention_mask"].tolist() == [[[1, 1, 0], [1, 0, 0]], [[1, 0, 0], [1, 1, 1]]]
    assert inputs["token_type_ids"].tolist() == [[[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 1]]]
    assert all(tensor.dtype == torch.int64 for tensor in inputs.values())
    labelled = pad_choices([{**row, "labels": n} for n, row in enumerate(rows, start=2)], 3)
    assert labelled["labels"].tolist() == [2, 3]
