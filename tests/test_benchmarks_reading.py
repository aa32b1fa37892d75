"""The pure parts of benchmarks/base_reading.py and base_perplexity.py: rows, jobs, tables, windows."""

import argparse
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, check_table, write_table
from science_exam.training.config import BaseConfig
from science_exam.training.model import load_tokenizer

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import base_perplexity
import base_reading
import reading_jobs
import reading_sets
import reading_tables

SETTINGS = {
    "base": "a", "learning_rate": 1e-3, "r": 32, "epochs": 4.0, "batch_size": 32, "steps": 0,
    "max_tokens": 1024, "engine": "fast",
}  # fmt: skip
READ = {"data": "data 1", "max_rows": 0, "retrieved": "", "retrieved_official": ""}


@pytest.fixture
def asked():
    """Six questions, option 1 right, each with a context of its own."""
    topics = ("tide", "fern", "quartz", "enzyme", "comet", "magnet")
    questions = pd.DataFrame(
        {
            "question_id": [str(number) for number in range(6)],
            "prompt": [f"What is the {topic}?" for topic in topics],
            **{name: [f"{topic} {name}" for topic in topics] for name in OPTION_COLUMNS},
            "answer": 1,
            "source": "test",
            "group": [str(number) for number in range(6)],
            "passage_id": None,
        }
    )
    contexts = pd.DataFrame(
        {
            "question_id": questions["question_id"],
            "rank": 1,
            "passage_id": None,
            "score": None,
            "retriever": "given",
            "text": [f"All that is known of one {topic} and of no other {topic}." for topic in topics],
        }
    )
    return reading_sets.Asked(check_table(questions, QUESTIONS, ""), check_table(contexts, CONTEXTS, ""))


def read_right(questions):
    return [row[f"option_{row['answer']}"] for row in questions.to_dict("records")]


def test_answers_follow_their_options_to_each_of_the_five_places_once(asked):
    permuted = reading_sets.permute_options(asked, 5, seed=0)
    rights = pd.Series(read_right(permuted.questions))
    originals = permuted.questions["question_id"].str.partition("-")[0]
    assert (rights.groupby(originals.to_numpy()).nunique() == 1).all()
    assert rights.str.endswith("option_1").all()
    places = permuted.questions.groupby(originals.to_numpy())["answer"].agg(sorted)
    assert places.tolist() == [[1, 2, 3, 4, 5]] * 6


def test_a_permuted_question_keeps_its_context(asked):
    permuted = reading_sets.permute_options(asked, 2, seed=0)
    texts = permuted.contexts.set_index("question_id")["text"]
    assert texts["3-1"] == texts["3-2"] == asked.contexts["text"][3]


def test_mixed_contexts_hold_the_given_one_and_that_of_another_training_row(asked):
    training = asked.keep(asked.questions["question_id"] != "5")
    search = reading_sets.find_distractors(training, None, seed=0)
    mixed = reading_sets.permute_options(training, 1, 0, search).contexts
    own = asked.contexts.set_index("question_id")["text"]
    for name, texts in mixed.groupby("question_id")["text"]:
        assert own[name] in texts.tolist()
    assert not mixed["text"].str.contains("magnet").any()
    assert len(mixed) > len(training.questions)


def test_what_repeats_an_evaluation_question_is_not_clean(asked):
    other = asked.questions.assign(prompt=[f"How was the {name} found?" for name in "abcdef"])
    other.loc[2, "prompt"] = "what is the  FERN"
    clean = reading_sets.find_clean(other, asked.questions[:2])
    assert clean.tolist()[2] is False


def test_training_rows_leave_out_the_fold_that_is_asked_or_what_gives_the_official_set_away(asked):
    library = reading_sets.Library(
        sets={"stem_1k": asked, "official": asked.keep(asked.questions["question_id"] == "0")},
        fold_of=pd.Series([0, 1, 2, 0, 1, 2]),
        clean=pd.Series([False, True, True, True, True, False]),
        retrieved={},
        extra={},
    )
    for fold in range(3):
        trained, held_out = library.select_training(fold), library.select_asked("stem_1k", fold)
        names = [*trained.questions["question_id"], *held_out.questions["question_id"]]
        assert sorted(names) == list("012345") and len(held_out.questions) == 2
    assert library.select_training(1).questions["question_id"].tolist() == ["0", "2", "3", "5"]
    assert library.select_training(None).questions["question_id"].tolist() == ["1", "2", "3", "4"]


def test_retrieved_contexts_are_those_of_the_questions_and_none_may_be_missing(asked, tmp_path):
    write_table(asked.contexts, CONTEXTS, tmp_path / "contexts.parquet")
    some = asked.keep(asked.questions["question_id"].isin(["1", "4"]))
    found = reading_sets.read_retrieved(str(tmp_path), some)
    assert found["question_id"].tolist() == ["1", "4"]
    write_table(asked.contexts[2:], CONTEXTS, tmp_path / "contexts.parquet")
    with pytest.raises(UserError, match="2 of 6 questions have no contexts"):
        reading_sets.read_retrieved(str(tmp_path), asked)


@pytest.mark.parametrize(("max_rows", "n_drawn"), [(3, 3), (0, 5), (100, 5)])
def test_extra_questions_are_drawn_from_those_that_repeat_no_evaluation_question(asked, max_rows, n_drawn):
    evaluation = asked.questions[2:3].assign(question_id="official")
    drawn = reading_sets._sample(asked, evaluation, max_rows).questions["question_id"]
    assert len(drawn) == drawn.nunique() == n_drawn
    assert "2" not in drawn.tolist()


@pytest.fixture
def identify(tmp_path):
    """The sources as they are told apart, the files holding `text`."""

    def make(text="", **changed):
        for names in reading_sets.DECIDING_FILES.values():
            for path in (tmp_path / name for name in names):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return reading_sets.Sources(str(tmp_path), **changed).identify()

    return make


def name_job(arm, identified, monkeypatch):
    monkeypatch.setattr(reading_jobs, "list_small_files", lambda base: [])
    job = reading_jobs.Job(arm, "official", None, 0, reading_jobs.Settings(**SETTINGS))
    return reading_jobs.name_job(job, identified)


def test_jobs_are_told_apart_by_the_sources_that_they_read(identify, tmp_path, monkeypatch):
    folder = str(tmp_path)
    plain, extra, fewer = identify(), identify(generated=folder), identify(generated=folder, max_extra=9)
    retrieved = identify(retrieved=folder)
    names = [name_job("generated", sources, monkeypatch) for sources in (plain, extra, fewer, retrieved)]
    assert len(set(names)) == 4
    names = [name_job("given", sources, monkeypatch) for sources in (plain, extra, fewer, retrieved)]
    assert names[0] == names[1] == names[2] != names[3]
    names = [name_job("permuted, generated", sources, monkeypatch) for sources in (plain, extra, fewer)]
    assert len(set(names)) == 3
    closed = [name_job("closed book", sources, monkeypatch) for sources in (plain, retrieved)]
    assert len(set(closed)) == 1


def test_a_folder_is_told_by_its_files(identify, tmp_path):
    told = identify("some", generated=str(tmp_path))
    assert told["generated"].startswith(f"{tmp_path.name} ") and told["others"] == ""
    assert told == identify("some", generated=f"{tmp_path}/")
    assert told["generated"] != identify("more", generated=str(tmp_path))["generated"]
    with pytest.raises(UserError, match="no such file"):
        identify(generated=str(tmp_path / "nowhere"))


@pytest.fixture
def library(asked):
    """The six questions as both sets; question 5 is of fold 1 and gives an official one away."""
    last = asked.questions["question_id"] == "5"
    renamed = asked.questions.assign(question_id="made-" + asked.questions["question_id"])
    extra = reading_sets.Asked(renamed[:2], asked.contexts[:0])
    return reading_sets.Library(
        sets={"stem_1k": asked, "official": asked},
        fold_of=last.astype(int),
        clean=~last,
        retrieved={},
        extra={"generated": extra},
    )


def make_job(arm, fold=None):
    return reading_jobs.Job(arm, "stem_1k", fold, 0, reading_jobs.Settings(**SETTINGS))


@pytest.mark.parametrize("fold", [1, None])
def test_permuted_arms_learn_four_orders_of_each_training_row(library, fold):
    permuted, both = (
        reading_jobs.make_rows(library, make_job(arm, fold)) for arm in ("permuted", "permuted, generated")
    )
    pd.testing.assert_frame_equal(permuted.questions, both.questions)
    originals = both.questions["question_id"].str.partition("-")[0]
    assert Counter(originals) == dict.fromkeys("01234", 4)


def test_all_but_the_closed_book_answer_with_given_contexts_in_one_order_and_in_five(library):
    for arm in reading_sets.ARMS:
        views = reading_jobs.list_views(library, make_job(arm))
        assert (arm == "closed book") != ({"given", "given, five orders"} <= set(views))
        assert ("given, options shuffled" in views) == (arm in ("zero-shot", "given"))


def test_only_the_view_in_five_orders_asks_more_than_once():
    model = argparse.Namespace(config=argparse.Namespace(model_type="llama"))
    tokenizer = load_tokenizer(BaseConfig().path)
    for view, n_contexts, n_views in (("given", 5, 1), ("given, five orders", 5, 5), ("closed book", 0, 1)):
        answerer = reading_jobs.make_answerer(model, tokenizer, view, max_tokens=64, batch_size=2)
        assert (answerer.max_contexts, answerer.n_views) == (n_contexts, n_views)


def make_arguments(**changed):
    values = {name: [value] for name, value in SETTINGS.items()}
    values |= {"only": None, "sets": ["stem_1k", "official"], "folds": 5, "seeds": 3}
    return argparse.Namespace(**values | {"retrieved": "", "generated": "", "others": ""} | changed)


def test_every_seed_trains_five_folds_and_the_whole():
    jobs = list(base_reading.list_jobs(make_arguments(only=["given", "zero-shot"])))
    trained = [job for job in jobs if job.arm == "given"]
    assert len(trained) == 3 * 6
    assert [job.asked for job in jobs if job.arm == "zero-shot"] == ["stem_1k", "official"]


def test_arms_that_are_asked_for_need_their_data():
    both = "permuted, generated"
    with pytest.raises(UserError, match="--only 'permuted, generated': expected --generated"):
        list(base_reading.list_jobs(make_arguments(only=["given", both])))
    arms = {job.arm for job in base_reading.list_jobs(make_arguments(generated="made"))}
    assert {both, "generated"} < arms and not {"retrieved", "others"} & arms


def test_settings_with_several_values_are_all_tried_but_not_without_an_adapter():
    jobs = list(base_reading.list_jobs(make_arguments(r=[8, 16], seeds=1, sets=["official"])))
    assert [job.settings.r for job in jobs if job.arm == "given"] == [8, 16]
    assert sum(job.arm == "zero-shot" for job in jobs) == 1
    assert not {"retrieved", "generated", "others"} & {job.arm for job in jobs}


def test_a_base_is_asked_without_an_adapter_once_for_every_limit_of_tokens():
    arguments = make_arguments(only=["zero-shot"], base=["a", "b"], r=[8, 16], max_tokens=[512, 1024])
    asked = [(job.settings.base, job.settings.max_tokens) for job in base_reading.list_jobs(arguments)]
    assert Counter(asked) == dict.fromkeys([("a", 512), ("a", 1024), ("b", 512), ("b", 1024)], 2)


def make_result(arm, seed, reciprocal, sources=(), **changed):
    ids = [f"q{number}" for number in range(len(reciprocal))]
    columns = {"question_id": ids, "position": [1] * len(ids), "reciprocal": reciprocal}
    return {
        "arm": arm,
        "asked": "official",
        "fold": None,
        "seed": seed,
        "settings": SETTINGS | changed,
        "sources": READ | dict(sources),
        "scores": {"given": columns},
    }


def test_seeds_are_averaged_by_question_before_scoring():
    results = [make_result("given", 0, [1.0, 0.5]), make_result("given", 1, [1.0, 1.0])]
    [answers] = reading_tables.gather_answers(results, results)
    assert answers.mean_seeds(answers.reciprocal).tolist() == [1.0, 0.75]
    assert answers.mean_seeds(answers.right).tolist() == [1.0, 0.5]


def test_differences_are_paired_with_the_arm_of_the_same_settings():
    results = [
        make_result("given", 0, [0.5, 0.5]),
        make_result("given", 0, [0.0, 0.0], r=8),
        make_result("permuted", 0, [1.0, 1.0], r=8),
    ]
    table = reading_tables.format_scores(reading_tables.gather_answers(results, results))
    assert "| permuted, r 8 | given | 2 | 1.000 [1.000, 1.000] | 1.000 |" in table
    assert table.endswith("| +1.000 [+1.000, +1.000] |")


def test_answers_in_five_orders_are_rows_of_their_own_compared_with_given():
    made = {"generated": "text 1", "max_extra": 9}
    results = [make_result("given", 0, [0.5, 0.5]), make_result("permuted, generated", 0, [0.5, 1.0], made)]
    results[0]["scores"]["given, five orders"] = results[1]["scores"]["given"]
    rows = reading_tables.format_scores(reading_tables.gather_answers(results, results)).splitlines()
    assert [row.split(" | ")[:3] for row in rows[3:]] == [
        ["| given", "given", "2"],
        ["| given", "given, five orders", "2"],
        ["| permuted, generated", "given", "2"],
    ]
    assert [row.split(" | ")[-1][:6] for row in rows[4:]] == ["+0.250"] * 2


def test_sets_of_extra_questions_are_rows_of_their_own_beside_the_same_given():
    results = [
        make_result("given", 0, [0.5, 0.5]),
        make_result("generated", 0, [1.0, 1.0], sources={"generated": "text 1", "max_extra": 9}),
        make_result("generated", 0, [0.0, 0.0], sources={"generated": "text 2", "max_extra": 9}),
    ]
    table = reading_tables.format_tables(results)
    rows = [line for line in table.splitlines() if line.startswith("| generated")]
    assert [row.split(" | ")[0] for row in rows] == [
        "| generated, generated text 1",
        "| generated, generated text 2",
    ]
    assert "+0.500 [" in rows[0] and "-0.500 [" in rows[1]


def test_contexts_tell_only_the_answers_with_them_apart():
    results = [
        make_result("given", seed, [value], sources={"retrieved": f"wiki {seed}"})
        for seed, value in enumerate((0.0, 1.0))
    ]
    for result in results:
        result["scores"]["retrieved"] = result["scores"]["given"]
    names = [(answers.name, answers.view) for answers in reading_tables.gather_answers(results, results)]
    assert names == [
        ("given", "given"),
        ("given, retrieved wiki 0", "retrieved"),
        ("given, retrieved wiki 1", "retrieved"),
    ]


@pytest.mark.parametrize("name", ["base", "max_tokens"])
def test_a_base_without_adapter_is_compared_with_its_own_adapters(name):
    results = [
        make_result("given", 0, [0.0, 0.0], **{name: 1}),
        make_result("given", 0, [0.5, 0.5], **{name: 2}, r=8),
        make_result("zero-shot", 0, [1.0, 1.0], **{name: 1}),
        make_result("zero-shot", 0, [1.0, 1.0], **{name: 2}),
        make_result("zero-shot", 0, [1.0, 1.0], **{name: 3}),
    ]
    rows = reading_tables.format_scores(reading_tables.gather_answers(results, results)).splitlines()
    ends = {row.split(" | ")[0]: row.split(" | ")[-1] for row in rows if "zero-shot" in row}
    assert ends[f"| zero-shot, {name} 1"].startswith("+1.000")
    assert ends[f"| zero-shot, {name} 2"].startswith("+0.500")
    assert ends[f"| zero-shot, {name} 3"] == " |"


def test_bases_without_adapter_are_not_mixed_when_one_of_them_has_adapters():
    results = [make_result("given", 0, [0.0]), make_result("zero-shot", 0, [0.0])]
    results.append(make_result("zero-shot", 0, [1.0], base="b"))
    names = [answers.name for answers in reading_tables.gather_answers(results, results)]
    assert names == ["zero-shot, base a", "zero-shot, base b", "given, base a"]


def test_a_later_result_takes_the_place_of_an_earlier_one():
    results = [make_result("zero-shot", 0, [0.0]), make_result("zero-shot", 0, [1.0])]
    assert "| zero-shot | given | 1 | 1.000" in reading_tables.format_tables(results)


def test_right_answers_at_one_place_only_are_not_flat():
    positions = np.repeat([1, 2, 3, 4, 5], 20)
    assert reading_tables.measure_flatness((positions == 1).astype(float), positions) < 1e-9
    assert reading_tables.measure_flatness(np.tile([1.0, 0.0], 50), positions) == 1


TOLD = '{"job": "%s", "settings": {"engine": "trl"}, "sources": {}}'


def test_a_result_that_was_cut_short_is_none(tmp_path):
    (tmp_path / "results.jsonl").write_text(
        "\n".join(["", TOLD % "a", TOLD.partition("sour")[0] % "b", TOLD % "c", ""]), encoding="utf-8"
    )
    assert [result["job"] for result in base_reading.read_results(tmp_path / "results.jsonl")] == ["a", "c"]


@pytest.mark.parametrize("line", ['{"job": "a"}', '{"job": "a", "settings": {"r": 32}, "sources": {}}'])
def test_a_result_that_does_not_say_what_was_read_or_by_which_engine_is_refused(tmp_path, line):
    (tmp_path / "results.jsonl").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1: does not say what was read"):
        base_reading.read_results(tmp_path / "results.jsonl")


def test_steps_are_those_of_the_passes_over_the_rows_of_given():
    job = reading_jobs.Job("given", "official", None, 0, reading_jobs.Settings(**SETTINGS))
    assert reading_jobs.make_config(job, n_rows=100).max_steps == 4 * 4  # 100 rows are 4 batches of 32


class Letters:
    """A tokenizer of one token a letter; 0 begins and 1 ends a text."""

    bos_token_id, eos_token_id, all_special_ids = 0, 1, (0, 1)

    def __call__(self, text, add_special_tokens):
        return {"input_ids": [ord(letter) for letter in text]}

    def decode(self, ids, clean_up_tokenization_spaces):
        return "".join(map(chr, ids))


def test_windows_begin_alike_and_count_letters_alone():
    windows = base_perplexity.cut_windows(
        iter(["abc", "dé", "f"]), Letters(), window_tokens=4, max_tokens=100
    )
    assert windows == [[0, *map(ord, "abc")], [0, 1, *map(ord, "dé")], [0, 1, ord("f"), 1]]
    assert base_perplexity.count_text(windows, Letters()) == (6, 7)


def test_perplexity_of_a_fair_coin_is_two():
    assert base_perplexity.Loss(10 * math.log(2), n_tokens=10, n_bytes=20).per(10) == pytest.approx(2)
