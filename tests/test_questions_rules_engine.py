"""The rules engine on blocks written for it."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.questions.drafts import Tally
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.rules.engine import RulesEngine

KINDS = ("organ", "layer", "gland", "membrane", "cavity", "nerve")
BEINGS = "newts crabs moles bats eels owls slugs wasps toads seals".split()
DEEDS = (
    "stores bitter oil",
    "filters warm salty water",
    "senses weak electric currents below the sand",
    "hardens the outer rim of the shell before winter begins",
)
TERMS = [
    f"{a}{b}"
    for a, b in itertools.product(["bar", "mel", "tor", "vin", "zel"], "a ula omer ipon enoxar".split())
]


def make_passage(number, text, article="glossary", section="Glossary"):
    return Passage(f"p{number}", article, "Beasts", section, f"Beasts > {section}\n{text}")


def make_glossary(n_passages=24):
    meanings = [
        f"{kind} of {being} that {deed}"
        for (kind, being), deed in zip(itertools.product(KINDS, BEINGS), itertools.cycle(DEEDS), strict=False)
    ]
    return [
        make_passage(i, f"{TERMS[i % len(TERMS)]}: {meanings[i]}", article=f"a{i // 4}")
        for i in range(n_passages)
    ]


def generate(passages, chosen=None, seed=0, per_passage=1):
    dropped = Tally()
    engine = RulesEngine("rules", per_passage, seed)
    drafts = list(engine.generate(passages, range(len(passages)) if chosen is None else chosen, dropped))
    return drafts, dropped


def test_a_draft_knows_where_it_is_from():
    passages = make_glossary()
    drafts, _ = generate(passages)
    by_id = {passage.passage_id: passage for passage in passages}
    assert drafts
    for draft in drafts:
        passage = by_id[draft.passage_id]
        assert draft.group == passage.article_id
        assert draft.contexts == (passage.text,)
        assert draft.place == f"passage {passage.passage_id}"
        assert draft.source == "rules"
        assert draft.generated
        assert len({text.lower() for text in draft.options}) == 5


def test_term_and_meaning_belong_together():
    passages = make_glossary()
    lines = {p.passage_id: p.text.split("\n")[1].split(": ") for p in passages}
    for draft in generate(passages)[0]:
        term, meaning = lines[draft.passage_id]
        asked = f"{draft.prompt} {draft.right}".lower()
        assert term in asked
        assert meaning in asked


def test_the_same_seed_gives_the_same_questions_and_another_seed_others():
    passages = make_glossary()
    assert generate(passages)[0] == generate(passages)[0]
    assert generate(passages)[0] != generate(passages, seed=1)[0]


def test_every_process_makes_the_same_questions():
    script = "import test_questions_rules_engine as t; print(t.generate(t.make_glossary())[0])"
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1] != "[]"


def test_only_chosen_passages_are_asked_about_in_their_order():
    passages = make_glossary()
    drafts, _ = generate(passages, chosen=[7, 3])
    assert {draft.passage_id for draft in drafts} <= {"p7", "p3"}
    assert [draft.passage_id for draft in drafts] == sorted((d.passage_id for d in drafts), reverse=True)


def test_a_passage_gives_no_more_questions_than_asked_for_and_none_twice():
    passages = [make_passage(0, "\n".join(p.text.split("\n")[1] for p in make_glossary()))]
    for n in (1, 3):
        drafts, _ = generate(passages, per_passage=n)
        assert len(drafts) == n
        assert len({draft.prompt for draft in drafts}) == n


def test_each_passage_without_a_question_is_counted_once():
    plain = make_passage(90, "It is so. They are there.", article="b", section="Life")
    idle = make_passage(91, "Ada Berg walked along the shore of a northern lake for days.", "b", "Life")
    lonely = make_passage(92, "melula: organ of newts that stores bitter oil", article="b")
    drafts, dropped = generate([plain, idle, lonely])
    assert drafts == []
    assert dropped.counts == {
        ("rules", "no self-contained sentence"): 1,
        ("rules", "no statement of a known form"): 1,
        ("rules", "no wrong options of the type"): 1,
    }


def test_no_length_gives_the_right_option_away():
    drafts = [draft for seed in range(12) for draft in generate(make_glossary(), seed=seed)[0]]
    longest = sum(all(len(d.right) > len(text) for text in d.wrong) for d in drafts) / len(drafts)
    shortest = sum(all(len(d.right) < len(text) for text in d.wrong) for d in drafts) / len(drafts)
    assert len(drafts) > 50
    assert 0.05 < longest < 0.35
    assert 0.05 < shortest < 0.35


def test_a_paper_is_not_asked_for_its_numbers():
    text = (
        "Sea water holds about 35 grams of salt per kilogram, with many dissolved ions of metals and gases.\n"
        "The cell membrane, proteins, enzymes, oxygen and temperature change with the pressure of the water."
    )
    assert generate([make_passage(0, text, section="Life")])[0][0].right == "35 grams"
    assert generate([make_passage(0, text, section="Abstract")])[0] == []


WORDS = st.sampled_from(
    "The A It cell is are was a of that which called caused by Ada Berg in 1911 35 grams % (x) [1] : . , \n "
    "Mutations gene used to consists heart states occurs when defined as theorem".split(" ")
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join)), min_size=1, max_size=6
    ),
    st.sampled_from(["", "Glossary", "Life > Cells"]),
)
def test_any_text_gives_questions_of_five_distinct_options_or_none(texts, section):
    passages = [make_passage(i, text, f"a{i % 2}", section) for i, text in enumerate(texts)]
    for draft in generate([*passages, *make_glossary(8)], per_passage=2)[0]:
        assert all(text.strip() for text in draft.options)
        assert len({text.lower() for text in draft.options}) == 5


def test_no_passages_give_no_questions():
    assert generate([])[0] == []
