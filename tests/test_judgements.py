import numpy as np
import pytest
from conftest import LLAMA, ONE_TOKEN_KINDS

from science_exam.errors import UserError
from science_exam.judgements import (
    build_judgements,
    check_judgements,
    encode_judgements,
    encode_verdicts,
    rank_judged,
)
from science_exam.prompt import Question

QUESTION = Question(
    "q1",
    "Which gas do plants take in?",
    ("oxygen", "carbon dioxide", "a mixture of argon and neon", "helium", "xenon"),
    answer=2,
    contexts=("Plants take in carbon dioxide. They give off oxygen. " * 4, "Helium is light."),
)


@pytest.mark.parametrize("kind", ONE_TOKEN_KINDS)
def test_the_five_prompts_begin_alike_and_end_with_their_option(bases, kind):
    tokenizer = bases[kind].tokenizer
    prompts = encode_judgements(QUESTION, tokenizer, 2000)
    texts = [tokenizer.decode(prompt, skip_special_tokens=True) for prompt in prompts]
    for text, option in zip(texts, QUESTION.options, strict=True):
        assert "Context: Plants take in" in text and "Helium is light.\n\nWhich gas" in text
        assert text.endswith(f"Proposed answer: {option}\n\n### Response:\n")
    n_shared = next(n for n, tokens in enumerate(zip(*prompts, strict=False)) if len(set(tokens)) > 1)
    assert n_shared > 0.8 * min(map(len, prompts))


def test_the_context_gives_way_for_the_longest_option_and_for_all_alike(bases):
    tokenizer = bases[LLAMA].tokenizer
    whole = max(len(prompt) for prompt in encode_judgements(QUESTION, tokenizer, 2000))
    verdict = max(map(len, encode_verdicts(tokenizer)))
    prompts = encode_judgements(QUESTION, tokenizer, whole + verdict - 1)
    texts = [tokenizer.decode(prompt) for prompt in prompts]
    assert max(map(len, prompts)) + verdict < whole + verdict
    contexts = {text.partition("Context: ")[2].partition("\n\nWhich")[0] for text in texts}
    assert len(contexts) == 1 and "Helium is light." not in contexts.pop()


def test_a_question_that_cannot_fit_is_named(bases):
    tokenizer = bases[LLAMA].tokenizer
    for function in (encode_judgements, lambda *words: check_judgements([words[0]], *words[1:])):
        with pytest.raises(UserError, match=r"question 'q1' has \d+ tokens without any context, expected"):
            function(QUESTION, tokenizer, 40)
    check_judgements([QUESTION], tokenizer, 2000)


def test_a_question_gives_five_rows_of_which_one_says_yes(bases):
    tokenizer = bases[LLAMA].tokenizer
    rows = build_judgements([QUESTION], tokenizer, 2000)
    assert [row["group"] for row in rows] == ["q1"] * 5
    said = [row["input_ids"][-sum(row["completion_mask"]) :] for row in rows]
    right, wrong = encode_verdicts(tokenizer)
    assert said == [wrong, right, wrong, wrong, wrong]
    with pytest.raises(UserError, match="question 'q2': expected an answer"):
        build_judgements([Question("q2", "Why?", ("a", "b", "c", "d", "e"))], tokenizer, 2000)


def test_options_are_ranked_by_the_odds_of_their_verdicts():
    verdicts = np.array([[0.5, 0.5], [0.8, 0.2], [0.2, 0.8], [0.5, 0.5], [0.5, 0.5]])
    # Odds 1, 4, 1/4, 1, 1, which add up to 7.25.
    np.testing.assert_allclose(rank_judged(verdicts), [np.array([1, 4, 0.25, 1, 1]) / 7.25])
    assert np.isfinite(rank_judged(np.array([[1.0, 0.0], *[[0.0, 1.0]] * 4]))).all()
