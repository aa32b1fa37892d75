"""Examples: the project's own prompt, token by token, with the places that carry a loss."""

import random

import pytest
from conftest import LLAMA

from science_exam.pretraining.articles import Article
from science_exam.pretraining.asking import shuffle_options
from science_exam.pretraining.examples import Layout, Texts
from science_exam.prompt import Question, encode_completions, encode_prompt

GOLD = Question(
    question_id="gold",
    prompt="What is the symbol of gold?",
    options=("Ag", "Au 79", "Fe, also known as iron", "", "Pb"),
    answer=2,
    contexts=("Gold is a metal. Its symbol is Au.", "79 protons are in its nucleus."),
)
IRON = Question("iron", "1. What is Fe?", ("iron", "gold", "a gas", "an acid", "salt"), 1, GOLD.contexts)


@pytest.fixture(scope="module")
def tokenizer(bases):
    return bases[LLAMA].tokenizer


def article(title, *sections):
    return Article(title, title, sections, sections, tuple(len(text.split()) for text in sections))


def test_one_question_is_the_prompt_that_is_answered_later(tokenizer):
    example = Layout(tokenizer).lay_out([GOLD], 1024)
    prompt = encode_prompt(GOLD, tokenizer, 1024)
    completion = encode_completions(tokenizer)[1]
    assert example.ids == prompt + completion
    (answer,) = example.answers
    assert answer.right == 1
    assert tokenizer.decode(example.ids[answer.place]).endswith("2")


def test_places_of_options_are_the_line_breaks_behind_them(tokenizer):
    example = Layout(tokenizer).lay_out([GOLD, IRON], 1024)
    for question, answer in zip((GOLD, IRON), example.answers, strict=True):
        for number, (place, option) in enumerate(zip(answer.options, question.options, strict=True), start=1):
            assert tokenizer.decode(example.ids[place]) == "\n"
            before = tokenizer.decode(example.ids[:place])
            assert before.endswith(f"option_{number}: {option}".rstrip())


def test_further_questions_follow_the_answer_and_repeat_no_context(tokenizer):
    example = Layout(tokenizer).lay_out([GOLD, IRON], 1024)
    text = tokenizer.decode(example.ids)
    assert text.count("Its symbol is Au.") == 1 and text.count("### Instruction:") == 1
    first, second = example.answers
    assert [example.ids[place] for place in (first.place, second.place)] == [
        encode_completions(tokenizer)[right][first.place - len(encode_prompt(GOLD, tokenizer, 1024))]
        for right in (1, 0)
    ]
    assert "### Response:\noption_2<|end_of_text|>\n\n### Input:\n1. What is Fe?\noption_1: iron" in text


def test_what_does_not_fit_is_left_out_whole(tokenizer):
    layout = Layout(tokenizer)
    whole = layout.lay_out([GOLD, IRON], 1024)
    one = layout.lay_out([GOLD, IRON], len(whole.ids) - 1)
    assert len(one.answers) == 1 and one.ids == layout.lay_out([GOLD], 1024).ids
    assert layout.lay_out([GOLD, IRON], 20).ids == []


def test_texts_are_stretches_of_the_articles_one_behind_the_other(tokenizer):
    articles = [article("Gold", "Gold is a metal."), article("Iron", "Iron rusts in wet air.")]
    texts = Texts(articles, tokenizer)
    whole = tokenizer.decode(texts.draw(random.Random(0), 3 * len(texts)).ids)
    joined = "Gold\nGold is a metal.<|end_of_text|>Iron\nIron rusts in wet air.<|end_of_text|>"
    assert whole.startswith("<|begin_of_text|>") and joined in whole  # it goes round and round
    drawn = texts.draw(random.Random(1), 9).ids
    assert len(drawn) == 9 and drawn[0] == tokenizer.bos_token_id
    assert tokenizer.decode(drawn[1:]) in joined * 2


def test_shuffled_options_keep_their_answer():
    for seed in range(20):
        shuffled = shuffle_options(GOLD, random.Random(seed))
        assert shuffled.options[shuffled.answer - 1] == "Au 79"
        assert sorted(shuffled.options) == sorted(GOLD.options)
    positions = {shuffle_options(GOLD, random.Random(seed)).answer for seed in range(50)}
    assert positions == {1, 2, 3, 4, 5}
