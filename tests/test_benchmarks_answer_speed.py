"""benchmarks/answer_speed.py: questions, operations, tables, and every way on the CPU."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from conftest import LLAMA
from hypothesis import given
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.prompt import Question, build_input, encode_prompt
from science_exam.training.fast.rows import Group, Row

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import answer_speed_bench
import answer_speed_check
import answer_speed_jobs
import answer_speed_table
import answer_speed_ways
import answer_speed_work
import speed_machine

SETTINGS = {
    "closed": "closed",
    "opened": "opened",
    "few": 3,
    "many": 5,
    "most_seconds": 60.0,
    "max_tokens": 700,
    "batch_size": 2,
    "tokens_together": 300,
}
# Two blocks of width 8: four heads of 2, two of them for keys and values, and a feed-forward of 16.
TINY = {
    "hidden_size": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
}


def make_job(way="packed", **changed):
    return answer_speed_jobs.Job(way, **{"base": "models/tiny", **SETTINGS} | changed)


def make_run(row, n_questions=200, seconds=4.0, **changed):
    figures = {"first_seconds": 0.5, "model_seconds": seconds / 2, "flops": 10**12}
    figures |= {"peak_allocated": 6.5e9, "peak_reserved": 7_250_000_000}
    where = {"table": "closed book", "row": row, "size": 200}
    return {**where, "n_questions": n_questions, "seconds": seconds, **figures, **changed}


def make_result(way, *runs, **figures):
    figures = figures or {"cold_seconds": 9.0, "runs": list(runs)}
    return {"job": asdict(make_job(way)), "device": "A GPU", "versions": "torch 1", **figures}


@pytest.fixture(scope="module")
def job(bases, tmp_path_factory):
    """A job on a tiny base with six questions, each with a context of its own and without."""
    folder = tmp_path_factory.mktemp("rows")
    gases = "Helium Neon Argon Krypton Xenon Radon".split()
    for name, context in (("closed", ""), ("opened", "Context: Gases have protons.\n\n")):
        asked = [context + build_input(Question("", f"How heavy is {gas}?", tuple("12345"))) for gas in gases]
        rows = [{"instruction": "Choose.", "input": text, "output": "option_2"} for text in asked]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    paths = {name: str(folder / name) for name in ("closed", "opened")}
    return make_job(base=bases[LLAMA].folder, **paths)


def with_way(job, way):
    return answer_speed_jobs.Job(**{**asdict(job), "way": way})


def test_a_row_is_asked_as_it_was_trained_on():
    question = Question(
        "7", "Which is lighter?\nThink.", ("air", "tin", "", "a\nb", "sea"), None, ("Two\n\nparts.",)
    )
    context = "Context: Two\n\nparts. \n\n"
    row = {"input": context + build_input(question)}
    assert answer_speed_work.parse_row(7, row) == question
    assert answer_speed_work.parse_row(7, {"input": build_input(question)}).contexts == ()


def test_rows_that_cannot_be_asked_are_left_out_and_the_others_come_in_one_order(job, bases, tmp_path):
    tokenizer = bases[LLAMA].tokenizer
    lines = Path(job.closed).read_text(encoding="utf-8")
    other = json.dumps({"input": "Which?\noption_1: a\noption_2: b"}) + "\n"
    (tmp_path / "rows").write_text(lines + other, encoding="utf-8")
    read = [answer_speed_work.read_questions(str(tmp_path / "rows"), tokenizer, 700) for _ in range(2)]
    assert len(read[0]) == 6 and read[0] == read[1]
    with pytest.raises(UserError, match="expected questions with five options of 9 tokens, found none"):
        answer_speed_work.read_questions(job.closed, tokenizer, 9)


def test_contexts_are_lengthened_to_about_600_tokens(job, bases):
    tokenizer = bases[LLAMA].tokenizer
    closed, opened = (
        answer_speed_work.read_questions(path, tokenizer, 700) for path in (job.closed, job.opened)
    )
    lengthened = answer_speed_work.lengthen_contexts(closed, opened, tokenizer)
    lengths = [
        len(encode_prompt(long, tokenizer, 9_999)) - len(encode_prompt(short, tokenizer, 9_999))
        for long, short in zip(lengthened, closed, strict=True)
    ]
    assert all(590 <= length <= 640 for length in lengths)


def test_operations_are_those_that_no_way_can_do_without():
    row = Row([5, 6, 7, 0], 3)  # three tokens are read
    # A block's weights: keys and values 2 × 8 × 4 = 64, query and output 2 × 64, feed-forward 3 × 128: 576.
    # Three tokens go through the first block and the second's keys and values, the last through the rest;
    # 1 + 2 + 3 pairs in the first, 3 in the second, each 4 operations for each of 8 numbers.
    expected = 2 * (576 * 3 + 64 * 3 + 512) + 4 * 8 * (6 + 3)
    assert answer_speed_work.count_flops(TINY, Group((row,), 0)) == expected


@given(st.integers(1, 50), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_pairs_of_shared_tokens_count_once(n_shared, tails):
    lengths = [n_shared + tail for tail in tails]
    pairs = {(None, i, j) for i in range(n_shared) for j in range(i + 1)}
    pairs |= {(row, i, j) for row, n in enumerate(lengths) for i in range(n_shared, n) for j in range(i + 1)}
    assert answer_speed_work.count_pairs(lengths, n_shared) == len(pairs)


def test_every_way_has_one_job_a_base_and_repeat_after_the_limit():
    settings = {name: value for name, value in SETTINGS.items() if name != "base"}
    jobs = answer_speed_jobs.list_jobs(["x/nf4", "x/bf16"], ["blog", "packed"], 2, **settings)
    names = [job.name for job in jobs]
    once = ["blog, nf4", "packed, nf4", "blog, bf16", "packed, bf16"]
    assert names == ["limit", *once, *once]


def test_tables_compare_with_their_first_row_and_give_medians():
    results = [
        {
            "job": asdict(make_job("limit", base="")),
            "flops_per_second": 10**12,
            "lasting_flops_per_second": 8 * 10**11,
        },
        make_result("blog", make_run("blog", n_questions=24, seconds=6.0)),  # 4 questions/s
        *(make_result("packed", make_run("ours", seconds=seconds)) for seconds in (2.0, 2.5, 10.0)),  # 80
    ]
    report = answer_speed_table.format_report(results).splitlines()
    assert (
        report[0] == "A GPU, torch 1"
        and "bf16 products reach 1 TFLOP/s, and 1 TFLOP/s for seconds on end" in report
        and "## tiny" in report
    )
    cells = [line.strip("| ").split(" | ") for line in report if line.startswith(("| blog", "| ours"))]
    assert cells[0] == ["blog", "24", "4.0", "16.7%", "20.8%", "1", "50%", "0.50", "9.0", "6.50", "7.25"]
    assert cells[1] == ["ours", "200", "80.0", "40.0%", "50.0%", "0.05", "50%", "0.50", "9.0", "6.50", "7.25"]


def test_the_limit_is_that_of_one_product_and_of_many(job, monkeypatch):
    monkeypatch.setattr(speed_machine, "LASTING_SECONDS", 0.1)
    limit = answer_speed_ways.measure(with_way(job, "limit"))
    assert set(limit) == set(answer_speed_table.LIMITS) and min(limit.values()) > 0


def test_ways_without_figures_are_listed_with_their_reasons():
    missing = make_result("xgrammar", missing="not installed: xgrammar")
    assert answer_speed_table.format_report([missing]).endswith(
        "\n\n- xgrammar, tiny: not installed: xgrammar"
    )


@pytest.mark.parametrize("way", ["blog", "constrained", "greedy", "padded", "packed", "orders", "adapters"])
def test_every_way_answers_and_is_measured(job, way):
    result = answer_speed_ways.measure(with_way(job, way))
    assert result["cold_seconds"] > 0
    assert {run["n_questions"] for run in result["runs"]} == ({3, 5} if way == "packed" else {3})
    for run in result["runs"]:
        assert run["seconds"] >= run["first_seconds"] > 0 and run["seconds"] > run["model_seconds"] > 0
    flops = [run["flops"] for run in result["runs"]]
    if way == "adapters":
        assert flops[1] == 5 * flops[0]
    if way == "orders":  # what five orders share is needed once
        assert flops[0] < flops[1] == flops[2] < 5 * flops[0]


def test_a_run_that_would_last_too_long_takes_fewer_questions(job):
    short = answer_speed_jobs.Job(**{**asdict(job), "few": 2, "many": 10_000, "most_seconds": 0.5})
    runs = answer_speed_ways.measure(with_way(short, "packed"))["runs"]
    assert [run["n_questions"] for run in runs if run["size"] == 2] == [2, 2]
    assert all(2 <= run["n_questions"] < 10_000 for run in runs)


def test_the_check_finds_the_same_answers_every_way(job):
    checks = answer_speed_ways.measure(with_way(job, "check"))["checks"]
    assert [check["n_differ"] for check in checks] == [0] * len(checks)
    assert max(check.get("largest", 0) for check in checks) < 1e-4
    assert (
        answer_speed_table.format_report([make_result("check", checks=checks)]).count("\n| ")
        == len(checks) + 2
    )


def test_a_check_says_how_far_apart_answers_are_where_they_differ():
    scores = np.log([[0.5, 0.4, 0.1], [0.1, 0.8, 0.1]])
    others = np.log([[0.4, 0.5, 0.1], [0.2, 0.7, 0.1]])
    found = answer_speed_check.compare("row", scores, others)
    assert found["n_differ"] == 1 and found["gap"] == pytest.approx(np.log(0.5 / 0.4))
    assert found["largest"] == pytest.approx(np.log(2))


def test_the_clock_starts_before_the_first_batch_and_counts_what_is_in_the_model(monkeypatch):
    clock = iter([10.0, 11.0, 14.0, 15.0, 16.0])
    monkeypatch.setattr(answer_speed_bench, "read_clock", lambda: next(clock))
    laps = answer_speed_bench.Laps()
    for _ in range(2):
        with laps.answering():
            pass
    assert (laps.first_seconds, laps.model_seconds) == (4.0, 4.0)
