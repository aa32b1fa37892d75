from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import LLAMA
from hypothesis import given
from hypothesis import strategies as st
from small_library import write_passages

from science_exam.answering.asking import format_answer, format_contexts, read_question
from science_exam.errors import UserError
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, PROBABILITY_COLUMNS

OPTIONS = "Mars|Earth| Venus |Jupiter|Saturn"
TEXTS = (
    "Solar System\nJupiter is the largest planet of the Solar System.",
    "Solar System > Inner planets\nMercury is the smallest planet and the nearest to the Sun.",
    "Tides\nThe Moon raises tides twice a day.",
)


def test_words_become_a_question():
    [row] = read_question(" Which planet is the largest? ", OPTIONS).to_dict("records")
    assert row["prompt"] == "Which planet is the largest?"
    assert [row[column] for column in OPTION_COLUMNS] == ["Mars", "Earth", "Venus", "Jupiter", "Saturn"]
    assert pd.isna(row["answer"])


@pytest.mark.parametrize(
    ("prompt", "options", "expected"),
    [
        ("", OPTIONS, "q: expected a question, found nothing"),
        (" \n", OPTIONS, "q: expected a question, found nothing"),
        ("Which?", "", "options: expected five texts with | between them, found 0"),
        ("Which?", "a|b|c|d", "found 4"),
        ("Which?", "a|b|c|d|e|f", "found 6"),
        ("Which?", "a|b||d|e", "options: expected text, found nothing in option 3"),
    ],
)
def test_what_is_no_question_shows_how_to_ask(prompt, options, expected):
    with pytest.raises(UserError) as caught:
        read_question(prompt, options)
    assert expected in str(caught.value)
    assert 'make ask Q="' in str(caught.value)


@given(prompt=st.text(max_size=20), options=st.text(alphabet="|ab \n", max_size=12))
def test_any_words_are_a_question_or_one_clear_line(prompt, options):
    try:
        assert len(read_question(prompt, options)) == 1
    except UserError as error:
        assert "\n" not in str(error)


def test_options_are_ranked_with_letter_and_probability():
    question = read_question("Which planet is the largest?", OPTIONS)
    predictions = pd.DataFrame([[0.1, 0.05, 0.15, 0.5, 0.2]], columns=list(PROBABILITY_COLUMNS))
    assert format_answer(question, predictions).splitlines() == [
        "D  0.500  Jupiter", "E  0.200  Saturn", "C  0.150  Venus", "A  0.100  Mars", "B  0.050  Earth",
    ]  # fmt: skip


def test_passages_are_shown_with_their_title_and_cut_short():
    contexts = pd.DataFrame({"rank": [1, 2], "text": ["Tides\n" + "ebb and flow " * 40, "A title alone"]})
    title, body, last = format_contexts(contexts).splitlines()
    assert (title, last) == ("1. Tides", "2. A title alone")
    assert body.startswith("   ebb and flow")
    assert body.endswith(" …")
    assert len(body) <= 3 + 2 * 97
    assert format_contexts(pd.DataFrame(columns=list(CONTEXTS.columns))) == "no passages (closed book)"


@pytest.fixture
def ask(bases, work, run_script):
    """Run scripts/ask.py on the tiny base and an index of three passages; returns the exit code."""
    write_passages(work / "data/corpus/sky", TEXTS)
    (work / "configs/index").mkdir()
    assert run_script("index", "corpus=data/corpus/sky", "encoder.name=") == 0

    def asked(*words: str) -> int:
        own = ("q=Which planet is the largest?", f"options={OPTIONS}", f"base={bases[LLAMA].folder}")
        return run_script("ask", *own, "index=data/index/sky", *words)

    return asked


def test_the_base_alone_answers_from_the_passages_that_are_found(ask, capsys):
    capsys.readouterr()
    assert ask("max_contexts=1") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["1. Solar System", "   Jupiter is the largest planet of the Solar System."]
    ranked = [line.split("  ") for line in shown[3:8]]
    assert {letter for letter, _, _ in ranked} == set("ABCDE")
    probabilities = [float(probability) for _, probability, _ in ranked]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=0.003)
    assert shown[-1].endswith(", without an adapter")


def test_a_run_answers_with_its_adapter_and_reads_as_many_passages_as_in_training(ask, bases, capsys):
    from science_exam.training.config import BaseConfig, LoraConfig
    from science_exam.training.model import add_adapter, load_base, save_adapter

    run = Path("data/runs/tiny/fold0")
    adapted = add_adapter(load_base(BaseConfig(path=bases[LLAMA].folder)), LoraConfig(), seed=0)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data += 0.1
    save_adapter(adapted, run / "adapter")
    (run / "config.yaml").write_text(yaml.safe_dump({"max_contexts": 2, "run": "tiny"}))
    for name in ("inputs.json", "manifest.json"):
        (run / name).write_text("{}")
    answers = []
    for words in (["max_contexts=2"], [f"run={run}"]):
        capsys.readouterr()
        assert ask(*words) == 0
        answers.append(capsys.readouterr().out)
    (passages, alone, _), (same_passages, ranked, end) = (answer.split("\n\n") for answer in answers)
    assert passages == same_passages
    assert passages.count("\n") == 3  # two lines a passage
    assert ranked != alone
    assert end == f"answered by {run}\n"


@pytest.mark.parametrize("word", ["index=", "max_contexts=0"])
def test_without_an_index_or_contexts_it_is_closed_book(ask, capsys, word):
    capsys.readouterr()
    assert ask(word) == 0
    assert capsys.readouterr().out.startswith("no passages (closed book)\n")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("run=data/runs/none/fold0", "data/runs/none/fold0: this run is not there"),
        ("index=data/index/none", "data/index/none: no finished lexical or dense index there"),
        ("base=nowhere/at/all", "base 'nowhere/at/all': no such folder"),
        ("options=a|b", "options: expected five texts"),
        ("max_contexts=-1", "defaults: max_contexts: expected 0 or more, found -1"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_code_2(ask, capsys, word, expected):
    capsys.readouterr()
    assert ask(word) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith(f"error: {expected}")
