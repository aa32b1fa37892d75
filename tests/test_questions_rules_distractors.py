"""Wrong options: their type, their nearness, what they must not be."""

import random
from collections import Counter

from science_exam.questions.generation.rules.distractors import Pool, are_in_conflict, choose_wrong
from science_exam.questions.generation.rules.items import Option, Question
from science_exam.questions.generation.rules.nearness import find_neighbours
from science_exam.questions.generation.rules.phrases import stem_content


def make_option(text, subject="", mentions=""):
    stems = stem_content(text)
    return Option(text, stems, stem_content(subject), stem_content(mentions) | stems)


def make_question(text, prompt="What is it?", type_="term", **about):
    return Question("definition", prompt, make_option(text, **about), type_)


def test_options_come_from_the_own_article_first_and_have_the_type():
    pool = Pool()
    pool.add("term", 1, make_option("moraine", mentions="ice rock"))
    pool.add("term", 0, make_option("drumlin"))
    pool.add("other", 0, make_option("meter"))
    question = make_question("esker", mentions="ice sand")
    assert [option.text for option in pool.list_candidates(question, [0])] == ["drumlin", "moraine"]


def test_far_articles_lend_only_what_has_to_do_with_the_same_things():
    pool = Pool()
    pool.add("term", 1, make_option("moraine", mentions="ice rock"))
    pool.add("term", 2, make_option("sonata", mentions="piano"))
    question = make_question("esker", mentions="ice sand")
    assert [option.text for option in pool.list_candidates(question, [0])] == ["moraine"]


def test_an_option_that_stands_in_the_question_is_none():
    pool = Pool()
    pool.add("term", 0, make_option("drumlin"))
    assert pool.list_candidates(make_question("esker", prompt="What is like a drumlin?"), [0]) == []


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


def test_texts_with_the_same_rare_words_are_neighbours():
    texts = [
        "glacier moraine drumlin",
        "sonata cadence melody",
        "glacier drumlin valley",
        "melody cadence waltz",
    ]
    assert find_neighbours(texts) == [[0, 2], [1, 3], [2, 0], [3, 1]]
    assert find_neighbours([]) == []
