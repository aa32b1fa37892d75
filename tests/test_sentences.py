import re

from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.sentences import MAX_SENTENCE_CHARS, split_sentences


def test_sentences_end_at_marks_and_line_breaks():
    text = 'Is it so? Yes! "It is 3.5 m long." (See there.) He said: no.\nNew line\n\n1 and 2. 3 follows'
    assert split_sentences(text) == [
        "Is it so?",
        "Yes!",
        '"It is 3.5 m long."',
        "(See there.)",
        "He said: no.",
        "New line",
        "1 and 2.",
        "3 follows",
    ]


def test_a_stretch_without_a_sentence_end_is_cut_at_spaces():
    pieces = split_sentences("word " * 200)  # 1,000 characters
    assert len(pieces) == 3
    assert all(set(piece.split()) == {"word"} for piece in pieces)


@settings(deadline=None)
@given(
    st.one_of(
        st.text(alphabet="ab .!?\n\t\"'”’)](A9é", max_size=1_500),
        st.text(alphabet="ab  ", min_size=300, max_size=1_500),
        st.text(max_size=900),
    )
)
def test_sentences_lose_nothing_but_white_space_and_keep_the_limit(text):
    pieces = split_sentences(text)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)
    assert all(0 < len(piece) <= MAX_SENTENCE_CHARS for piece in pieces)
    assert all(piece == piece.strip() for piece in pieces)
