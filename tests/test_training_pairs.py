import json
from pathlib import Path

import pytest
import torch
from conftest import GPT2, KINDS, LLAMA
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.runs import Run
from science_exam.training.config import BaseConfig
from science_exam.training.model import load_base
from science_exam.training.pairs import Pair, encode_pairs, read_pairs, split_pairs
from science_exam.training.scoring import score_rows

pytestmark = pytest.mark.usefixtures("no_collection")

LINE = '{"prompt": "Name a noble gas:", "completion": " Neon"}'


@pytest.fixture
def write(tmp_path):
    """Write a file of lines (text or bytes); returns its path."""

    def written(*lines, end=b"\n"):
        path = tmp_path / "pairs.jsonl"
        path.write_bytes(end.join(line.encode() if isinstance(line, str) else line for line in lines))
        return path

    return written


def refusal(path) -> str:
    with pytest.raises(UserError) as caught:
        read_pairs(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def make_pairs(*groups):
    return [Pair(f"prompt {i}", "answer", str(group), f"line {i}") for i, group in enumerate(groups)]


def test_prompts_and_completions_are_read_to_the_letter(write):
    records = [
        {"prompt": "  Two\u2028lines\n", "completion": "\tyes ", "id": 7},
        {"prompt": "Again", "completion": "42", "group": 3},
        {"prompt": "Again", "completion": "43", "group": "3"},
        {"prompt": "Again", "completion": "44", "group": None},
    ]
    path = write(*[json.dumps(record, ensure_ascii=False) for record in records], "")
    pairs = read_pairs(path)
    assert [(pair.prompt, pair.completion) for pair in pairs] == [
        (record["prompt"], record["completion"]) for record in records
    ]
    assert [pair.group for pair in pairs[1:]] == ["group 3", "group 3", "prompt Again"]
    assert pairs[2].place == f"{path}: line 3"


def test_a_byte_order_mark_carriage_returns_and_empty_lines_are_no_content(write):
    pairs = read_pairs(write(b"\xef\xbb\xbf" + LINE.encode(), "", "  ", LINE, end=b"\r\n"))
    assert [pair.place.rpartition(" ")[2] for pair in pairs] == ["1", "4"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "line 2: expected a JSON object: "),
        ("[1, 2]", "line 2: expected a JSON object, found [1, 2]"),
        ("null", "line 2: expected a JSON object, found None"),
        (b'{"prompt": "caf\xe9", "completion": "x"}', "line 2: expected UTF-8, found byte 0xe9"),
        ('{"completion": "x"}', "line 2, field prompt: expected text, found nothing"),
        ('{"prompt": "x"}', "line 2, field completion: expected text, found nothing"),
        ('{"prompt": "x", "completion": ""}', "line 2, field completion: expected text, found nothing"),
        ('{"prompt": "x", "completion": " \\n"}', "line 2, field completion: expected text, found ' \\n'"),
        ('{"prompt": 5, "completion": "x"}', "line 2, field prompt: expected text, found 5"),
        ('{"prompt": ["x"], "completion": "x"}', "line 2, field prompt: expected text, found ['x']"),
        ('{"prompt": "\\ud800", "completion": "x"}', "line 2, field prompt: expected text, found half"),
        ('{"prompt": "x", "completion": "y", "group": [1]}', "line 2, field group: expected text or a whole"),
        (
            '{"prompt": "x", "completion": "y", "group": true}',
            "line 2, field group: expected text or a whole",
        ),
        pytest.param("[" * 100_000, "line 2: expected a JSON object: ", id="deep"),
        pytest.param('{"prompt": ' + "9" * 5000 + "}", "line 2: expected a JSON object: ", id="a number"),
    ],
)
def test_a_line_that_is_none_is_named_with_file_line_and_field(write, line, expected):
    path = write(LINE, line, LINE)
    assert f"{path}: {expected}" in refusal(path)


def test_a_file_that_is_not_there_or_empty_is_refused(write, tmp_path):
    assert "no such file" in refusal(tmp_path / "nothing.jsonl")
    assert "no such file" in refusal(tmp_path)
    assert "found no line" in refusal(write("", " "))


@settings(deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_pairs_or_one_clear_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("wild") / "pairs.jsonl"
    path.write_bytes(data)
    try:
        read_pairs(path)
    except UserError as error:
        assert str(path) in str(error)


@settings(deadline=None)
@given(
    groups=st.lists(st.integers(0, 9), min_size=2, max_size=40).filter(lambda groups: len(set(groups)) > 1),
    fraction=st.floats(0.01, 0.4),
    seed=st.integers(0, 3),
)
def test_whole_groups_are_held_out_and_every_row_is_in_one_part(groups, fraction, seed):
    pairs = make_pairs(*groups)
    try:
        rest, held_out = split_pairs(pairs, fraction, seed)
    except UserError:
        assert len(set(groups)) < 10  # one group more would have been one too many
        return
    assert sorted(rest + held_out, key=pairs.index) == pairs
    assert not {pair.group for pair in rest} & {pair.group for pair in held_out}
    assert len(held_out) >= fraction * len(pairs) > 0
    assert rest


def test_rows_of_one_group_cannot_be_divided():
    with pytest.raises(UserError, match=r"held_out_fraction=0\.1: expected rows of several groups"):
        split_pairs(make_pairs(1, 1, 1), 0.1, seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_on_the_completion_and_the_end(bases, kind):
    tokenizer = bases[kind].tokenizer
    [row] = encode_pairs([Pair("What is the symbol of Neon?", " Ne 10", "g", "p")], tokenizer, 100)
    start = row["completion_mask"].index(1)
    assert row["completion_mask"] == [0] * start + [1] * (len(row["input_ids"]) - start)
    assert row["input_ids"][:start] == tokenizer("What is the symbol of Neon?")["input_ids"]
    assert tokenizer.decode(row["input_ids"][start:-1]).strip() == "Ne 10"
    assert row["input_ids"][-1] == tokenizer.eos_token_id


def test_a_closing_token_behind_the_prompt_is_taken_away(bases):
    class Closing:
        eos_token_id = bases[LLAMA].tokenizer.eos_token_id

        def __call__(self, texts, add_special_tokens=True):
            ids = bases[LLAMA].tokenizer(texts, add_special_tokens=add_special_tokens)["input_ids"]
            return {"input_ids": [[*own, self.eos_token_id] if add_special_tokens else own for own in ids]}

    pairs = [Pair("Symbol of Neon?", " Ne", "g", "p")]
    assert encode_pairs(pairs, Closing(), 100) == encode_pairs(pairs, bases[LLAMA].tokenizer, 100)


def test_a_row_that_does_not_fit_is_named_and_never_cut(bases):
    tokenizer = bases[LLAMA].tokenizer
    pair = Pair("Symbol of Neon?", " Ne", "g", "pairs.jsonl: line 7")
    [row] = encode_pairs([pair], tokenizer, 100)
    n_tokens = len(row["input_ids"])
    assert encode_pairs([pair], tokenizer, n_tokens) == [row]
    with pytest.raises(
        UserError, match=rf"pairs\.jsonl: line 7: has {n_tokens} tokens .*at most {n_tokens - 1};"
    ):
        encode_pairs([pair], tokenizer, n_tokens - 1)


@pytest.fixture
def rows(bases):
    texts = [("Symbol of Neon?", " Ne"), ("Number of Iron, a metal?", " 26"), ("Symbol?", " It is Fe")]
    return encode_pairs([Pair(*text, "g", "p") for text in texts], bases[LLAMA].tokenizer, 100)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_the_loss_is_the_mean_over_the_tokens_of_the_completions(bases, rows, batch_size):
    model = load_base(BaseConfig(path=bases[LLAMA].folder, quantization="none"))
    losses = []
    for row in rows:
        ids = torch.tensor([row["input_ids"]])
        with torch.no_grad():
            log_probabilities = torch.log_softmax(model(ids).logits[0].double(), dim=-1)
        for place in range(row["completion_mask"].index(1), ids.shape[1]):
            losses.append(-float(log_probabilities[place - 1, ids[0, place]]))
    scores = score_rows(model, rows, batch_size, 0, None)
    assert scores["loss"] == pytest.approx(sum(losses) / len(losses), abs=1e-5)


@pytest.mark.parametrize("kind", [LLAMA, GPT2])
def test_exact_match_is_what_greedy_decoding_gives(bases, kind):
    tokenizer = bases[kind].tokenizer
    model = load_base(BaseConfig(path=bases[kind].folder, quantization="none"))
    made = []
    for n_prompt, n_new, spoilt in ((5, 3, False), (9, 1, False), (4, 6, True)):
        prompt = torch.arange(3, 3 + n_prompt)[None]
        ids = model.generate(prompt, max_new_tokens=n_new, do_sample=False, eos_token_id=-1)[0].tolist()
        if spoilt:
            ids[-2] += 1
        made.append({"input_ids": ids, "completion_mask": [0] * n_prompt + [1] * (len(ids) - n_prompt)})
    for rows, expected in ((made, 2 / 3), (made[:2], 1.0), (made[2:], 0.0)):
        assert score_rows(model, rows, 2, tokenizer.pad_token_id, None)["exact_match"] == expected


@pytest.mark.slow
def test_pairs_are_trained_scored_and_skipped_the_second_time(bases, work, run_script, capsys):
    capitals = "Peru Lima,Chad N'Djamena,Cuba Havana,Iran Tehran,Mali Bamako,Oman Muscat,Togo Lome,Fiji Suva"
    path = Path("capitals.jsonl")
    records = [line.split() for line in capitals.split(",")]
    path.write_text(
        "".join(
            json.dumps({"prompt": f"{land}: {way}", "completion": f" {city}", "group": land}) + "\n"
            for land, city in records
            for way in ("capital?", "which city?")
        )
    )
    words = (
        f"data={path} run=capitals base.path={bases[LLAMA].folder} max_tokens=64 epochs=8 report_to=none "
        "learning_rate=1e-2 held_out_fraction=0.25 warmup_steps=0"
    ).split()
    assert run_script("train", *words) == 0
    folder = Path("data/runs/capitals/pairs")
    manifest = json.loads((folder / "manifest.json").read_text())
    scores = manifest["results"]["scores"]
    assert scores["after training"]["loss"] < scores["before training"]["loss"]
    assert manifest["results"]["training"]["n_rows"] == 12
    assert (folder / "adapter/adapter_model.safetensors").is_file()
    report = capsys.readouterr().out
    assert "4 held-out rows; trained on 12" in report
    assert f"| after training | {scores['after training']['loss']:.4f} |" in report
    assert run_script("train", *words) == 0
    assert "4 held-out rows" in capsys.readouterr().out
    assert run_script("train", *words, "lora.r=4") == 2
    assert "lora.r 16 -> 4" in capsys.readouterr().err
    path.write_text(path.read_text() + "{}\n")
    assert run_script("train", *words) == 2
    assert f"{path}: line 17, field prompt: expected text" in capsys.readouterr().err


def test_a_killed_training_ends_as_if_nothing_had_happened(bases, work, run_script, monkeypatch, capsys):
    Path("sums.jsonl").write_text(
        "".join(json.dumps({"prompt": f"{a} + 1 =", "completion": f" {a + 1}"}) + "\n" for a in range(20))
    )
    words = (
        f"data=sums.jsonl base.path={bases[LLAMA].folder} max_tokens=64 max_steps=4 checkpoint_steps=1 "
        "report_to=none learning_rate=1e-2 batch_size=2 accumulation_steps=1"
    ).split()
    write_metrics = Run.write_metrics

    def write_until_killed(run, records):
        write_metrics(run, records)
        if records[-1]["step"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "write_metrics", write_until_killed)
        assert run_script("train", "run=killed", *words) == 130
    assert run_script("train", "run=killed", *words) == 0
    assert run_script("train", "run=whole", *words) == 0
    killed, whole = (Path("data/runs") / run / "pairs" for run in ("killed", "whole"))
    assert (killed / "report.md").read_text() == (whole / "report.md").read_text()
    assert not (killed / "checkpoints").exists()
