"""The base's own tokenizer."""

import pytest
from conftest import SCATTERED

from science_exam.errors import UserError
from science_exam.pretraining import tokenizer as tokenizers
from science_exam.pretraining.articles import Article
from science_exam.pretraining.tokenizer import BEGIN, find_decision, list_texts, train_tokenizer
from science_exam.prompt import encode_completions

ARTICLES = [
    Article("1", "Gold", ("Gold is a metal, found in 1984 places.",), ("Gold is a metal.",), (4,)),
    Article("2", "Iron", ("Iron rusts in wet air; steel does not.",), ("Iron rusts.",), (2,)),
]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(list_texts(ARTICLES), 600)


def test_the_answers_part_at_one_token(tokenizer):
    completions = find_decision(tokenizer)
    before, after = completions.decision, completions.decision + 1
    assert len(set(completions.deciding_ids)) == 5
    assert (
        len({ids[:before] for ids in completions.ids}) == len({ids[after:] for ids in completions.ids}) == 1
    )
    assert [list(ids) for ids in completions.ids] == encode_completions(tokenizer)


def test_a_tokenizer_whose_answers_part_at_several_tokens_is_refused(bases):
    with pytest.raises(UserError, match="part at exactly one token"):
        find_decision(bases[SCATTERED].tokenizer)


def test_digits_stand_alone_and_any_text_comes_back(tokenizer):
    text = "In 1984 5.37 µm, 水 and\n🙂"
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"])
    assert tokens[0] == BEGIN
    assert [token for token in tokens if any(map(str.isdecimal, token))] == list("1984537")
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_of_many_articles_every_nth_is_enough(monkeypatch):
    monkeypatch.setattr(tokenizers, "MAX_CHARS", 150)
    texts = list_texts(ARTICLES * 2)  # 152 characters: more than once 150
    assert [text for text in texts if text in ("Gold", "Iron")] == ["Gold", "Gold"]
