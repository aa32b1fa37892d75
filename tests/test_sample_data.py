"""The sample: big enough to learn from, without a pattern that answers it unread."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from science_exam.evaluation.report import score_longest_option
from science_exam.questions.sources import read_questions
from science_exam.tables import OPTION_COLUMNS

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
RUN_OF_WORDS = 12


def read_lines(name):
    return [json.loads(line) for line in (SAMPLE / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def articles():
    return read_lines("articles.jsonl")


@pytest.fixture(scope="module")
def questions():
    return read_questions(SAMPLE / "sample.jsonl")[0]


def test_there_are_enough_articles_and_questions(articles, questions):
    assert len(articles) >= 120
    assert len(questions) >= 250


def test_every_article_has_what_the_articles_table_asks_for(articles):
    for article in articles:
        assert article.keys() == {"article_id", "title", "sections", "source", "url", "licence"}
        assert article["title"].strip()
        assert article["licence"] == "CC0-1.0"
        assert article["sections"]
        assert all(
            section.keys() == {"path", "text"} and section["text"].strip() for section in article["sections"]
        )


def test_articles_have_ids_and_titles_of_their_own(articles):
    for key in ("article_id", "title"):
        twice = [name for name, n in Counter(article[key].lower() for article in articles).items() if n > 1]
        assert twice == []


def test_no_two_articles_share_a_run_of_twelve_words(articles):
    seen, shared = {}, []
    for article in articles:
        words = re.findall(r"\w+", " ".join(section["text"] for section in article["sections"]).lower())
        for start in range(len(words) - RUN_OF_WORDS + 1):
            run = " ".join(words[start : start + RUN_OF_WORDS])
            if seen.setdefault(run, article["article_id"]) != article["article_id"]:
                shared.append((seen[run], article["article_id"], run))
    assert shared == []


def test_the_article_of_every_question_exists(articles):
    known = {article["article_id"] for article in articles}
    assert [q["question_id"] for q in read_lines("sample.jsonl") if q["article_id"] not in known] == []


def test_every_question_has_an_answer_and_five_options(questions):
    assert questions["answer"].notna().all()
    assert (questions[list(OPTION_COLUMNS)] != "").all(axis=None)


def test_no_prompt_stands_twice(questions):
    assert questions[questions["prompt"].str.lower().duplicated()]["question_id"].tolist() == []


def test_no_option_stands_twice_in_a_question(questions):
    options = questions[list(OPTION_COLUMNS)].apply(lambda column: column.str.lower().str.strip(" ."))
    assert questions[options.nunique(axis=1) < 5]["question_id"].tolist() == []


def test_the_right_option_stands_at_every_place_about_equally_often(questions):
    shares = questions["answer"].value_counts(normalize=True)
    assert len(shares) == 5
    assert shares.between(0.17, 0.23).all(), shares.to_dict()


def test_the_longest_option_is_right_about_as_often_as_chance(questions):
    assert 0.15 <= score_longest_option(questions).right.mean() <= 0.25


def test_right_options_are_on_average_no_longer_than_wrong_ones(questions):
    lengths = questions[list(OPTION_COLUMNS)].map(len).to_numpy()
    answers = questions["answer"].to_numpy(dtype=int) - 1
    right = lengths[range(len(lengths)), answers]
    wrong = (lengths.sum(axis=1) - right) / 4
    assert right.mean() <= wrong.mean()
