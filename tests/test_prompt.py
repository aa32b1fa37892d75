import copy
from itertools import pairwise

import pandas as pd
import pytest
from conftest import KINDS, LLAMA
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing

from science_exam.errors import UserError
from science_exam.prompt import (
    COMPLETIONS,
    SAMPLED,
    TEXTS_TOGETHER,
    Question,
    build_prompt,
    check_prompts,
    describe_cuts,
    encode_completions,
    encode_prompt,
    encode_prompts,
    join_contexts,
    thin_out,
)
from science_exam.sentences import find_sentence_ends, split_sentences
from science_exam.training.config import TrainConfig

HEAD = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n"
    "\n"
    "### Instruction:\n"
    "Here is a multiple-choice question generated from a Wikipedia page on a science-related topic. "
    "Each question has five options. After reading the question and the five options, please respond with "
    "'option_1', 'option_2', 'option_3', 'option_4', or 'option_5' to indicate the correct answer. "
    "Only provide the answer without any additional explanation. You must select one option, and blank "
    "responses are not allowed.\n"
    "\n"
    "### Input:\n"
)
OPTIONS = ("H", "He", "", "O", "F")
QUESTION = Question("q7", " What is the symbol of the element Oxygen? ", OPTIONS, answer=4)
ASKED = (
    "What is the symbol of the element Oxygen?\n"
    "option_1: H\n"
    "option_2: He\n"
    "option_3:\n"
    "option_4: O\n"
    "option_5: F\n"
    "\n"
    "### Response:\n"
)
PASSAGES = (
    "Oxygen is an element. Its symbol is O. Its atomic number is 8.",
    "Helium is a gas. Fluorine is element 9! Is it reactive? It is.",
)
OPEN_BOOK = Question("q8", "What is the symbol of the element Oxygen?", OPTIONS, contexts=PASSAGES)


def test_closed_book_prompt_is_exactly_this():
    assert build_prompt(QUESTION) == HEAD + ASKED


def test_open_book_prompt_is_exactly_this():
    assert build_prompt(QUESTION, "Oxygen is O.") == HEAD + "Context: Oxygen is O.\n\n" + ASKED


def test_braces_and_percent_signs_stand_as_they_are():
    question = Question("q", "What is {x: 5}?", ("{0}", "{instruction}", "%s", "$1", "\\n"))
    assert (
        "What is {x: 5}?\noption_1: {0}\noption_2: {instruction}\noption_3: %s\noption_4: $1\noption_5: \\n"
        in build_prompt(question, "{input}")
    )


@given(st.permutations(OPTIONS))
def test_reordered_options_share_the_text_up_to_the_first_option(options):
    texts = [build_prompt(Question("q", "Which?", tuple(o)), "Context.") for o in (OPTIONS, options)]
    shared = texts[0].index("option_1:") + len("option_1:")
    assert texts[0][:shared] == texts[1][:shared]


def test_the_answer_is_not_in_the_prompt():
    answers = [build_prompt(Question("q", "Which?", OPTIONS, answer)) for answer in (None, 1, 5)]
    assert len(set(answers)) == 1


def test_join_contexts_keeps_the_best_in_rank_order():
    questions = _questions_table(["a", "b"])
    contexts = pd.DataFrame(
        {
            "question_id": ["b", "b", "a", "b"],
            "rank": [3, 1, 1, 2],
            "text": ["third", "first", "only", "second"],
        }
    )
    a, b = join_contexts(questions, contexts, max_contexts=2)
    assert (a.question_id, a.contexts) == ("a", ("only",))
    assert (b.question_id, b.contexts) == ("b", ("first", "second"))


def test_no_contexts_and_max_contexts_0_are_both_closed_book(question_set):
    nothing = question_set.contexts.iloc[:0]
    closed = join_contexts(question_set.questions, None, 5)
    assert join_contexts(question_set.questions, nothing, 5) == closed
    assert join_contexts(question_set.questions, question_set.contexts, 0) == closed
    assert all(question.contexts == () for question in closed)


def test_a_missing_answer_becomes_none():
    questions = _questions_table(["a", "b"]).assign(answer=pd.array([2, None], dtype="Int64"))
    assert [question.answer for question in join_contexts(questions, None, 0)] == [2, None]


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_ids_say_the_whole_text_and_completions_end_in_end_of_text(bases, kind):
    tokenizer = bases[kind].tokenizer
    ids = encode_prompt(OPEN_BOOK, tokenizer, 2_000)
    assert ids == tokenizer(build_prompt(OPEN_BOOK, "\n".join(PASSAGES)))["input_ids"]
    for text, completion in zip(COMPLETIONS, encode_completions(tokenizer), strict=True):
        assert completion[-1] == tokenizer.eos_token_id
        assert tokenizer.decode(completion[:-1]).strip() == text
        assert tokenizer.bos_token_id not in completion[:-1]


def test_a_tokenizer_that_closes_every_text_does_not_close_the_prompt(bases):
    tokenizer = copy.deepcopy(bases[LLAMA].tokenizer)
    bos, eos = tokenizer.bos_token, tokenizer.eos_token
    closing = TemplateProcessing(single=f"{bos} $A {eos}", special_tokens=[(bos, 0), (eos, 1)])
    tokenizer.backend_tokenizer.post_processor = closing
    assert tokenizer("x")["input_ids"][-1] == tokenizer.eos_token_id
    assert encode_prompt(OPEN_BOOK, tokenizer, 2_000) == encode_prompt(
        OPEN_BOOK, bases[LLAMA].tokenizer, 2_000
    )
    assert all(ids.count(tokenizer.eos_token_id) == 1 for ids in encode_completions(tokenizer))


@pytest.mark.parametrize("kind", KINDS)
def test_only_whole_sentences_of_the_context_give_way_from_its_end(bases, kind):
    tokenizer = bases[kind].tokenizer
    longest = max(map(len, encode_completions(tokenizer)))
    sentences = [sentence for text in PASSAGES for sentence in split_sentences(text)]
    bare = len(tokenizer(build_prompt(OPEN_BOOK))["input_ids"]) + longest
    whole = len(encode_prompt(OPEN_BOOK, tokenizer, 2_000)) + longest
    counts = []
    for max_tokens in range(bare, whole + 2):
        ids = encode_prompt(OPEN_BOOK, tokenizer, max_tokens)
        assert len(ids) + longest <= max_tokens
        text = tokenizer.decode(ids, skip_special_tokens=True)
        before, asked, after = text.partition("What is the symbol of the element Oxygen?")
        assert asked + after == ASKED
        kept = before.removeprefix(HEAD)
        assert before == HEAD + kept
        kept_sentences = split_sentences(kept.removeprefix("Context: ").strip())
        assert kept_sentences == sentences[: len(kept_sentences)]
        counts.append(len(kept_sentences))
    assert counts == sorted(counts)
    assert set(counts) == set(range(len(sentences) + 1))  # every number of sentences has its budget


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(alphabet="ab .!?\n\"')(A9é☃", max_size=120), max_size=3),
    spare=st.integers(min_value=0, max_value=120),
)
def test_the_budget_is_never_exceeded(bases, texts, spare):
    tokenizer = bases[LLAMA].tokenizer
    question = Question("q", "Which?", OPTIONS, contexts=tuple(texts))
    longest = max(map(len, encode_completions(tokenizer)))
    max_tokens = len(tokenizer(build_prompt(question))["input_ids"]) + longest + spare
    ids = encode_prompt(question, tokenizer, max_tokens)
    assert len(ids) + longest <= max_tokens
    assert tokenizer.decode(ids, skip_special_tokens=True).endswith(
        "Which?\noption_1: H\noption_2: He\noption_3:\noption_4: O\noption_5: F\n\n### Response:\n"
    )


WILD = st.one_of(st.text(max_size=60), st.text(alphabet="ab .!?\n\r\t\"')(:#\x00\x7f", max_size=200))


@st.composite
def wild_questions(draw) -> Question:
    options = draw(st.lists(WILD, min_size=5, max_size=5))
    return Question("q", draw(WILD), tuple(options), contexts=tuple(draw(st.lists(WILD, max_size=3))))


def encode_plainly(question: Question, tokenizer, max_tokens: int) -> list[int]:
    """Every number of sentences tried, from all of them to none."""
    budget = max_tokens - max(map(len, encode_completions(tokenizer)))
    context = "\n".join(question.contexts)
    for end in [*reversed(find_sentence_ends(context)), 0]:
        ids = tokenizer(build_prompt(question, context[:end].strip()))["input_ids"]
        if len(ids) <= budget:
            break
    return ids


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(questions=st.lists(wild_questions(), max_size=4), spare=st.integers(0, 120))
def test_prompts_encoded_together_are_those_encoded_plainly(bases, kind, questions, spare):
    tokenizer = bases[kind].tokenizer
    longest = max(map(len, encode_completions(tokenizer)))
    bare = [len(tokenizer(build_prompt(question))["input_ids"]) for question in questions]
    max_tokens = max(bare, default=0) + longest + spare
    found = list(encode_prompts(questions, tokenizer, max_tokens))
    assert found == [encode_plainly(question, tokenizer, max_tokens) for question in questions]


def test_many_prompts_come_in_their_order_and_the_first_that_cannot_fit_in_its_turn(bases):
    tokenizer = bases[LLAMA].tokenizer
    questions = [Question(f"q{n}", f"Is it {n}?", OPTIONS) for n in range(2 * TEXTS_TOGETHER + 1)]
    found = list(encode_prompts(questions, tokenizer, 2_000))
    assert found == [encode_prompt(question, tokenizer, 2_000) for question in questions]
    questions[70] = Question("long", "Is it? " * 2_000, OPTIONS)
    before = encode_prompts(questions, tokenizer, 2_000)
    assert [next(before) for _ in range(70)] == found[:70]
    with pytest.raises(UserError, match="'long' has"):
        next(before)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(question=wild_questions())
def test_the_check_finds_exactly_what_cannot_fit(bases, kind, question):
    tokenizer = bases[kind].tokenizer
    longest = max(map(len, encode_completions(tokenizer)))
    needed = len(tokenizer(build_prompt(question))["input_ids"]) + longest
    check_prompts([question], tokenizer, needed)
    with pytest.raises(UserError, match="without any context"):
        check_prompts([question], tokenizer, needed - 1)


def test_the_check_tokenizes_no_question_that_is_short_enough_in_characters(bases):
    counted = []

    class Counting:
        eos_token_id = bases[LLAMA].tokenizer.eos_token_id

        def __call__(self, texts, **settings):
            counted.append(len(texts))
            return bases[LLAMA].tokenizer(texts, **settings)

    check_prompts([OPEN_BOOK] * 50, Counting(), 2_000)
    short = sum(counted)
    check_prompts([Question("q", "Is it 1 Å?", OPTIONS)] * 50, Counting(), 2_000)
    assert short == len(COMPLETIONS) + 1  # the frame of all
    assert sum(counted) == 2 * short + 50


def test_a_question_that_cannot_fit_is_named(bases):
    with pytest.raises(UserError, match=r"'q8' has \d+ tokens without any context, expected at most 47"):
        encode_prompt(OPEN_BOOK, bases[LLAMA].tokenizer, 51)


def test_many_prompts_that_are_cut_are_worth_a_line(bases):
    tokenizer = bases[LLAMA].tokenizer
    needed = len(encode_prompt(OPEN_BOOK, tokenizer, 2_000)) + max(map(len, encode_completions(tokenizer)))
    questions = [OPEN_BOOK, QUESTION, QUESTION, QUESTION] * 300
    assert describe_cuts(questions, tokenizer, needed) == ""
    assert "max_tokens=" in describe_cuts([OPEN_BOOK], tokenizer, needed - 1)
    assert describe_cuts(questions[:8], tokenizer, needed - 1).startswith("25% of the prompts")
    assert describe_cuts([], tokenizer, needed) == ""
    assert describe_cuts([QUESTION] * 99 + [OPEN_BOOK], tokenizer, needed - 1) == ""


@given(st.integers(0, 1_000))
def test_a_sample_is_spread_over_all_rows_and_never_larger_than_it_may_be(n):
    for rows in (list(range(n)), pd.DataFrame({"row": range(n)})):
        some = thin_out(rows)
        assert min(n, SAMPLED // 2) <= len(some) <= SAMPLED
        kept = some if isinstance(some, list) else some["row"].tolist()
        steps = {after - before for before, after in pairwise(kept)}
        assert len(steps) <= 1 and n - 1 - max(kept, default=-1) < max(steps, default=1)


def test_the_real_llama_3_tokenizer_keeps_five_answers_one_token_apart(llama3_tokenizer):
    completions = encode_completions(llama3_tokenizer)
    assert {len(ids) for ids in completions} == {4}  # option, _, digit, end
    assert len({tuple(ids[:2]) for ids in completions}) == 1
    assert len({ids[2] for ids in completions}) == 5


def test_official_questions_fit_whole_into_the_default_budget(llama3_tokenizer, official_questions):
    for question in join_contexts(official_questions, None, 0):
        ids = encode_prompt(question, llama3_tokenizer, TrainConfig().max_tokens)
        assert llama3_tokenizer.decode(ids, skip_special_tokens=True) == build_prompt(question)


def _questions_table(ids: list[str]) -> pd.DataFrame:
    options = {f"option_{i}": "x" for i in range(1, 6)}
    return pd.DataFrame([{"question_id": i, "prompt": "Which?", **options, "answer": 1} for i in ids])
