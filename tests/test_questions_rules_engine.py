"""The rules engine on blocks written for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.questions.drafts import Tally
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.rules.engine import MAX_LEAD, RulesEngine

# Six fields as the glossaries of a textbook have them: one sort of thing in each, three words in common.
GLOSSARY = """
bara: hormone of newts that loosens the outer skin before molting starts
barula: hormone of newts that sends sugar into tired legs while molting lasts
baromer: hormone of newts that keeps larvae hidden in damp moss through their first molting
baripon: hormone of newts that darkens spots on the tail once molting ends
barenoxar: hormone of newts that turns stored fat into heat on frosty nights of molting
barastelimor: hormone of newts that calms the pulse of crowded nests under leaves and bark amid molting

mela: gland of crabs that pumps salt out of the gills at low tide
melula: gland of crabs that mixes salt with slime to harden fresh burrows
melomer: gland of crabs that holds salt grains for balance in strong currents
melipon: gland of crabs that coats eggs with salt against mold and mites
melenoxar: gland of crabs that tastes salt in drops of rain on the eyestalk
melastelimor: gland of crabs that hoards salt beneath the shell for long winter walks across dry dunes

tora: muscle of bats that folds the ear between two echoes of a call
torula: muscle of bats that lifts the tongue to shape faint echoes
toromer: muscle of bats that shields bones of the jaw against loud echoes
toripon: muscle of bats that steers the thumb towards echoes of moths
torenoxar: muscle of bats that tightens the throat until echoes rise in pitch and tone
torastelimor: muscle of bats that spreads nose wrinkles to catch weak echoes from behind trees and rocky walls

vina: nerve of eels that counts voltage pulses along the belly
vinula: nerve of eels that fires when voltage drops near sleeping prey
vinomer: nerve of eels that links voltage organs with the hind fin
vinipon: nerve of eels that guards the spine while voltage peaks at noon
vinenoxar: nerve of eels that slows breathing after each voltage discharge in shallow pools
vinastelimor: nerve of eels that tells the forebrain of rivals by their voltage across wide and muddy rivers

zela: membrane of owls that filters dim light for the retina
zelula: membrane of owls that mirrors light back to color receptors
zelomer: membrane of owls that wipes dust off the pupil in bright light
zelipon: membrane of owls that splits light into green and violet parts
zelenoxar: membrane of owls that shades unhatched chicks from morning light inside thin eggs
zelastelimor: membrane of owls that glows in pale light so rival males avoid an occupied hollow or branch

kora: instrument of divers that plots depth against elapsed minutes
korula: instrument of divers that rings a bell at a chosen depth
koromer: instrument of divers that finds wrecks by depth and rusty iron
koripon: instrument of divers that inflates vests to leave great depth safely
korenoxar: instrument of divers that lowers bottles to a set depth for clean samples
korastelimor: instrument of divers that warns crews above when ropes tangle at unusual depth around an anchor
"""
FIELDS = [field.split("\n") for field in GLOSSARY.strip().split("\n\n")]


def make_passage(number, text, article="glossary", section="Glossary"):
    return Passage(f"p{number}", article, "Beasts", section, f"Beasts > {section}\n{text}")


def make_glossary(fields=FIELDS):
    lines = [(line, f"a{i}") for i, field in enumerate(fields) for line in field]
    return [make_passage(number, line, article) for number, (line, article) in enumerate(lines)]


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
    drafts, _ = generate(passages)
    assert drafts
    for draft in drafts:
        term, meaning = lines[draft.passage_id]
        asked = f"{draft.prompt} {draft.right}".lower()
        assert term in asked
        assert meaning in asked


def test_all_options_are_of_one_field_and_either_terms_or_meanings():
    columns = [
        set(column) for field in FIELDS for column in zip(*(x.split(": ") for x in field), strict=True)
    ]
    drafts = [draft for seed in range(3) for draft in generate(make_glossary(), seed=seed)[0]]
    chosen = [
        sum({text.lower() for text in draft.options} <= column for column in columns) for draft in drafts
    ]
    assert chosen == [1] * len(drafts)
    assert len({"term" if draft.prompt.startswith("Which term") else "meaning" for draft in drafts}) == 2


def test_terms_of_other_fields_do_not_stand_in_for_missing_ones_of_the_own():
    passages = [make_passage(i, field[0], f"a{i}") for i, field in enumerate(FIELDS)]
    drafts, dropped = generate(passages)
    assert drafts == []
    assert dropped.counts == {("rules", "no wrong options of the type"): len(FIELDS)}


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
    assert printed[0] == printed[1] != "[]\n"


def test_only_chosen_passages_are_asked_about_in_their_order():
    passages = make_glossary()
    drafts, _ = generate(passages, chosen=[20, 13])
    assert [draft.passage_id for draft in drafts] == ["p20", "p13"]


def test_a_passage_gives_no_more_questions_than_asked_for_and_none_twice():
    passages = [make_passage(0, "\n".join(p.text.split("\n")[1] for p in make_glossary()))]
    for n in (1, 3):
        drafts, _ = generate(passages, per_passage=n)
        assert len(drafts) == n
        assert len({draft.prompt for draft in drafts}) == n


def test_terms_and_meanings_take_turns():
    drafts, _ = generate(make_glossary())
    n_terms = sum(draft.prompt.startswith("Which term") for draft in drafts)
    assert abs(n_terms - (len(drafts) - n_terms)) <= MAX_LEAD
    assert 0 < n_terms < len(drafts)


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


def test_among_single_genes_no_list_of_genes_is_offered():
    diseases = "Stone fever|Rhine palsy|Berg syndrome|Alpine gout|Lake rash|Moss dwarfism"
    single = [f"the {name} gene" for name in "QAX7 QEX2 QIX4 QOX9 QUX3 QYX1".split()]
    double = [f"the {name}1 and {name}2 genes" for name in "WAZ WEZ WIZ WOZ WUZ WYZ".split()]
    texts = [
        f"{kind} {disease} is caused by mutations in {genes}. Cells, proteins and enzymes change with age."
        for kind, answers in (("Summer", single), ("Winter", double))
        for disease, genes in zip(diseases.split("|"), answers, strict=True)
    ]
    drafts, _ = generate([make_passage(i, text, f"a{i}", "Causes") for i, text in enumerate(texts)])
    n_genes = [{len(re.findall(r"[A-Z]+\d", text)) for text in draft.options} for draft in drafts]
    assert len(drafts) > 4
    assert all(len(numbers) == 1 for numbers in n_genes)
    assert set.union(*n_genes) == {1, 2}


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


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join)), min_size=1, max_size=6
    ),
    st.sampled_from(["", "Glossary", "Life > Cells"]),
)
def test_any_text_gives_questions_of_five_distinct_options_or_none(texts, section):
    passages = [make_passage(i, text, f"a{i % 2}", section) for i, text in enumerate(texts)]
    for draft in generate([*passages, *make_glossary(FIELDS[:2])], per_passage=2)[0]:
        assert all(text.strip() for text in draft.options)
        assert len({text.lower() for text in draft.options}) == 5


def test_no_passages_give_no_questions():
    assert generate([])[0] == []
