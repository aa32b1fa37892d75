"""benchmarks/train_speed.py: jobs, figures and tables, the base in NF4, and TRL end to end on the CPU."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from conftest import LLAMA, ROOT
from process_server import run_file

from science_exam.errors import UserError

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import make_random_base
import speed_jobs
import train_speed_base
import train_speed_jobs
import train_speed_peers
import train_speed_table

SCRIPT = ROOT / "benchmarks" / "train_speed.py"
SETTINGS = {"base": "base", "rows": "rows", "max_tokens": 720, "warm_up": 10, "steps": 30}
LLAMA_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}
# Per layer: query and output 2 × 4096², key and value 2 × 4096 × 1024, three of 4096 × 14336.
LINEAR_8B = 32 * (2 * 4096**2 + 2 * 4096 * 1024 + 3 * 4096 * 14336)


def make_job(peer="trl", **changed):
    return train_speed_jobs.Job(peer, **SETTINGS | changed)


def make_result(peer="trl", repeat=0, budget=None, **figures):
    job = make_job(peer, repeat=repeat, memory_budget_gb=budget)
    return {"job": asdict(job), "device": "A GPU", "versions": "torch 1", **figures}


def make_training(peer="trl", repeat=0, budget=None, seconds=24.0, setup_seconds=20.0):
    """240 rows of 200 tokens."""
    figures = {"n_rows": 240, "n_tokens": 48_000, "seconds": seconds, "setup_seconds": setup_seconds}
    return make_result(peer, repeat, budget, **figures, peak_allocated=6.5e9, peak_reserved=7_250_000_000)


@pytest.fixture
def rows(tmp_path):
    """A file of eleven rows, the last much longer than the others."""
    path = tmp_path / "rows.jsonl"
    inputs = [f"Which gas has {number} protons?" for number in range(10)] + ["Which one? " * 200]
    records = [{"instruction": "Choose.", "input": text, "output": "option_2"} for text in inputs]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_linear_weights_are_those_of_the_blocks():
    assert train_speed_table.count_linear_parameters(LLAMA_8B) == LINEAR_8B == 6_979_321_856
    assert train_speed_table.count_flops_per_token(LLAMA_8B) == 4 * LINEAR_8B
    wide_heads = LLAMA_8B | {"head_dim": 256}
    assert train_speed_table.count_linear_parameters(wide_heads) == LINEAR_8B + 32 * 2 * 4096 * (4096 + 1024)


def test_the_table_holds_speed_share_of_the_limit_memory_and_the_time_of_a_thousand_rows():
    results = [make_result("limit", flops_per_second=8e14), make_training()]
    report = train_speed_table.format_report(results, flops_per_token=28_000_000_000).splitlines()
    assert report[:3] == [
        "A GPU, torch 1",
        "30 steps of 8 rows after 10, at most 720 tokens, mean 200",
        "28.0 GFLOP a token; bf16 products reach 800 TFLOP/s",
    ]
    # 240 / 24 = 10 rows/s; 2,000 tokens/s × 28 GFLOP = 56 of 800 TFLOP/s; 20 s + 1,000 / 10
    assert report[-1] == "| trl | 10.0 | 2,000 | 7% | 6.50 | 7.25 | 20 | 120 |"
    assert {line.count("|") for line in report[4:]} == {9}


def test_repeats_are_one_row_of_medians_with_their_range():
    timed = [(24.0, 30.0), (12.0, 10.0), (48.0, 20.0)]
    results = [
        make_training(repeat=repeat, seconds=seconds, setup_seconds=setup)
        for repeat, (seconds, setup) in enumerate(timed)
    ]
    [row] = [line for line in train_speed_table.format_report(results, 1).splitlines() if "| trl" in line]
    # 1,000 rows: 30 + 100, 10 + 50 and 20 + 200 seconds; without the limit no share of it
    assert row == "| trl | 10.0 (5.0-20.0) | 2,000 |  | 6.50 | 7.25 | 20 | 130 |"


def test_memory_budgets_are_rows_of_their_own():
    results = [make_training("fast", budget=budget) for budget in (7.2, 24.0)]
    report = train_speed_table.format_report(results, 1)
    assert "| fast, 7.2 GB | 10.0 |" in report and "| fast, 24 GB | 10.0 |" in report


def test_peers_without_figures_are_listed_with_their_reason():
    results = [
        make_training(),
        make_result("trl", repeat=1, error="RuntimeError: out of memory"),
        make_result("unsloth", missing="not installed: unsloth"),
    ]
    report = train_speed_table.format_report(results, 1)
    assert "| trl | 10.0 | " in report
    assert "| unsloth |  |  |  |  |  |  |  |" in report
    assert report.endswith("\n\n- trl: RuntimeError: out of memory\n- unsloth: not installed: unsloth")


def test_every_peer_is_measured_once_before_any_is_measured_again():
    jobs = train_speed_jobs.list_jobs(["fast", "trl"], [7.2, 24], repeats=2, **SETTINGS)
    names = [(job.name, job.repeat) for job in jobs]
    once = ["fast, 7.2 GB", "fast, 24 GB", "trl"]
    assert names == [("limit", 0), *((name, 0) for name in once), *((name, 1) for name in once)]
    assert [job.name for job in train_speed_jobs.list_jobs(["fast"], [], 1, **SETTINGS)] == ["limit", "fast"]


def test_an_interrupted_benchmark_goes_on_and_tries_again_what_failed(tmp_path, monkeypatch):
    path, ran = tmp_path / "results.jsonl", []
    jobs = [make_job(repeat=repeat) for repeat in range(3)]
    lines = [make_training(repeat=0), make_result(repeat=1, error="no memory")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    def run_job(job, script, log, packages):
        ran.append(job.repeat)
        return make_training(repeat=job.repeat)

    monkeypatch.setattr(speed_jobs, "run_job", run_job)
    results = speed_jobs.run_missing(jobs, path, "train_speed_peers.py", lambda job: None)
    assert ran == [1, 2]
    assert speed_jobs.read_results(path, train_speed_jobs.Job) == results
    assert sorted(result["job"]["repeat"] for result in results) == [0, 1, 2]
    assert all(map(speed_jobs.is_measured, results))


def test_a_line_that_is_no_result_is_named(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(make_training()) + '\n{"arm": 1}\n', encoding="utf-8")
    with pytest.raises(UserError, match="line 2: expected a result"):
        speed_jobs.read_results(path, train_speed_jobs.Job)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("print('loading'); raise ValueError('no such layer')", "ValueError: no such layer"),
        ("import os; os._exit(9)", "ended with code 9 and no word"),
    ],
)
def test_a_job_that_fails_leaves_the_last_line_of_what_it_said(tmp_path, monkeypatch, program, error):
    (tmp_path / "train_speed_peers.py").write_text(program, encoding="utf-8")
    monkeypatch.setattr(speed_jobs, "HERE", tmp_path)
    log = tmp_path / "logs" / "trl.log"
    result = speed_jobs.run_job(make_job(), "train_speed_peers.py", log, packages="")
    assert result == {"job": asdict(make_job()), "error": error}
    assert ("loading" in log.read_text()) == ("loading" in program)


def test_the_packages_of_a_job_go_before_all_others(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "src")
    paths = speed_jobs.make_environment("folder", "packages")["PYTHONPATH"].split(os.pathsep)
    assert paths[0] == "packages" and str(ROOT / "src") in paths
    assert all(Path(path).is_absolute() for path in paths[1:])


def test_a_peer_that_is_not_installed_says_so(monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "unsloth" else find_spec(name)
    )
    result = train_speed_peers.measure(make_job("unsloth-no-checkpointing"))
    assert result == {"missing": "not installed: unsloth"}


def test_setup_is_all_that_is_not_steps_at_the_measured_speed(monkeypatch):
    # Two steps of warm-up end 20 s after the start; four timed ones take 12 s, so two would have taken 6.
    clock = iter([120.0, 132.0])
    monkeypatch.setattr(train_speed_peers, "STARTED", 100.0)
    monkeypatch.setattr(train_speed_peers, "read_clock", lambda: next(clock))
    meter = train_speed_peers.Meter(make_job(warm_up=2, steps=4))
    meter.begin()
    for _ in range(6):
        assert not meter.figures
        meter.finish_step()
    assert (meter.figures["seconds"], meter.figures["setup_seconds"]) == (12.0, 14.0)


def test_rows_carry_loss_on_the_answer_and_come_in_one_order_again_and_again(bases, rows):
    tokenizer = bases[LLAMA].tokenizer
    job = make_job(rows=str(rows), max_tokens=300, warm_up=1, steps=2)
    examples = train_speed_peers.read_examples(job, tokenizer)
    assert len(examples) == 24 and examples == train_speed_peers.read_examples(job, tokenizer)
    assert examples[:10] == examples[10:20] and examples[0] != examples[1]  # the eleventh row is too long
    for example in examples:
        answer = [label for label in example["labels"] if label != -100]
        assert example["input_ids"][-len(answer) :] == answer
        assert tokenizer.decode(answer) == "option_2" + tokenizer.eos_token
        assert example["input_ids"].count(tokenizer.bos_token_id) == 1


def test_rows_that_are_all_too_long_are_an_error(bases, rows):
    with pytest.raises(UserError, match="expected rows of at most 9 tokens, found none"):
        train_speed_peers.read_examples(make_job(rows=str(rows), max_tokens=9), bases[LLAMA].tokenizer)


@pytest.fixture(scope="module")
def small_config():
    """The shape of the benchmark's base, small: new at every call, since loading changes it."""

    def make():
        config = make_random_base.make_config(layers=2)
        sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
        for name, value in {**sizes, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 700}.items():
            setattr(config, name, value)
        config.bos_token_id = config.eos_token_id = 1
        return config

    return make


def test_the_base_in_nf4_is_that_of_the_same_weights_quantised_at_load(small_config, tmp_path):
    from transformers import LlamaForCausalLM

    from science_exam.training.config import BaseConfig
    from science_exam.training.model import load_base

    torch.manual_seed(7)
    train_speed_base.write_nf4_base(small_config(), tmp_path / "nf4")
    model = LlamaForCausalLM(small_config()).to(torch.bfloat16)
    torch.manual_seed(7)
    for parameter in model.parameters():
        parameter.data = train_speed_base.draw_weight(parameter.shape, model.config.initializer_range)
    model.save_pretrained(tmp_path / "bf16")
    made, quantised = (
        load_base(BaseConfig(path=str(tmp_path / name), dtype="bf16")) for name in ("nf4", "bf16")
    )
    assert [module.__class__ for module in made.modules()] == [
        module.__class__ for module in quantised.modules()
    ]
    ids = torch.arange(3, 40)[None]
    assert torch.equal(made(ids).logits, quantised(ids).logits)
    assert not torch.equal(made(ids).logits, model(ids).logits)


@pytest.fixture
def in_this_process(monkeypatch):
    """Scripts and their jobs run here: in processes of their own each would load the libraries again."""
    monkeypatch.setattr(sys, "argv", sys.argv)

    def run_here(command, cwd, stdout, **_):
        with contextlib.chdir(cwd), contextlib.redirect_stdout(stdout):
            run_file(*command[1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(speed_jobs, "subprocess", SimpleNamespace(run=run_here))


def test_peers_run_from_the_command_line_to_the_table_and_are_not_run_again(
    bases, rows, work, in_this_process, capsys
):
    words = ["--peers", "trl", "fast", "--warm-up", "1", "--steps", "2", "--max-tokens", "300"]
    run_file(SCRIPT, bases[LLAMA].folder, str(rows), *words)
    first = capsys.readouterr()
    limit, *trained = speed_jobs.read_results(work / "data" / "train_speed.jsonl", train_speed_jobs.Job)
    assert limit["flops_per_second"] > 0
    for result in trained:
        assert "error" not in result, result["error"]
        assert result["n_rows"] == 16 and result["n_tokens"] > 16
        assert result["seconds"] > 0 and result["setup_seconds"] > 0
    assert trained[0]["n_tokens"] == trained[1]["n_tokens"]
    assert "\n| trl | " in first.out and "\n| fast | " in first.out
    assert first.err.count("measured") == 3
    run_file(SCRIPT, bases[LLAMA].folder, str(rows), *words)
    again = capsys.readouterr()
    assert again.out == first.out and not again.err


def test_a_base_that_is_none_is_named(rows, work, in_this_process):
    with pytest.raises(SystemExit) as caught:
        run_file(SCRIPT, str(work), str(rows))
    expected = f"error: {work}: holds no config.json; make a base with benchmarks/train_speed_base.py"
    assert caught.value.code == expected
