"""What a language model is asked, and the form its reply must have."""

from collections import Counter

import pytest

from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.prompting import KINDS, SCHEMA, assign_answer, write_messages

PASSAGE = Passage("p1", "a1", "Glaciers", "", "Glaciers\nA glacier is ice that moves under its own weight.")


def test_the_passage_stands_in_one_message_of_the_user():
    [message] = write_messages(PASSAGE, 0)
    assert message["role"] == "user"
    assert PASSAGE.text in message["content"]


def test_the_message_names_every_key_of_the_schema():
    [message] = write_messages(PASSAGE, 0)
    assert all(f'"{key}"' in message["content"] for key in SCHEMA["properties"])


def test_another_number_asks_for_another_kind_of_question():
    texts = [write_messages(PASSAGE, number)[0]["content"] for number in range(len(KINDS))]
    assert [kind in text for kind, text in zip(KINDS, texts, strict=True)] == [True] * len(KINDS)
    assert len(set(texts)) == len(KINDS)
    assert KINDS[0] in write_messages(PASSAGE, len(KINDS))[0]["content"]


def test_messages_about_one_passage_begin_alike_so_that_servers_can_share_the_beginning():
    first, second = (write_messages(PASSAGE, number)[0]["content"] for number in (0, 1))
    shared = first.index(PASSAGE.text) + len(PASSAGE.text)
    assert first[:shared] == second[:shared]


def test_the_assigned_place_is_the_one_in_the_message():
    for number in range(10):
        [message] = write_messages(PASSAGE, number)
        assert f"Make option_{assign_answer(PASSAGE, number)} the right one." in message["content"]


def test_assigned_places_are_spread_evenly_and_stay_the_same():
    passages = [Passage(f"passage {n}", "", "", "", "") for n in range(2_000)]
    counts = Counter(assign_answer(passage, 0) for passage in passages)
    assert set(counts) == {1, 2, 3, 4, 5}
    assert all(330 < count < 470 for count in counts.values())
    assert [assign_answer(passage, 0) for passage in passages[:4]] == [
        2,
        3,
        1,
        4,
    ]  # first bytes of SHA-256, modulo 5


@pytest.mark.parametrize("key", SCHEMA["properties"])
def test_the_schema_bounds_every_string(key):
    value = SCHEMA["properties"][key]
    assert value["type"] == "string"
    assert "enum" in value or value["maxLength"] <= 300
    assert key in SCHEMA["required"]
    assert SCHEMA["additionalProperties"] is False
