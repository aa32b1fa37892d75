from itertools import takewhile

import pytest
from conftest import KINDS, SCATTERED
from hypothesis import given
from hypothesis import strategies as st

from science_exam.answering.options import build_trie
from science_exam.prompt import encode_completions

END = 0
CLOSED_OPTIONS = st.lists(
    st.lists(st.integers(1, 3), min_size=1, max_size=5).map(lambda tokens: (*tokens, END)),
    min_size=1,
    max_size=6,
    unique=True,
)


def test_forced_tokens_reach_the_decision_and_the_end():
    root = build_trie([[7, 8, 1, 0], [7, 8, 2, 9, 0]])
    tokens, decision = root.forced_tokens()
    assert tokens == [7, 8]
    assert sorted(decision.children) == [1, 2]
    assert decision.children[2].forced_tokens()[0] == [9, 0]
    assert decision.children[2].forced_tokens()[1].option == 2
    assert root.decides_at_once


def test_a_second_decision_below_the_first_is_seen():
    assert not build_trie([[1, 0], [2, 3, 0], [2, 4, 0]]).decides_at_once
    assert not build_trie([[7, 1, 0], [7, 2, 3, 0], [7, 2, 4, 0]]).decides_at_once


def test_options_that_part_at_the_first_token_force_nothing():
    tokens, decision = build_trie([[1, 0], [2, 0]]).forced_tokens()
    assert tokens == []
    assert len(decision.children) == 2


def test_one_option_alone_is_forced_to_its_end():
    root = build_trie([[5, 6, 0]])
    tokens, end = root.forced_tokens()
    assert (tokens, end.option) == ([5, 6, 0], 1)
    assert root.decides_at_once


@pytest.mark.parametrize("options", [[[1, 2], [1, 2]], [[1], [1, 2]], [[1, 2], [1]]])
def test_equal_options_and_beginnings_are_refused(options):
    with pytest.raises(ValueError, match="beginning of"):
        build_trie(options)


def test_end_of_text_tells_option_1_from_option_10():
    root = build_trie([[7, 1, END], [7, 1, 1, END]])
    assert root.forced_tokens()[0] == [7, 1]


@given(CLOSED_OPTIONS)
def test_every_path_leads_to_its_option_and_to_no_other(options):
    root = build_trie(options)
    for number, tokens in enumerate(options, start=1):
        node = root
        for token in tokens:
            assert node.option is None
            node = node.children[token]
        assert node.option == number
        assert not node.children
    places = takewhile(lambda tokens: len(set(tokens)) == 1, zip(*options, strict=False))
    assert root.forced_tokens()[0] == [tokens[0] for tokens in places]  # what all begin with
    assert root.decides_at_once == (_count_decisions(root) <= 1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_part_at_one_token_but_with_the_scattered_tokenizer(bases, kind):
    trie = build_trie(encode_completions(bases[kind].tokenizer))
    assert trie.decides_at_once == (kind != SCATTERED)


def _count_decisions(node) -> int:
    return (len(node.children) > 1) + sum(map(_count_decisions, node.children.values()))
