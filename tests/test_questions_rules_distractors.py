"""Wrong options: their type, their nearness, what they must not be."""

import random
from collections import Counter

import pytest

from science_exam.questions.generation.rules import distractors
from science_exam.questions.generation.rules.definitions import Definition
from science_exam.questions.generation.rules.distractors import (
    ANY_SORT,
    MAX_AKIN,
    Pool,
    are_in_conflict,
    choose_wrong,
)
from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.meanings import ask_for_meaning, ask_for_term, offer_terms
from science_exam.questions.generation.rules.nearness import find_neighbours
from science_exam.questions.generation.rules.phrases import stem_content


def make_option(text, subject="", mentions=""):
    stems = stem_content(text)
    return Option(text, stems, stem_content(subject), stem_content(mentions) | stems)


def make_question(text, prompt="What is it?", type_="term", **about):
    return Question("relation", prompt, make_option(text, **about), type_)


def define(term, body):
    return Definition(term, body, False, "substance")


def make_akin(text, mentions, head="hormone"):
    """A defined term with the words of its definition."""
    return Option(text, frozenset([text]), frozenset(), frozenset(mentions), head)


def make_pool(options):
    """A pool of options by article."""
    pool = Pool()
    for article, option in options:
        pool.add("term", article, option)
    return pool


def list_akin(right, options, near=(0,), kind="term"):
    question = Question(kind, "What is it?", right, "term")
    return [option.text for option in make_pool(options).list_candidates(question, near)]


def test_options_come_from_the_own_article_first_and_have_the_type():
    pool = Pool()
    pool.add("term", 1, make_option("moraine", mentions="ice rock"))
    pool.add("term", 0, make_option("drumlin", mentions="ice hill"))
    pool.add("other", 0, make_option("meter", mentions="ice"))
    question = make_question("esker", mentions="ice sand")
    assert [option.text for option in pool.list_candidates(question, [0])] == ["drumlin", "moraine"]


@pytest.mark.parametrize("near", [[0], [0, 1, 2]])
def test_near_and_far_articles_lend_only_what_has_to_do_with_the_same_things(near):
    pool = Pool()
    pool.add("term", 0, make_option("waltz", mentions="piano"))
    pool.add("term", 1, make_option("moraine", mentions="ice rock"))
    pool.add("term", 2, make_option("sonata", mentions="piano"))
    question = make_question("esker", mentions="ice sand")
    assert [option.text for option in pool.list_candidates(question, near)] == ["moraine"]


def test_genes_stand_beside_any_other_genes():
    pool = Pool()
    pool.add("1 genes", 0, make_option("the QAX7 gene", mentions="fever"))
    question = make_question("the WEZ1 factor", type_="1 genes", mentions="gout")
    assert [option.text for option in pool.list_candidates(question, [0])] == ["the QAX7 gene"]


def test_an_option_that_stands_in_the_question_is_none():
    pool = Pool()
    pool.add("term", 0, make_option("drumlin", mentions="ice hill"))
    esker = {"text": "esker", "mentions": "ice sand"}
    assert pool.list_candidates(make_question(**esker), [0])
    assert pool.list_candidates(make_question(**esker, prompt="What is like a drumlin?"), [0]) == []


def test_what_may_be_right_too_is_in_conflict():
    blood = make_option("red blood cell", subject="oxygen carrier", mentions="marrow")
    assert are_in_conflict(blood, make_option("blood cell"))
    assert are_in_conflict(blood, make_option("marrow"))  # mentioned with the right one
    assert are_in_conflict(blood, make_option("anemia", mentions="red blood cells"))
    assert are_in_conflict(blood, make_option("erythrocyte", subject="carrier of oxygen"))
    assert are_in_conflict(make_option("Berg's disease"), make_option("Berg syndrome"))
    assert not are_in_conflict(blood, make_option("platelet", subject="clotting", mentions="wound"))


def test_four_wrong_options_are_chosen_none_like_another():
    texts = ["ice sheet", "ice sheets", "sheet of ice", "drumlin", "esker", "kettle lake"]
    wrong = choose_wrong(make_question("moraine"), list(map(make_option, texts)), random.Random(0))
    assert len(wrong) == 4
    assert len({"ice sheet", "ice sheets", "sheet of ice"} & set(wrong)) == 1


def test_nothing_is_chosen_where_too_few_fit():
    options = list(map(make_option, ["drumlin", "esker", "a very long text that looks like no other option"]))
    assert choose_wrong(make_question("moraine"), options, random.Random(0)) == ()


def test_a_word_of_the_question_must_be_in_all_options_or_in_none():
    question = make_question("glacier milk", prompt="Which milk is gray?")
    plain = list(map(make_option, ["gray water", "rock flour", "ice foam", "snow melt"]))
    same = list(map(make_option, ["coconut milk", "rock milk", "fresh milk", "almond milk"]))
    assert choose_wrong(question, plain, random.Random(0)) == ()
    assert set(choose_wrong(question, same, random.Random(0))) == {option.text for option in same}


def test_the_right_option_takes_every_rank_by_length():
    words = ["fjord", "scree", "tarn", "crag", "drumlin", "mountain", "peninsula", "escarpment"]
    ranks = Counter(
        sum(
            len(text) > 6
            for text in choose_wrong(make_question("cirque"), list(map(make_option, words)), rng)
        )
        for rng in map(random.Random, range(700))
    )
    assert set(ranks) == {0, 1, 2, 3, 4}
    assert 0.1 < ranks[0] / 700 < 0.4
    assert 0.1 < ranks[4] / 700 < 0.4


N_WORDS = 97  # a prime, so that no share of words is a threshold itself


def share_words(n_shared, own_head, other_head):
    """Two defined terms whose cosine is n_shared / N_WORDS: all words are in two definitions."""
    words = [f"a{i}" for i in range(N_WORDS)]
    other = words[:n_shared] + [f"b{i}" for i in range(N_WORDS - n_shared)]
    rest = frozenset(words[n_shared:] + other[n_shared:])
    return make_akin("right", words, own_head), make_akin("other", other, other_head), make_akin("rest", rest)


@pytest.mark.parametrize("near", [(0,), (0, 1)])
@pytest.mark.parametrize(
    ("kind", "own_head", "other_head", "least"),
    [
        ("term", "hormone", "enzyme", "MIN_COSINE"),
        ("term", "hormone", "hormone", "MIN_COSINE_OF_SORT"),
        ("cloze", "hormone", "hormone", "MIN_COSINE_OF_SORT"),
        ("term", min(ANY_SORT), min(ANY_SORT), "MIN_COSINE_OF_ANY_SORT"),
        ("meaning", "hormone", "enzyme", "MIN_COSINE"),
        ("meaning", "hormone", "hormone", "MIN_COSINE_OF_MEANING"),
        ("meaning", min(ANY_SORT), min(ANY_SORT), "MIN_COSINE_OF_ANY_SORT"),
    ],
)
def test_the_more_speaks_for_a_term_the_fewer_words_its_definition_must_share(
    kind, own_head, other_head, least, near
):
    passing = []
    for n_shared in range(N_WORDS):
        right, other, rest = share_words(n_shared, own_head, other_head)
        found = list_akin(right, [(0, right), (1, other), (9, rest)], near, kind)
        passing += [n_shared] if "other" in found else []
    first = int(getattr(distractors, least) * N_WORDS) + 1
    assert passing == list(range(first, N_WORDS))


def test_a_telling_sort_counts_more_than_any_other_and_most_for_meanings():
    assert distractors.MIN_COSINE > distractors.MIN_COSINE_OF_ANY_SORT > distractors.MIN_COSINE_OF_SORT
    assert distractors.MIN_COSINE_OF_SORT > distractors.MIN_COSINE_OF_MEANING > 0


@pytest.mark.parametrize("articles", [(0, 1), (1, 0)])
def test_a_term_with_two_definitions_is_refused_where_one_is_in_conflict(articles):
    right = make_akin("right", ["x", "y", "z"])
    plain = make_akin("twin", ["x", "y", "p"])
    conflicting = make_akin("twin", ["x", "y", "right"])  # tells that it has to do with the right one
    far = [(9, make_akin(f"far{i}", [f"f{i}"])) for i in range(40)]
    rest = [(0, right), (0, make_akin("alga", ["x", "y", "q"])), *far]
    first, second = articles
    assert set(list_akin(right, [*rest, (first, plain), (second, plain)])) == {"alga", "twin"}
    assert list_akin(right, [*rest, (first, plain), (second, conflicting)]) == ["alga"]


def test_a_rare_word_in_common_counts_more_than_a_usual_one():
    right = make_akin("right", ["usual", "rare", "more"])
    options = [
        (0, right),
        (0, make_akin("alga", ["usual", "more", "pond"])),
        (0, make_akin("near", ["rare", "more", "coast"])),
        *((9, make_akin(f"other{i}", ["usual", f"v{i}"], "nerve")) for i in range(3)),
    ]
    assert list_akin(right, options)[:2] == ["near", "alga"]


def test_terms_of_the_own_sort_come_first_and_then_those_of_the_own_article():
    right = make_akin("right", ["x", "y", "z"])
    options = [
        (0, right),
        (1, make_akin("alga", ["x", "y", "p"], "nerve")),
        (0, make_akin("bark", ["x", "y", "q"], "nerve")),
        (1, make_akin("cone", ["x", "y", "r"])),
        (0, make_akin("dune", ["x", "y", "s"])),
        *((9, make_akin(f"far{i}", [f"f{i}"])) for i in range(40)),
    ]
    assert list_akin(right, options) == ["dune", "cone", "bark", "alga"]


def test_only_the_most_akin_terms_are_candidates():
    words = [f"x{i:02}" for i in range(2 * MAX_AKIN)]
    right = make_akin("right", words)
    options = [make_akin(f"one of {word}", [word, f"y{word}"]) for word in words]
    options.append(make_akin("two", [*words[:2], "y"]))
    found = list_akin(right, [(0, right), *((0, option) for option in options)])
    assert len(found) == MAX_AKIN
    assert found[0] == "two"


def test_in_a_sentence_no_term_with_the_same_last_word_is_offered():
    right = Option("blue ice", frozenset(["blue"]), frozenset(), frozenset("xyz"), "hormone")
    other = Option("pale ice", frozenset(["pale"]), frozenset(), frozenset("xyw"), "hormone")
    options = [(0, right), (0, other), (9, make_akin("far", "pqr"))]
    assert list_akin(right, options) == ["pale ice"]
    assert list_akin(right, options, kind="cloze") == []


def test_a_term_of_the_same_meaning_is_no_wrong_option():
    firn = define("firn", "granular snow that old winters left on a glacier")
    other = define("neve", "granular snow left on a glacier by old winters")
    pool = make_pool([(0, offer_terms(firn)[1]), (0, offer_terms(other)[1])])
    for ask in (ask_for_term, ask_for_meaning):
        question = ask(firn, 0)
        assert pool.list_candidates(Question("term", question.prompt, question.right, "term"), [0]) == []


def test_texts_with_the_same_rare_words_are_neighbours():
    texts = [
        "glacier moraine drumlin",
        "sonata cadence melody",
        "glacier drumlin valley",
        "melody cadence waltz",
    ]
    assert find_neighbours(texts) == [[0, 2], [1, 3], [2, 0], [3, 1]]
    assert find_neighbours([]) == []
