"""Articles for pretraining: licences, and the sentences of evaluation texts that are taken out."""

import json
import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.pretraining.articles import is_open, read_articles
from science_exam.pretraining.known_texts import KnownTexts, read_evaluation
from science_exam.tables import ARTICLES, write_table

LEAD = "Basalt is a dark rock. It forms when lava cools quickly on the floor of an ocean. Oceans rest on it."
GROWTH = "Crystals stay small in it. Olivine gives some of it a green tint, and pyroxene makes it black."


@pytest.fixture
def write_corpus(tmp_path):
    """A corpus as `make corpus` leaves it, of (title, licence, sections) rows."""

    def write(*rows, name="rocks"):
        folder = tmp_path / name / "articles"
        folder.mkdir(parents=True)
        frame = pd.DataFrame(
            [
                {
                    "article_id": f"test:{number}",
                    "title": title,
                    "sections": [{"path": path, "text": text} for path, text in sections],
                    "source": "test",
                    "url": None,
                    "licence": licence,
                }
                for number, (title, licence, sections) in enumerate(rows)
            ]
        )
        write_table(frame, ARTICLES, folder / "part-00000.parquet")
        (folder / "manifest.json").write_text(json.dumps({"outputs": {"part-00000.parquet": ""}}))
        return tmp_path / name

    return write


@pytest.fixture
def write_questions(tmp_path):
    def write(*contexts, name="questions.csv"):
        path = tmp_path / name
        pd.DataFrame({"prompt": "?", "context": contexts}).to_csv(path, index=False)
        return path

    return write


NOTHING = KnownTexts([])


def basalt(licence="CC0-1.0"):
    return ("Basalt", licence, [("", LEAD), ("Growth", GROWTH)])


def test_articles_keep_their_sections_and_sentences_in_order(write_corpus):
    read = read_articles([write_corpus(basalt(), basalt("CC BY 4.0"))], NOTHING)
    article = read.articles[0]
    assert (article.article_id, article.title) == ("test:0", "Basalt")
    assert article.sections == (LEAD, f"Growth\n{GROWTH}")
    assert " ".join(article.sentences) == f"{LEAD} {GROWTH}"
    assert article.n_words == (5, 12, 4, 5, 13)
    assert read.counts == {"articles": 2, "characters": 2 * (len(LEAD) + len(GROWTH) + 7), "sentences": 10}


def test_headings_within_a_section_are_no_sentences(write_corpus):
    text = f"{LEAD}\n## Colour\n{GROWTH}"
    [article, _] = read_articles([write_corpus(("Basalt", "CC0", [("", text)]), basalt())], NOTHING).articles
    assert article.sections == (text,)
    assert len(article.sentences) == 5 and "## Colour" not in article.sentences


@pytest.mark.parametrize(
    "licence",
    ["CC0 1.0", "CC0-1.0", "public domain", "Public Domain Mark 1.0", "CC BY 4.0", "CC-BY-SA-4.0",
     "cc by-sa 3.0", "CC BY", "CC BY (article-level, a publisher's)"],
)  # fmt: skip
def test_licences_for_any_purpose_are_open(licence):
    assert is_open(licence)


@pytest.mark.parametrize(
    "licence",
    ["", "CC BY-NC 4.0", "CC-BY-NC-SA-4.0", "CC BY-ND 3.0", "CC BY 4.0, non-commercial",
     "all rights reserved",
     "MIT", "free", "not CC BY", "CC BYE"],
)  # fmt: skip
def test_other_licences_are_not(licence):
    assert not is_open(licence)


def test_what_is_left_out_is_counted_by_reason(write_corpus):
    short = ("Tuff", "CC0", [("", "Tuff is a rock. It is light.")])
    corpus = write_corpus(
        basalt(), basalt("CC BY-NC 4.0"), basalt(None), basalt(" "), short, basalt("CC BY 2.0")
    )
    counts = Counter(read_articles([corpus], NOTHING).counts)
    assert counts["articles"] == 2
    assert [counts[f"licence {fate}"] for fate in ("refused", "missing")] == [1, 2]
    assert counts["too short"] == 1


def test_sentences_of_evaluation_texts_are_taken_out(write_corpus, write_questions):
    path = write_questions(
        "Long ago it FORMS when lava cools -- quickly, on the floor of an ocean! Oceans rest on it.", None
    )
    read = read_articles([write_corpus(basalt(), basalt())], read_evaluation([path]))
    for article in read.articles:
        assert article.sections[0] == "Basalt is a dark rock. Oceans rest on it."  # four words may stand
        assert len(article.sentences) == len(article.n_words) == 4
    assert read.counts["evaluation sentences removed"] == 2


def test_known_texts_hold_eight_words_in_a_row():
    known = KnownTexts(["The red planet has two small moons and thin air.", "It has a very thin crust."])
    assert known.hold("planet has two small moons and thin air")
    assert known.hold("As we saw, the red planet HAS two small moons, and so on.")
    assert not known.hold("planet has two small moons and thin")  # seven words, and no sentence
    assert known.hold("It has a very thin crust.")  # six words, a sentence
    assert not known.hold("two small moons and thin air it has a very")  # of two texts


@given(st.lists(st.text("abc ,\n", max_size=40), max_size=4), st.integers(0, 9), st.integers(8, 12))
def test_known_texts_agree_with_a_search_in_the_words(texts, start, length):
    known = KnownTexts(texts)
    for text in texts:
        run = re.findall(r"\w+", text)[start : start + length]
        if len(run) >= 8:
            assert known.hold(" ".join(run)) and known.hold(f"x y {' '.join(run)} z")


def test_several_corpora_and_files_are_read(write_corpus, write_questions):
    corpora = [write_corpus(basalt(), name="one"), write_corpus(basalt(), name="two")]
    files = [write_questions(LEAD, name="a.csv"), write_questions(GROWTH, name="b.csv")]
    assert read_articles(corpora, NOTHING).counts["articles"] == 2
    assert read_evaluation(files).hold(GROWTH) and read_evaluation(files).hold(LEAD)


def test_files_that_are_not_there_or_wrong_are_named(tmp_path):
    path = tmp_path / "q.csv"
    with pytest.raises(UserError, match="make corpus"):
        read_articles([tmp_path / "none"], NOTHING)
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: no such file"):
        read_evaluation([path])
    path.write_text("prompt,A\n?,x\n")
    with pytest.raises(UserError, match=f"{re.escape(str(path))}: expected a CSV file with a context column"):
        read_evaluation([path])


def test_one_article_is_too_few(write_corpus):
    with pytest.raises(UserError, match="at least 2 usable articles, found 1"):
        read_articles([write_corpus(basalt(), basalt("CC BY-NC 4.0"))], NOTHING)
