"""Articles -> passages: hand-computed splits, and what holds whatever the article."""

import hashlib
import random
from dataclasses import replace
from itertools import accumulate, combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.corpus.articles import Article, Section
from science_exam.corpus.passages import count_words, fill_windows, load_token_counter, split_article
from science_exam.sentences import find_sentence_ends

TINY = Path(__file__).parents[1] / "models" / "tiny-science-llama"

ICE, WATER, STEAM = "Ice melts at 273 K.", "Water boils at 373 K.", "Steam is hot."  # 6, 6 and 4 tokens


def make_article(*sections, title="Ice", source="test", article_id="a1"):
    """Sections are texts of the lead or (path, text)."""
    sections = [("", section) if isinstance(section, str) else section for section in sections]
    return Article(article_id, title, tuple(Section(*section) for section in sections), source)


def split(article, max_tokens=100, overlap_tokens=0, **options):
    return list(split_article(article, max_tokens, overlap_tokens, **options))


def texts(article, max_tokens=100, overlap_tokens=0):
    return [passage.text for passage in split(article, max_tokens, overlap_tokens)]


def squeeze(text):
    """The text without white space, which a passage may lose at its ends."""
    return "".join(text.split())


def body_of(passage):
    """A passage's text without its line of title and headings."""
    head = " > ".join(part for part in (passage.title, passage.section_path) if part)
    assert passage.text.startswith(f"{head}\n" if head else "")
    return passage.text[len(head) + 1 if head else 0 :]


# ---------------------------------------------------------------------------------- by hand


def test_a_section_within_the_budget_is_one_passage_with_the_title_in_front():
    [passage] = split(make_article(f"{ICE} {WATER}"))
    assert passage.text == f"Ice\n{ICE} {WATER}"
    assert passage.n_tokens == 1 + 6 + 6
    assert (passage.article_id, passage.title, passage.section_path) == ("a1", "Ice", "")


def test_every_section_has_passages_of_its_own_with_title_and_headings_in_front():
    article = make_article(ICE, ("History > Early work", WATER), ("See also", STEAM))
    assert texts(article) == [
        f"Ice\n{ICE}",
        f"Ice > History > Early work\n{WATER}",
        f"Ice > See also\n{STEAM}",
    ]
    assert [passage.section_path for passage in split(article)] == ["", "History > Early work", "See also"]


def test_without_a_title_the_headings_stand_alone_and_without_both_the_text():
    article = make_article(ICE, ("History", WATER), title="")
    assert texts(article) == [ICE, f"History\n{WATER}"]
    assert [passage.n_tokens for passage in split(article)] == [6, 1 + 6]


def test_the_budget_holds_title_and_headings():
    # 1 + 6 + 6 = 13 tokens.
    assert texts(make_article(f"{ICE} {WATER}"), max_tokens=13) == [f"Ice\n{ICE} {WATER}"]
    assert texts(make_article(f"{ICE} {WATER}"), max_tokens=12) == [f"Ice\n{ICE}", f"Ice\n{WATER}"]


def test_a_long_section_is_cut_into_passages_of_about_the_same_length():
    # Greedily 6 + 6 and 4; as evenly as two can be, 6 and 6 + 4.
    article = make_article(f"{ICE} {WATER} {STEAM}")
    assert texts(article, max_tokens=13) == [f"Ice\n{ICE}", f"Ice\n{WATER} {STEAM}"]
    assert [passage.n_tokens for passage in split(article, max_tokens=13)] == [7, 11]


def test_neighbours_share_the_sentences_that_fit_the_overlap():
    sentences = [f"Fact {number} is here." for number in "12345"]  # 5 tokens each
    article = make_article(" ".join(sentences))
    shared = [" ".join(sentences[:3]), " ".join(sentences[2:])]
    assert texts(article, 16, overlap_tokens=5) == [f"Ice\n{part}" for part in shared]
    assert texts(article, 16, overlap_tokens=9) == [f"Ice\n{part}" for part in shared]
    apart = [" ".join(sentences[:3]), " ".join(sentences[3:])]
    assert texts(article, 16, overlap_tokens=4) == [f"Ice\n{part}" for part in apart]


def test_a_sentence_longer_than_the_room_is_halved_at_spaces():
    # Three letters fit; the last space before the middle of 15 characters is behind c, of the rest behind e.
    parts = ["a b c", "d e", "f g h"]
    assert texts(make_article("a b c d e f g h"), max_tokens=4) == [f"Ice\n{part}" for part in parts]


def test_what_has_no_sentence_end_is_cut_at_400_characters_and_within_a_word_only_where_it_must():
    word = "x" * 1000  # one token, but no sentence is longer than 400 characters
    assert texts(make_article(word), max_tokens=2) == [f"Ice\n{'x' * n}" for n in (400, 400, 200)]
    assert texts(make_article("水。" * 3), max_tokens=4) == ["Ice\n水。水", "Ice\n。水。"]


def test_a_title_longer_than_half_the_budget_leaves_half_of_it_to_the_text():
    title = "a b c d e f g h i j"
    article = make_article(f"{ICE} {WATER} {STEAM}", title=title)
    made = split(article, max_tokens=12)
    assert [passage.text for passage in made] == [f"{title}\n{text}" for text in (ICE, WATER, STEAM)]
    assert [passage.n_tokens for passage in made] == [16, 16, 14]


def test_sections_of_nothing_or_white_space_make_no_passage():
    assert split(make_article("", ("History", " \n\t"), ("Uses", "\u2003"))) == []
    assert split(make_article()) == []


def test_white_space_inside_a_passage_stays_and_that_at_its_ends_goes():
    assert texts(make_article(f"\n {ICE}\n\n{WATER}\t\n")) == [f"Ice\n{ICE}\n\n{WATER}"]


def test_a_passage_does_not_cross_a_heading_however_short_the_sections():
    article = make_article("A.", ("One", "B."), ("Two", "C."))
    assert texts(article) == ["Ice\nA.", "Ice > One\nB.", "Ice > Two\nC."]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" \n", 0),
        ("Ice melts.", 3),
        ("E = mc²", 3),
        ("(273.15 K)", 6),  # ( 273 . 15 K )
        ("H₂O — Вода", 3),
        ("水は氷", 1),  # a script without spaces is one word
        ("👩‍🔬", 3),  # woman, joiner, microscope
    ],
)
def test_words_and_signs_are_counted(text, tokens):
    assert count_words(text) == tokens


# ---------------------------------------------------------------------------------- ids


def test_the_id_is_a_hash_of_source_title_headings_and_text():
    [passage] = split(make_article(("History", ICE)))
    said = "\x1f".join(["test", "Ice", "History", ICE])
    assert passage.passage_id == hashlib.sha256(said.encode()).hexdigest()[:16]


def test_another_source_title_heading_or_text_is_another_id_and_another_number_is_not():
    article = make_article(("History", ICE))
    others = [
        replace(article, source="other"),
        replace(article, title="Water"),
        replace(article, sections=(Section("Uses", ICE),)),
        replace(article, sections=(Section("History", WATER),)),
    ]
    ids = {split(one)[0].passage_id for one in [article, *others]}
    assert len(ids) == 5
    assert split(replace(article, article_id="a2", url="https://x"))[0].passage_id in ids


def test_ids_do_not_depend_on_the_order_of_the_articles():
    articles = [make_article(f"{ICE} {WATER}", ("History", STEAM), title=f"T{n}") for n in range(8)]
    ids = {(p.article_id, p.title, p.text): p.passage_id for article in articles for p in split(article)}
    random.Random(0).shuffle(articles)
    again = {(p.article_id, p.title, p.text): p.passage_id for article in articles for p in split(article)}
    assert again == ids
    assert len(set(ids.values())) == len(ids) == 16


# ------------------------------------------------------------------- whatever the article

# Sentences, very long words, scripts without spaces, and white space of every kind.
PIECES = st.sampled_from(
    [
        "Ice melts.", "Water boils at 373 K! ", "Is it?\n", "e.g. this", "x" * 50, "水は氷になる", "👩‍🔬",
        "\n\n", "\t", "\u2003", "naïve", "m/s²", ") (", "A", ". ", " ", "\u200b", "e\u0301",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join) | st.text()
HEADS = st.sampled_from(["", "Ice", "A very long title, indeed (of chemistry)"])
ARTICLES = st.builds(
    make_article,
    st.tuples(HEADS, TEXTS),
    st.tuples(HEADS, TEXTS),
    title=HEADS,
)


@settings(max_examples=50, deadline=None)
@given(article=ARTICLES, max_tokens=st.integers(1, 40))
def test_without_overlap_the_passages_are_the_article_in_order(article, max_tokens):
    made = split(article, max_tokens)
    assert squeeze("".join(map(body_of, made))) == squeeze("".join(s.text for s in article.sections))


@settings(max_examples=50, deadline=None)
@given(article=ARTICLES, budget=st.tuples(st.integers(0, 20), st.integers(1, 20)))
def test_with_overlap_too_every_character_is_in_a_passage_and_in_order(article, budget):
    overlap_tokens, more = budget
    for section in article.sections:
        alone = replace(article, sections=(section,))
        whole, ends = squeeze(section.text), {0}  # where the passages so far may end in the text
        for passage in split(alone, overlap_tokens + more, overlap_tokens):
            body = squeeze(body_of(passage))
            ends = {
                start + len(body)
                for start in range(max(ends) + 1)
                if whole.startswith(body, start)
                if any(start <= end <= start + len(body) for end in ends)
            }
            assert ends, "a passage stands at no place that goes on from the one before"
        assert len(whole) in ends


@settings(max_examples=50, deadline=None)
@given(article=ARTICLES, budget=st.tuples(st.integers(0, 20), st.integers(1, 20)))
def test_no_passage_exceeds_the_budget_unless_its_first_line_is_longer_than_half_of_it(article, budget):
    overlap_tokens, more = budget
    max_tokens = overlap_tokens + more
    for passage in split(article, max_tokens, overlap_tokens):
        assert count_words(passage.text) <= passage.n_tokens
        head_tokens = count_words(passage.title) + count_words(passage.section_path)
        head_tokens += bool(passage.title and passage.section_path)  # the ">" between them
        if head_tokens <= max_tokens / 2:
            assert passage.n_tokens <= max_tokens
        else:
            assert passage.n_tokens <= head_tokens + max(1, max_tokens // 2)


@settings(max_examples=50, deadline=None)
@given(article=ARTICLES, max_tokens=st.integers(1, 40))
def test_ids_are_distinct_for_distinct_passages_and_the_same_again(article, max_tokens):
    made = split(article, max_tokens, max_tokens // 5)
    said = {(p.title, p.section_path, body_of(p)) for p in made}
    assert len({p.passage_id for p in made}) == len(said)
    assert split(article, max_tokens, max_tokens // 5) == made


@settings(max_examples=50, deadline=None)
@given(sentences=st.lists(st.integers(1, 12), min_size=1, max_size=15), overlap_tokens=st.integers(0, 15))
def test_neighbours_share_whole_sentences_of_at_most_the_overlap(sentences, overlap_tokens):
    # A sentence of n tokens is n - 1 words, different from all others, and a full stop.
    said = [f"A{i}" + " ".join(f"s{i}w{j}" for j in range(n - 1)) + "." for i, n in enumerate(sentences)]
    text = " ".join(said)
    ends = {0, *find_sentence_ends(text)}
    places = []
    for passage in split(make_article(text, title=""), 20, overlap_tokens):
        start = text.index(passage.text)
        places.append((start, start + len(passage.text)))
    for (_, end), (start, _) in pairwise(places):
        assert count_words(text[start:end]) <= overlap_tokens
        assert start in ends


# ------------------------------------------------------------------------------- windows


def fill_greedily(counts, room, overlap):
    """As many sentences as fit; then back by those that fit the overlap and leave room for a new one."""
    windows, first = [], 0
    while True:
        last = next((n for n in range(len(counts), first, -1) if sum(counts[first:n]) <= room), first + 1)
        windows.append((first, last))
        if last == len(counts):
            return windows
        fitting = [
            start
            for start in range(first + 1, last)
            if sum(counts[start:last]) <= overlap and sum(counts[start : last + 1]) <= room
        ]
        first = min(fitting, default=last)


COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=14)


@settings(max_examples=50)
@given(counts=COUNTS, room=st.integers(1, 30), overlap=st.integers(0, 20))
def test_windows_cover_all_sentences_and_each_brings_something_new(counts, room, overlap):
    windows = fill_windows(counts, room, overlap)
    total = [0, *accumulate(counts)]
    assert windows[0][0] == 0
    assert windows[-1][1] == len(counts)
    for first, last in windows:
        assert total[last] - total[first] <= room or last == first + 1
    for (first, last), (next_first, next_last) in pairwise(windows):
        assert first < next_first <= last < next_last
        assert total[last] - total[next_first] <= overlap


@settings(max_examples=50)
@given(counts=COUNTS, room=st.integers(1, 30), overlap=st.integers(0, 20))
def test_windows_are_as_few_as_greedy_ones(counts, room, overlap):
    assert len(fill_windows(counts, room, overlap)) <= len(fill_greedily(counts, room, overlap))


def test_windows_are_few_even_where_more_room_would_make_more_of_them():
    # Greedily with room for 3: [1, 2] [2, 1]. With room for 4 the overlap has the second window begin
    # earlier, and there are three.
    assert len(fill_greedily([1, 2, 2, 1], 3, 2)) == 2
    assert len(fill_greedily([1, 2, 2, 1], 4, 2)) == 3
    assert fill_windows([1, 2, 2, 1], 4, 2) == [(0, 2), (2, 4)]


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=9), room=st.integers(9, 30))
def test_without_overlap_the_largest_window_is_as_small_as_it_can_be(counts, room):
    windows = fill_windows(counts, room, overlap=0)
    largest = max(sum(counts[first:last]) for first, last in windows)
    cuts = combinations(range(1, len(counts)), len(windows) - 1)
    ways = ([0, *cut, len(counts)] for cut in cuts)
    assert largest == min(max(sum(counts[a:b]) for a, b in pairwise(way)) for way in ways)


@pytest.mark.parametrize(
    ("counts", "room", "overlap", "windows"),
    [
        ([], 10, 5, []),
        ([4], 10, 5, [(0, 1)]),
        ([14], 10, 5, [(0, 1)]),  # what cannot be cut exceeds the room alone
        ([3, 14, 3], 10, 0, [(0, 1), (1, 2), (2, 3)]),
        ([5, 5], 10, 5, [(0, 2)]),
        ([4, 4, 4, 4, 4], 12, 4, [(0, 3), (2, 5)]),
        ([4, 4, 4, 4, 4], 12, 3, [(0, 3), (3, 5)]),
        ([5, 5, 5, 5], 15, 0, [(0, 2), (2, 4)]),
        ([1] * 10, 9, 0, [(0, 5), (5, 10)]),  # not nine and one
        ([0, 0, 0], 1, 0, [(0, 3)]),
        ([1, 1], 1, 1, [(0, 1), (1, 2)]),  # an overlap would leave nothing new
    ],
)
def test_windows_by_hand(counts, room, overlap, windows):
    assert fill_windows(counts, room, overlap) == windows


# ----------------------------------------------------------------------------- tokenizers


@pytest.fixture(scope="module")
def count_tiny():
    return load_token_counter(str(TINY))


def test_without_a_tokenizer_words_are_counted():
    assert load_token_counter("") is count_words


def test_a_tokenizer_counts_its_tokens_without_an_opening_one(count_tiny):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    for text in ("Ice melts at 273 K.", "H₂O — Вода 水 👩‍🔬", "x" * 500):
        assert count_tiny(text) == len(tokenizer.encode(text, add_special_tokens=False))
    assert count_tiny("") == 0


def test_a_text_longer_than_the_tokenizers_window_is_counted_in_silence(count_tiny, capfd):
    assert count_tiny("Ice melts. " * 5000) > 5000
    assert capfd.readouterr().err == ""


def test_passages_by_a_tokenizer_keep_the_budget_and_hold_the_text(count_tiny):
    text = " ".join(f"Sample {n} of water boils at {n}.5 K, naïvely. H₂O — Вода 水." for n in range(40))
    article = make_article(text, title="Water")
    made = split(article, 48, 0, count_tokens=count_tiny)
    assert squeeze("".join(map(body_of, made))) == squeeze(text)
    assert len(made) > 5
    for passage in made:
        assert passage.n_tokens <= 48
        # Counted sentence by sentence; as a whole, a line feed comes in and a space at the end goes.
        assert abs(count_tiny(passage.text) - passage.n_tokens) <= 3


def test_a_sign_of_many_tokens_is_not_cut(count_tiny):
    # The microscope alone takes more tokens than there is room for.
    article = make_article("👩‍🔬👩‍🔬", title="")
    made = split(article, 1, 0, count_tokens=count_tiny)
    assert "".join(passage.text for passage in made) == "👩‍🔬👩‍🔬"
