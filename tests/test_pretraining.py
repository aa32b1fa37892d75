"""The base's recipe: tokenizer, reading tasks, batches, and a loop that stops and goes on."""

import copy
import math
import os
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import cycle

import pytest
import torch
from conftest import ROOT

from science_exam.errors import UserError
from science_exam.pretraining import tasks
from science_exam.pretraining.batches import LENGTH_STEP, POOL_BATCHES, Examples, load_batches
from science_exam.pretraining.checkpoints import save_base
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.loop import build_model, rate_at, score_batch, train_base
from science_exam.pretraining.reading import Reading, has_digit
from science_exam.pretraining.tokenizer import BEGIN, find_decision, list_texts, train_tokenizer
from science_exam.pretraining.words import PIECE, Library, Replacement, read_articles
from science_exam.prompt import encode_completions, encode_prompt

ARTICLES = ROOT / "data" / "sample" / "articles.jsonl"
TINY = PretrainConfig(
    vocab_size=600, hidden_size=32, intermediate_size=64, layers=2, heads=2, kv_heads=1,
    max_tokens=1024, max_context_words=90, steps=6, batch_size=2, warmup_steps=2, log_steps=1,
)  # fmt: skip
MIXTURE = tasks.Mixture(scramble_fraction=0.6, same_context_fraction=0.5)
# Hashes of strings differ from process to process; the tasks must not.
PRINT_TASKS = """
import random, sys
from pathlib import Path
from science_exam.pretraining import tasks, words
library = words.Library(words.read_articles(Path(sys.argv[1])))
mixture = tasks.Mixture(0.6, 0.5)
print([tasks.make_question(library, random.Random(i), mixture, 90) for i in range(20)])
"""


@pytest.fixture(scope="module")
def articles():
    return read_articles(ARTICLES)


@pytest.fixture(scope="module")
def library(articles):
    return Library(articles)


@pytest.fixture(scope="module")
def tokenizer(articles):
    return train_tokenizer(list_texts(articles), TINY.vocab_size)


@pytest.fixture(scope="module")
def questions(library):
    return [make_question(library, seed) for seed in range(800)]


def make_question(library, seed):
    return tasks.make_question(library, random.Random(seed), MIXTURE, n_words=120)


def words_of(text):
    return {piece for piece in PIECE.findall(text.lower()) if piece.isalnum()}


# --- tokenizer


def test_the_answers_part_at_one_token(tokenizer):
    completions = find_decision(tokenizer)
    before, after = completions.decision, completions.decision + 1
    assert len(set(completions.deciding_ids)) == 5
    assert len({(ids[:before], ids[after:]) for ids in completions.ids}) == 1
    assert [list(ids) for ids in completions.ids] == encode_completions(tokenizer)


def test_a_tokenizer_whose_answers_part_at_several_tokens_is_refused(bases):
    with pytest.raises(UserError, match="part at exactly one token"):
        find_decision(bases["scattered"].tokenizer)


def test_digits_stand_alone_and_any_text_comes_back(tokenizer):
    text = "In 1984 5.37 µm, 水 and\n🙂"
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids)[0] == BEGIN
    assert [token for token in tokenizer.convert_ids_to_tokens(ids) if has_digit(token)] == list("1984537")
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


# --- reading tasks


def test_a_replacement_is_consistent_and_keeps_kinds_and_glue(library):
    replacement = Replacement(library, random.Random(0))
    text = replacement.rewrite(tuple(PIECE.findall("enzyme, which froze in 1848 (enzyme at 273 K)")))
    enzyme, year, kelvins = (replacement[piece] for piece in ("enzyme", "1848", "273"))
    assert enzyme != "enzyme" and enzyme.islower() and 5 <= len(enzyme) <= 7
    assert [len(number) for number in (year, kelvins) if number.isdecimal()] == [4, 3]
    assert text == f"{enzyme}, which {replacement['froze']} in {year} ({enzyme} at {kelvins} K)"


@pytest.mark.parametrize("scramble", [False, True])
def test_a_context_is_consecutive_sentences_of_one_article(library, scramble):
    for seed in range(50):
        reading = Reading(library, random.Random(seed), 100, scramble)
        assert 3 <= len(reading.sentences) <= 10
        found = any(
            reading.context in " ".join("".join(pieces) for pieces in article.sentences)
            for article in library.articles
        )
        assert found is not scramble


def test_the_right_option_alone_answers_and_stands_in_the_context(questions):
    for question in questions:
        [context] = question.contexts
        assert len({option.lower() for option in question.options}) == 5
        right = question.options[question.answer - 1]
        assert words_of(right) <= words_of(context)


@pytest.mark.parametrize("kind", tasks.KINDS)
@pytest.mark.parametrize("nearby", [False, True])
def test_no_wrong_option_stands_where_the_right_one_does(library, kind, nearby):
    n_tasks = 0
    for seed in range(200):
        reading = Reading(library, random.Random(seed), 120, scramble=False)
        task = kind(reading, reading.sentences[0], nearby)
        if task and (wrong := tasks.choose_wrong(task, n_longer=2)):
            n_tasks += 1
            assert task.truth in reading.context
            assert not [option for option in wrong if option.lower().rstrip(".") in task.truth.lower()]
            assert sum(len(option) >= len(task.right) for option in wrong) == 2
    assert n_tasks > 20


def test_wrong_options_are_chosen_by_length_and_truth():
    task = tasks.Task(
        "?",
        "proton",
        "A proton has a charge.",
        cycle(["", "Charge", "PROTON", "ion", "electron", "muon", "quarks"]),
    )
    assert tasks.choose_wrong(task, n_longer=2) == ["electron", "quarks", "ion", "muon"]
    assert tasks.choose_wrong(task, n_longer=3) == []  # the third one never comes


def test_places_and_lengths_do_not_give_the_answer_away(questions):
    places = Counter(question.answer for question in questions)
    assert all(0.15 < places[place] / len(questions) < 0.25 for place in range(1, 6))
    longest = 0
    for question in questions:
        lengths = [len(option) for option in question.options]
        right = lengths.pop(question.answer - 1)
        longest += right > max(lengths)
    assert 0.16 < longest / len(questions) < 0.24


def test_the_options_alone_do_not_give_the_answer_away(questions):
    """Neither the option that is most like the others nor the one most like the question is right."""
    central = like_question = 0
    for question in questions:
        options = [words_of(option) for option in question.options]
        likeness = [sum(len(a & b) / len(a | b) for b in options) for a in options]
        asked = [len(words & words_of(question.prompt)) / len(words) for words in options]
        central += likeness.index(max(likeness)) == question.answer - 1
        like_question += asked.index(max(asked)) == question.answer - 1
    assert central / len(questions) < 0.3
    assert like_question / len(questions) < 0.3


def test_a_task_depends_on_the_seed_alone(library, questions):
    assert [make_question(library, seed) for seed in range(20)] == questions[:20]
    assert len({question.prompt + question.contexts[0] for question in questions}) > 0.99 * len(questions)


def test_a_task_is_the_same_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PRINT_TASKS, str(ARTICLES)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1 and b"Question(" in printed.pop()


@pytest.mark.parametrize("text", ["{", '{"title": "T"}', '{"title": "T", "sections": []}', ""])
def test_a_file_that_holds_no_articles_is_named(tmp_path, text):
    path = tmp_path / "articles.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=re.escape(str(path))):
        read_articles(path)


# --- batches


def test_an_example_is_the_project_s_prompt_with_its_answer(articles, tokenizer, monkeypatch):
    asked = []

    def record(*args):
        asked.append(tasks.make_question(*args))
        return asked[-1]

    monkeypatch.setattr("science_exam.pretraining.batches.make_question", record)
    ids, place = Examples(articles, tokenizer, replace(TINY, text_fraction=0.0))[7]
    completion = encode_completions(tokenizer)[asked[-1].answer - 1]
    assert ids == encode_prompt(asked[-1], tokenizer, TINY.max_tokens) + completion
    assert ids[place] == find_decision(tokenizer).deciding_ids[asked[-1].answer - 1]


def test_a_text_is_an_article_between_begin_and_end(articles, tokenizer):
    ids, place = Examples(articles, tokenizer, replace(TINY, text_fraction=1.0))[3]
    assert (ids[0], ids[-1], place) == (tokenizer.bos_token_id, tokenizer.eos_token_id, 0)
    title, *paragraphs = tokenizer.decode(ids[1:-1]).split("\n")
    [article] = [article for article in articles if article.title == title]
    assert sorted(paragraphs) == sorted("\n".join(article.sections).split("\n"))


def test_batches_start_at_any_step_and_are_padded_behind(articles, tokenizer):
    examples = Examples(articles, tokenizer, TINY)
    whole = list(load_batches(examples, tokenizer.pad_token_id, TINY, first_step=0))
    assert len(whole) == TINY.steps > POOL_BATCHES
    for first_step in (1, POOL_BATCHES, TINY.steps):
        rest = list(load_batches(examples, tokenizer.pad_token_id, TINY, first_step))
        assert [batch.ids.tolist() for batch in rest] == [b.ids.tolist() for b in whole[first_step:]]
    for batch in whole:
        real = batch.ids != tokenizer.pad_token_id
        assert batch.ids.shape[1] % LENGTH_STEP == 0
        assert batch.n_tokens == real.sum()
        assert (real.long().diff(dim=1) <= 0).all()  # nothing real behind padding


# --- loop


def test_scores_of_a_batch_worked_out_by_hand():
    # vocabulary of 4, padding 3; options are named by 1 and 2; row 0 answers 2 at place 2, row 1 is text
    ids = torch.tensor([[0, 1, 2], [0, 1, 3]])
    logits = torch.zeros(2, 3, 4)
    logits[0, 1, 2] = math.log(3)  # p(2) = 3 / (3 + 1 + 1 + 1) = 1/2
    places, deciding_ids = torch.tensor([2, 0]), torch.tensor([1, 2])
    text_loss, answer_loss, n_right, n_tasks = score_batch(logits, ids, places, 3, deciding_ids).tolist()
    assert text_loss == pytest.approx((math.log(4) + math.log(2) + math.log(4)) / 3)
    assert answer_loss == pytest.approx(math.log(2))
    assert (n_right, n_tasks) == (1, 1)


def test_the_rate_rises_to_its_peak_and_falls_to_a_tenth():
    config = replace(TINY, learning_rate=1.0, warmup_steps=4, steps=14)
    assert [rate_at(step, config) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_at(4, config) == 1.0
    assert rate_at(9, config) == pytest.approx(0.55)  # half way: the mean of 1 and 0.1
    assert rate_at(14, config) == pytest.approx(0.1)


def test_a_saved_base_loads_and_gives_the_same_logits(articles, tokenizer, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = replace(TINY, steps=3)
    out = tmp_path / "base"
    out.mkdir()
    (out / "MODEL_CARD.md").write_text("by hand")
    model, log = train_base(articles, tokenizer, config, tmp_path, on_log=lambda log: None)
    rounded = copy.deepcopy(model)
    for parameter in rounded.parameters():
        parameter.data = parameter.data.bfloat16().float()
    save_base(model, tokenizer, out)

    assert [line["step"] for line in log] == [1, 2, 3]
    assert (out / "MODEL_CARD.md").read_text() == "by hand"
    assert AutoModelForCausalLM.from_pretrained(out).dtype == torch.bfloat16
    loaded, loaded_tokenizer = (
        AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32),
        AutoTokenizer.from_pretrained(out),
    )
    text = "At 5.37 km the answer is\noption_3"
    assert loaded_tokenizer(text)["input_ids"] == tokenizer(text)["input_ids"]
    ids = torch.tensor([loaded_tokenizer(text)["input_ids"]])
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, rounded.eval()(ids).logits)


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(articles, tokenizer, tmp_path):
    def train(folder, **changes):
        _, log = train_base(
            articles, tokenizer, replace(TINY, **changes), tmp_path / folder, lambda log: None
        )
        return [(line["step"], line["lm_loss"], line["answer_loss"]) for line in log]

    whole = train("whole")
    assert train("parts", budget_seconds=1e-9) == whole[:1]
    assert train("parts", budget_seconds=1e-9) == whole[:2]
    assert train("parts") == whole
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["checkpoint-6"]


def test_the_seed_decides_the_weights(tokenizer):
    def embedding(seed):
        return build_model(tokenizer, replace(TINY, seed=seed)).get_input_embeddings().weight

    assert torch.equal(embedding(1), embedding(1))
    assert not torch.equal(embedding(1), embedding(2))


def test_the_script_makes_a_base_once(work, run_script, capsys):
    (work / "configs" / "pretrain").mkdir()
    sizes = "vocab_size=600 hidden_size=32 intermediate_size=64 layers=1 heads=2 kv_heads=1 max_tokens=1024"
    words = [f"articles={ARTICLES}", *sizes.split(), "steps=2", "batch_size=2"]
    assert run_script("pretrain_base", *words, "budget_seconds=1e-9") == 0
    assert "step 1 of 2" in capsys.readouterr().out
    assert not (work / "models").exists()
    assert run_script("pretrain_base", *words) == 0
    assert "parameters" in capsys.readouterr().out
    assert (work / "models" / "defaults" / "model.safetensors").is_file()
    assert (work / "data" / "pretrain" / "defaults" / "manifest.json").is_file()
    assert run_script("pretrain_base", *words) == 0
    assert "already made" in capsys.readouterr().out
