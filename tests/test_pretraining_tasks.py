"""Reading tasks: contexts, rewordings, near misses, kinds of questions, and that nothing gives them away."""

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from itertools import cycle

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.pretraining import facts, options, statements, synonyms, tasks
from science_exam.pretraining.articles import MIN_SENTENCES, Article
from science_exam.pretraining.contexts import draw_windows
from science_exam.pretraining.misses import grow_family, miss
from science_exam.pretraining.reading import Reading, sort_piece
from science_exam.pretraining.rewording import match_article, reshape, reword
from science_exam.pretraining.sentences import Clause, find_definition, is_plain, parse_clause
from science_exam.pretraining.words import PIECE, YEARS, Library, Replacement, draw_number
from science_exam.sentences import split_sentences

ARTICLES = ROOT / "data" / "sample" / "articles.jsonl"
MIXTURE = tasks.Mixture(scramble_fraction=0.6, same_context_fraction=0.5)
OTHERS = "It is older than the Varga telescope. Both of them are made of riveted steel."
SENTENCE = "Merle Okafor built the Halden telescope in 1931, which weighs 420 tonnes."
# Hashes of strings differ from process to process; the tasks must not.
PRINT_TASKS = """
import random, sys
sys.path.insert(0, sys.argv[1])
from test_pretraining_tasks import MIXTURE, read_sample
from science_exam.pretraining import tasks, words
library = words.Library(read_sample())
print([tasks.make_questions(library, random.Random(i), MIXTURE, 120, 3) for i in range(20)])
"""


def make_article(title, *sections):
    """An article from (heading, text) sections."""
    sentences = tuple(sentence for _, text in sections for sentence in split_sentences(text))
    return Article(
        article_id=title,
        title=title,
        sections=tuple(f"{heading}\n{text}".lstrip() for heading, text in sections),
        sentences=sentences,
        n_words=tuple(len(sentence.split()) for sentence in sentences),
    )


def read_sample():
    records = map(json.loads, ARTICLES.read_text(encoding="utf-8").splitlines())
    return [
        make_article(record["title"], *((part["path"], part["text"]) for part in record["sections"]))
        for record in records
    ]


@pytest.fixture(scope="module")
def library():
    return Library(read_sample())


@pytest.fixture(scope="module")
def groups(library):
    return [make_questions(library, seed) for seed in range(600)]


@pytest.fixture(scope="module")
def questions(groups):
    return [question for group in groups for question in group]


@pytest.fixture
def read(library):
    """A reading that holds the first sentence of a text, and more of it."""

    def make(text):
        extended = Library([make_article("Instruments", ("", text)), *library.articles])
        return Reading(extended, random.Random(0), 200, False, [(0, 0)])

    return make


def make_questions(library, seed, n_questions=3):
    return tasks.make_questions(library, random.Random(seed), MIXTURE, 140, n_questions)


def words_of(text):
    return {piece for piece in PIECE.findall(text.lower()) if piece.isalnum()}


class Always(random.Random):
    """A coin that always falls on the same side."""

    def random(self):
        return 0.0


def lower(text):
    return text[:1].lower() + text[1:] if text.startswith(("The ", "A ", "It ")) else text


# --- words


def test_a_replacement_is_consistent_and_keeps_kinds_and_glue(library):
    replacement = Replacement(library, random.Random(0))
    text = replacement.rewrite("enzyme, which froze in 1848 (enzyme at 273 K)")
    enzyme, year, kelvins = (replacement[piece] for piece in ("enzyme", "1848", "273"))
    assert enzyme != "enzyme" and enzyme.islower() and 5 <= len(enzyme) <= 7
    assert int(year) in YEARS and len(kelvins) == 3 and kelvins.isdecimal()
    assert text == f"{enzyme}, which {replacement['froze']} in {year} ({enzyme} at {kelvins} K)"


def test_capitals_and_plurals_make_no_other_word(library):
    replacement = Replacement(library, random.Random(1))
    enzyme = replacement["enzyme"]
    assert replacement["Enzyme"] == enzyme.capitalize()
    assert replacement["enzymes"] == f"{enzyme}s"


def test_everyday_words_are_no_content(library):
    assert library.list_content("The enzyme increases, but never demonstrates, 12 large effects") == [
        "enzyme",
        "12",
    ]


@given(st.integers(0, 99_999), st.randoms(use_true_random=False))
def test_a_number_is_drawn_for_a_number(value, rng):
    drawn = draw_number(str(value), rng)
    assert len(drawn) == len(str(value)) and str(int(drawn)) == drawn
    assert value not in YEARS or int(drawn) in YEARS


def test_sentences_are_drawn_alike_and_definitions_define(library):
    rng = random.Random(0)
    longest = max(range(len(library.articles)), key=lambda number: len(library.articles[number].sentences))
    n_sentences = sum(len(article.sentences) for article in library.articles)
    share = sum(library.draw_sentence(rng)[0] == longest for _ in range(20_000)) / 20_000
    assert share == pytest.approx(len(library.articles[longest].sentences) / n_sentences, rel=0.25)
    for _ in range(50):
        number, place = library.draw_definition(rng)
        assert find_definition(parse_clause(library.articles[number].sentences[place]))


def test_a_neighbour_shares_a_word_of_the_title(library):
    titles = ("Tin mines", "Tin whistles", "Opals", "Moss")
    texts = ("Ores hide below.", "Pipes sing aloud.", "Gems glow faintly.", "Cushions grow slowly.")
    made = [make_article(title, ("", text)) for title, text in zip(titles, texts, strict=True)]
    again = make_article("Tin mines again", ("", "Mines were dug."))
    library = Library([*made, again, *library.articles])
    drawn = {library.draw_neighbour(0, random.Random(seed)) for seed in range(30)}
    assert drawn == {4}  # "tin" is too short a word to count
    assert 2 not in {library.draw_neighbour(2, random.Random(seed)) for seed in range(30)}


# --- contexts


def test_windows_are_consecutive_sentences_that_hold_the_anchors(library):
    n_windows, n_articles, headed = Counter(), Counter(), 0
    for seed in range(300):
        rng = random.Random(seed)
        anchors = [library.draw_sentence(rng)]
        windows = draw_windows(library, rng, 150, anchors)
        n_windows[len(windows)] += 1
        n_articles[len({window.article for window in windows})] += 1
        headed += any(window.heading for window in windows)
        number, place = anchors[0]
        assert any(library.articles[number].sentences[place] in window.sentences for window in windows)
        assert sum(len(window.sentences) for window in windows) >= 3
        for window in windows:
            text = " ".join(library.articles[window.article].sentences)
            assert " ".join(window.sentences) in text
    assert set(n_windows) == {1, 2, 3, 4} and min(n_windows.values()) > 20
    assert n_articles[1] > 50 and n_articles[2] > 50 and headed > 50


@pytest.mark.parametrize("n_words", [60, 150, 300])
def test_the_words_of_all_windows_together_are_as_asked_for(library, n_words):
    sizes = []
    for seed in range(100):
        rng = random.Random(seed)
        windows = draw_windows(library, rng, n_words, [library.draw_sentence(rng)])
        sizes.append(sum(len(sentence.split()) for window in windows for sentence in window.sentences))
    assert max(sizes) < n_words + 150  # three long sentences are the least
    assert 0.5 * n_words < sum(sizes) / len(sizes) < n_words + 30


# --- sentences


@pytest.mark.parametrize(
    "sentence",
    ["Ice melts.", "Let x = 3 be the number of all the roots.", "the pump, which was never built",
     "See the table of all the known elements below.", "The set a b c d is closed under the sum of two.",
     "The order was first described by the zoologist J.", "Values of 1, 2, 3, 4 and 5 were measured there.",
     "The lake (in the north is deep, cold and very clear."],
)  # fmt: skip
def test_fragments_and_formulas_are_not_plain(sentence):
    assert not is_plain(sentence)


def test_whole_sentences_are_plain():
    assert is_plain(SENTENCE)
    assert is_plain('"Heavy water" (deuterium oxide) slows neutrons down in some reactors.')


def test_a_clause_has_a_short_subject_of_its_own():
    assert parse_clause("The Halden telescope (1931) is a mirror that turns on two axes.") == Clause(
        "The Halden telescope", "is", "a mirror that turns on two axes"
    )
    assert parse_clause("Loess, also called wind dust, refers to a fine sediment.").subject == "Loess"
    for sentence in (
        "It is a mirror.",
        "In 1931 the mirror was cast.",
        "The man who built it was Norwegian.",
        "Ice melts in the sun.",
        "Is ice a mineral?",
    ):
        assert parse_clause(sentence) is None


def test_definitions_say_what_a_thing_is():
    def define(sentence):
        return find_definition(parse_clause(sentence))

    assert define("Loess is a fine sediment that wind lays down.") == "a fine sediment that wind lays down"
    assert define("Loess refers to a fine sediment of dust.") == "a fine sediment of dust"
    assert define("Loess is common along the rivers of northern China.") == ""
    assert define("Loess is a sediment.") == ""  # too short to tell from others


# --- rewording


@pytest.mark.parametrize(
    ("sentence", "shaped"),
    [
        ("In 1931, the telescope was moved.", "The telescope was moved in 1931"),
        ("The telescope stood idle until 1950.", "Until 1950, the telescope stood idle"),
        ("The mirror was polished by two brothers.", "Two brothers polished the mirror"),
        ("However, a pump (of iron) that produces heat also leaks.", "A pump producing heat leaks"),
        ("The pole of Mars is cold.", "Mars's pole is cold"),
    ],
)
def test_clauses_are_turned_around(sentence, shaped):
    assert reshape(sentence, Always(), 40, lower) == shaped


def test_long_statements_lose_their_last_clauses():
    sentence = "The old mill by the river grinds wheat and rye, which farmers bring in autumn."
    assert reshape(sentence, random.Random(0), 10, lower) == "The old mill by the river grinds wheat and rye"


def test_everyday_words_are_exchanged_and_small_words_dropped():
    assert reword("They almost found a large idea", Always(), 1.0) == "They nearly found big notion"
    assert reword("Dust leads to fog", Always(), 1.0) == "Dust results in fog"
    assert reword("They almost found a large idea", random.Random(0), 0.0) == "They almost found a large idea"


def test_the_article_follows_the_word():
    assert [match_article("a", "idea"), match_article("An", "pump"), match_article("the", "idea")] == [
        "an", "A", "the",
    ]  # fmt: skip


def test_the_tables_of_words_hold_together():
    assert len(synonyms.SAME) >= 130
    assert all(one != other for one, other in synonyms.SAME)
    assert all(word != other for word, other in synonyms.OPPOSITE.items())
    same = {frozenset(pair) for pair in synonyms.SAME}
    assert not [pair for pair in synonyms.OPPOSITE.items() if frozenset(pair) in same]


# --- near misses


def test_a_miss_differs_and_keeps_spared_words(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    for _ in range(200):
        changed = miss(reading, SENTENCE, nearby=True, spared="Halden telescope")
        assert changed and changed != SENTENCE
        assert "Halden telescope" in changed


def test_misses_change_numbers_relations_and_words(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    text = "The 420 tonnes of Varga increase before noon"
    pieces = [set(PIECE.findall(miss(reading, text, nearby=True))) for _ in range(300)]
    assert any("decrease" in found for found in pieces)
    assert any("after" in found for found in pieces)
    assert any("420" not in found for found in pieces)
    assert any("tonnes" not in found for found in pieces)
    assert any("Varga" not in found and found & {"Merle", "Okafor", "Halden"} for found in pieces)


def test_only_whole_words_are_spared(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    changed = [miss(reading, "The steel is riveted", nearby=True, spared="steelworks") for _ in range(100)]
    assert any("steel" not in PIECE.findall(text) for text in changed)


def test_a_family_is_different_versions_of_one_text_anywhere_in_the_tree(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    central = 0
    for _ in range(300):
        versions = grow_family(reading, SENTENCE, 5, nearby=True)
        assert versions[0] == SENTENCE and len(set(versions)) == 5
        words = [Counter(PIECE.findall(version)) for version in versions]
        likeness = [sum((one & other).total() for other in words) for one in words]
        central += likeness[0] == max(likeness)
    assert central / 300 < 0.45  # 1 if all were made from the first; ties count for it


def test_a_text_without_matter_has_no_family(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    assert grow_family(reading, "and so it is", 3, nearby=True) == ["and so it is"]


@given(st.randoms(use_true_random=False), st.floats(0, 20))
def test_families_share_out_five_options(rng, novelty):
    sizes = options.draw_family_sizes(rng, novelty)
    assert sum(sizes) == 5 and min(sizes) >= 1
    assert novelty > 0 or sizes == [5]


def test_sorts_tell_numbers_names_and_endings_apart():
    assert [sort_piece(piece) for piece in ("1931", "Okafor", "melting", "steel")] == [
        "4 digits", "name", "-ing", "-",
    ]  # fmt: skip


# --- kinds


def test_a_fact_is_asked_for_without_being_told(read):
    text = (
        "The Halden telescope was moved to the coast in 1931. It was rebuilt by Merle Okafor. "
        "The dome holds 420 tonnes of steel. It was rebuilt by her."
    )
    reading = read(text)
    when = {facts.make_fact(reading, text.split(". ")[0] + ".", True).prompt for _ in range(40)}
    assert any("hen was the Halden telescope moved to the coast?" in prompt for prompt in when)
    assert any("n which year was the Halden telescope moved" in prompt for prompt in when)
    task = facts.make_fact(reading, "The dome holds 420 tonnes of steel.", True)
    assert "how many tonnes of steel?" in task.prompt and task.right in ("420", "420 tonnes")
    assert "420" not in task.prompt
    task = facts.make_fact(reading, "The mirror was polished by Merle Okafor.", True)
    assert task.right == "Merle Okafor" and "whom" in task.prompt
    assert facts.make_fact(reading, "The Apollo 11 crew met Falcon 9 engineers.", True) is None


@pytest.mark.parametrize(
    ("number", "form"), [("4,000", r"\d{1,2},\d{3}"), ("5.37", r"\d+\.\d\d"), ("67", r"\d+")]
)
def test_a_varied_number_keeps_its_notation(read, number, form):
    reading = read(f"{SENTENCE} {OTHERS}")
    for _ in range(100):
        varied = facts.vary_number(reading, number, nearby=True)
        assert re.fullmatch(form, varied), varied


def test_a_definition_is_asked_for_by_its_term(read):
    text = (
        "A lodestone is a piece of magnetite that attracts iron. A sextant is an instrument which measures "
        "angles between stars. A plumb line is a cord with a weight that shows the vertical."
    )
    reading = read(text)
    prompts = set()
    for _ in range(60):
        task = statements.make_definition(
            reading, "A sextant is an instrument which measures angles between stars.", True
        )
        wrong = options.choose_wrong(task, n_longer=2)
        prompts.add(task.prompt)
        assert "nstrument" in task.right
        assert len(wrong) in (0, 4) and task.right not in wrong
    assert "What is a sextant?" in prompts and "Which of the following best describes a sextant?" in prompts
    assert statements.make_definition(reading, SENTENCE, True) is None


def test_a_subject_is_asked_for_by_what_is_said_of_it(read):
    text = (
        "The Halden telescope is the heaviest instrument of the coast. The Varga dome was closed for years. "
        "The Okafor house has a copper roof over its door."
    )
    reading = read(text)
    sentence = f"{text.split('. ')[0]}."
    task = facts.make_subject(reading, sentence, nearby=True)
    assert task.right in ("The Halden telescope", "Halden telescope")
    assert "heaviest instrument" in task.prompt and "Halden" not in task.prompt


def test_variants_all_look_like_the_right_statement(read):
    reading = read(f"{SENTENCE} {OTHERS}")
    n_options = alike = 0
    for _ in range(40):
        task = statements.make_variants(reading, SENTENCE, nearby=True)
        for option in options.choose_wrong(task, 2) if task else ():
            shared = words_of(option) & words_of(task.right)
            n_options += 1
            alike += len(shared) / len(words_of(option) | words_of(task.right)) > 0.5
    assert alike > 0.7 * n_options > 20


@pytest.mark.parametrize("kind", tasks.KINDS)
@pytest.mark.parametrize("nearby", [False, True])
def test_no_wrong_option_stands_where_the_right_one_does(library, kind, nearby):
    n_tasks = 0
    for seed in range(150):
        rng = random.Random(seed)
        reading = Reading(library, rng, 140, False, [library.draw_sentence(rng)])
        for sentence in reading.sentences if len(reading.sentences) >= MIN_SENTENCES else ():
            task = kind(reading, sentence, nearby)
            if task and (wrong := options.choose_wrong(task, n_longer=2)):
                n_tasks += 1
                folded = [option.lower().strip(".") for option in wrong]
                assert not [option for option in folded if option in task.truth.lower()]
                assert not [option for option in folded if option == task.right.lower().strip(".")]
                assert sum(len(option) > len(task.right) for option in wrong) <= 2
                assert sum(len(option) < len(task.right) for option in wrong) <= 2
    assert n_tasks > 20


def test_wrong_options_are_chosen_by_length_and_truth():
    task = options.Task(
        "?",
        "proton",
        "A proton has a charge.",
        cycle(["", "Charge", "PROTON", "ion", "electron", "protons", "muon", "quarks", "neutrinos"]),
    )
    # "Charge" is true, "protons" holds the right one; "quarks" is as long and counts for either side.
    assert options.choose_wrong(task, n_longer=2) == ["electron", "quarks", "ion", "muon"]
    assert options.choose_wrong(task, n_longer=4) == []  # only three are long enough


# --- questions


def test_questions_share_contexts_and_are_as_many_as_asked_for(library, groups):
    assert all(1 <= len(group) <= 3 for group in groups)
    assert sum(map(len, groups)) > 2 * len(groups)
    for group in groups:
        assert len({question.contexts for question in group}) == 1
        assert len({question.options[question.answer - 1] for question in group}) == len(group)
        assert all(isinstance(text, str) and text for text in group[0].contexts)
    assert all(len(make_questions(library, seed, n_questions=1)) == 1 for seed in range(50))


def test_the_right_option_alone_answers_and_its_words_stand_in_the_contexts(library, questions):
    supported = 0
    for question in questions:
        assert len(question.options) == 5 and 1 <= question.answer <= 5
        assert len({option.lower().strip(" .") for option in question.options}) == 5
        context = words_of(" ".join(question.contexts))
        right = question.options[question.answer - 1]
        supported += {word.lower() for word in library.list_content(right)} <= context
    assert supported / len(questions) > 0.97  # the rest is inflected


def test_options_are_often_long_and_reworded(questions):
    long = verbatim = n_statements = 0
    for question in questions:
        right = question.options[question.answer - 1]
        if len(right.split()) >= 12:
            n_statements += 1
            long += sum(map(len, question.options)) / 5 > 100
            verbatim += any(right.rstrip(".").lower() in text.lower() for text in question.contexts)
    assert n_statements > 0.3 * len(questions)
    assert long > 0.4 * n_statements
    assert verbatim < 0.55 * n_statements


def test_places_and_lengths_do_not_give_the_answer_away(questions):
    places = Counter(question.answer for question in questions)
    assert all(0.16 < places[place] / len(questions) < 0.24 for place in range(1, 6))
    for extreme in (max, min):
        share = measure_cue(questions, lambda question: list(map(len, question.options)), extreme)
        assert 0.14 < share < 0.26


def test_the_options_alone_do_not_give_the_answer_away(questions):
    """The right option is neither that which is most, or least, like the others nor the one most like
    the question."""

    def measure_likeness(question):
        options = [words_of(option) for option in question.options]
        return [sum(len(a & b) / max(1, len(a | b)) for b in options) for a in options]

    def measure_asked(question):
        asked = words_of(question.prompt)
        options = [words_of(option) for option in question.options]
        return [len(words & asked) / max(1, len(words)) for words in options]

    assert measure_cue(questions, measure_likeness, max) < 0.28
    assert measure_cue(questions, measure_likeness, min) < 0.28
    assert measure_cue(questions, measure_asked, max) < 0.3


def measure_cue(questions, measure, extreme):
    """How often the option with the extreme value is right; ties count in part."""
    total = 0.0
    for question in questions:
        values = measure(question)
        best = [number for number, value in enumerate(values, 1) if value == extreme(values)]
        total += (question.answer in best) / len(best)
    return total / len(questions)


def test_every_kind_is_asked(library, monkeypatch):
    asked, ask = Counter(), tasks._ask

    def count_kind(reading, plan, sentence):
        question = ask(reading, plan, sentence)
        asked[tasks.KINDS[plan.kind]] += question is not None
        return question

    monkeypatch.setattr(tasks, "_ask", count_kind)
    n_questions = sum(len(make_questions(library, seed)) for seed in range(200))
    assert sum(asked.values()) == n_questions
    # Few sentences of the sample fit `make_subject`, which is left out most often.
    assert all(asked[kind] / n_questions > weight / 8 for kind, weight in tasks.WEIGHTS.items())


def test_tasks_depend_on_the_seed_alone(library, groups):
    assert [make_questions(library, seed) for seed in range(20)] == groups[:20]
    assert len({group[0].prompt + "".join(group[0].contexts) for group in groups}) > 0.99 * len(groups)


def test_tasks_are_the_same_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_TASKS, str(ROOT / "tests")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1 and b"Question(" in printed.pop()


def test_articles_that_give_no_tasks_are_refused():
    text = "x = 1. y = 2. z = 3."
    library = Library([make_article("One", ("", text)), make_article("Two", ("", text))])
    with pytest.raises(UserError, match="found no reading task"):
        make_questions(library, 0)
