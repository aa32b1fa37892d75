"""A base that is streamed layer by layer says what the whole base says, and holds two layers."""

import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import LLAMA
from streamed_bases import (
    ARCHITECTURES,
    N_LAYERS,
    OPTIONS,
    draw_prompts,
    quantize_base,
    save_base,
    train_adapter,
)

from science_exam.answering.decoding import score_options
from science_exam.answering.prefetch import Prefetcher
from science_exam.answering.streaming import StreamedBase
from science_exam.errors import UserError
from science_exam.questions.store import write_question_set
from science_exam.tables import PREDICTIONS, PROBABILITY_COLUMNS, read_table
from science_exam.training.config import BaseConfig
from science_exam.training.hollow import HollowBase, load_hollow_base
from science_exam.training.model import load_adapter, load_base

CPU = torch.device("cpu")
PROMPTS = draw_prompts()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folder of an architecture's base."""
    folders = {}

    def save(architecture: str = "Llama") -> str:
        if architecture not in folders:
            folders[architecture] = save_base(tmp_path_factory.mktemp(architecture), architecture)
        return folders[architecture]

    return save


def score_whole(base: BaseConfig, adapter: Path | None = None, prompts=PROMPTS, batch_size=4) -> np.ndarray:
    model = load_base(base).eval()
    if adapter is not None:
        model = load_adapter(model, adapter)
    return score_options(model, prompts, OPTIONS, batch_size)


def stream(base: BaseConfig, adapter: Path | None = None, **settings) -> StreamedBase:
    return StreamedBase(load_hollow_base(base, adapter), **settings)


def assert_same(streamed: np.ndarray, whole: np.ndarray, atol: float = 1e-6) -> None:
    np.testing.assert_allclose(streamed, whole, atol=atol)
    assert streamed.argmax(axis=1).tolist() == whole.argmax(axis=1).tolist()
    assert len(set(whole.argmax(axis=1))) > 1  # else the agreement says little


@pytest.mark.parametrize(
    ("architecture", "quantization"),
    [*((name, kind) for name in ARCHITECTURES for kind in ("none", "nf4")), ("Llama", "fp4")],
)
def test_answers_are_those_of_the_whole_base(saved, architecture, quantization):
    base = BaseConfig(path=saved(architecture), quantization=quantization)
    assert_same(stream(base).score_options(PROMPTS, OPTIONS, 4), score_whole(base))


@pytest.mark.parametrize(
    ("architecture", "double_quantization"), [*((name, True) for name in ARCHITECTURES), ("Llama", False)]
)
def test_a_base_that_is_stored_in_4_bits_is_used_as_it_is(saved, tmp_path, architecture, double_quantization):
    settings = {"quantization": "nf4", "double_quantization": double_quantization}
    base = BaseConfig(path=quantize_base(tmp_path, saved(architecture), **settings), quantization="none")
    assert_same(stream(base).score_options(PROMPTS, OPTIONS, 4), score_whole(base))


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize(
    ("stored", "dtype"),
    [(torch.float16, "fp32"), (torch.bfloat16, "bf16"), (torch.float16, "bf16"), (torch.float32, "bf16")],
)
def test_weights_of_any_type_are_computed_in_any_other(tmp_path, stored, dtype, quantization):
    base = BaseConfig(path=save_base(tmp_path, dtype=stored), quantization=quantization, dtype=dtype)
    # In bf16 the head may round the five tokens' logits otherwise than those of the whole vocabulary.
    streamed, atol = stream(base).score_options(PROMPTS, OPTIONS, 4), 1e-6 if dtype == "fp32" else 0.02
    assert_same(streamed, score_whole(base), atol)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize(
    "lora", [{}, {"rslora": True}, {"targets": ("q_proj", "down_proj")}], ids=["all", "rslora", "some"]
)
def test_an_adapter_is_put_on_every_layer_as_it_comes(saved, tmp_path, quantization, lora):
    base = BaseConfig(path=saved(), quantization=quantization)
    adapter = train_adapter(tmp_path / "adapter", base, **lora)
    streamed = stream(base, adapter).score_options(PROMPTS, OPTIONS, 4)
    assert_same(streamed, score_whole(base, adapter))
    assert np.abs(streamed - score_whole(base)).max() > 0.01


@pytest.mark.parametrize("architecture", ["Gemma2", "Phi3"])
def test_an_adapter_fits_other_architectures_stored_in_4_bits(saved, tmp_path, architecture):
    base = BaseConfig(path=quantize_base(tmp_path / "base", saved(architecture)))
    adapter = train_adapter(tmp_path / "adapter", base)
    assert_same(stream(base, adapter).score_options(PROMPTS, OPTIONS, 4), score_whole(base, adapter))


def test_an_adapter_of_a_base_in_bf16_stays_in_fp32(saved, tmp_path):
    base = BaseConfig(path=saved(), quantization="nf4", dtype="bf16")
    adapter = train_adapter(tmp_path / "adapter", base)
    assert_same(stream(base, adapter).score_options(PROMPTS, OPTIONS, 4), score_whole(base, adapter), 0.02)


def test_dora_is_streamed_in_16_bits_and_refused_in_4(saved, tmp_path):
    base = BaseConfig(path=saved(), quantization="none")
    adapter = train_adapter(tmp_path / "adapter", base, dora=True)
    assert_same(stream(base, adapter).score_options(PROMPTS, OPTIONS, 4), score_whole(base, adapter))
    with pytest.raises(UserError, match=r"lora\.dora=true"):
        load_hollow_base(BaseConfig(path=saved(), quantization="nf4"), adapter)


@pytest.mark.parametrize("quantization", [None, "nf4"])
def test_a_base_in_several_files_is_the_same_base(saved, tmp_path, quantization):
    if quantization:
        folder = quantize_base(tmp_path, saved(), shard="30KB")
    else:
        folder = save_base(tmp_path, shard="100KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    whole = score_whole(BaseConfig(path=saved(), quantization=quantization or "none"))
    base = BaseConfig(path=folder, quantization="none")
    assert_same(stream(base).score_options(PROMPTS, OPTIONS, 4), whole)


def test_batches_and_the_order_of_the_prompts_change_nothing(saved):
    streamed = stream(BaseConfig(path=saved(), quantization="none"))
    singly = streamed.score_options(PROMPTS, OPTIONS, 1)
    order = np.random.default_rng(0).permutation(len(PROMPTS))
    for batch_size in (3, 64):
        shuffled = streamed.score_options([PROMPTS[row] for row in order], OPTIONS, batch_size, pad_id=9)
        np.testing.assert_allclose(shuffled, singly[order], atol=1e-5)


def test_no_prompts_give_no_rows_and_one_option_is_certain(saved):
    streamed = stream(BaseConfig(path=saved(), quantization="none"))
    assert streamed.score_options([], OPTIONS).shape == (0, 5)
    np.testing.assert_allclose(streamed.score_options(PROMPTS[:2], OPTIONS[:1]), 1)


def count_reads(monkeypatch) -> list[int]:
    """The numbers of the layers that are read from now on."""
    numbers, read = [], HollowBase.read_layer
    monkeypatch.setattr(
        HollowBase, "read_layer", lambda base, number, out: numbers.append(number) or read(base, number, out)
    )
    return numbers


def test_every_layer_is_read_once_for_all_questions(saved, monkeypatch):
    numbers = count_reads(monkeypatch)
    stream(BaseConfig(path=saved(), quantization="none")).score_options(PROMPTS, OPTIONS, 2)
    assert numbers == list(range(N_LAYERS))


# A batch of four prompts takes up to 4 x 62 x 64 x 4 = 63 kB, masks and positions not counted.
@pytest.mark.parametrize(
    ("card_gb", "host_gb", "n_passes"), [(1e-9, 0, 4), (1e-9, 1, 1), (9e-5, 1e-9, 4), (1, 0, 1)]
)
def test_what_finds_no_room_waits_elsewhere_or_for_another_pass(
    saved, monkeypatch, card_gb, host_gb, n_passes
):
    base, numbers = BaseConfig(path=saved("Gemma2"), quantization="none"), count_reads(monkeypatch)
    streamed = stream(base, memory_budget_gb=card_gb, host_memory_gb=host_gb)
    assert_same(streamed.score_options(PROMPTS, OPTIONS, 4), score_whole(base))
    if n_passes == 1:
        assert len(numbers) == N_LAYERS
    else:
        assert N_LAYERS < len(numbers) <= n_passes * N_LAYERS
    assert numbers == list(range(N_LAYERS)) * (len(numbers) // N_LAYERS)


def test_questions_that_are_done_leave_their_room_to_the_next(saved, monkeypatch):
    opened, alive_at_opening, open_batch = [], [], StreamedBase._open

    def count(*arguments):
        alive_at_opening.append(sum(reference() is not None for reference in opened))
        batch = open_batch(*arguments)
        opened.append(weakref.ref(batch))
        return batch

    monkeypatch.setattr(StreamedBase, "_open", count)
    streamed = stream(BaseConfig(path=saved(), quantization="none"), memory_budget_gb=1e-9)
    streamed.score_options(PROMPTS, OPTIONS, 4)
    # Each lot is one batch, and the next batch finds no room beside it.
    assert alive_at_opening == [0, 1] * 3 + [0]


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_two_devices_divide_the_questions(saved, tmp_path, monkeypatch, quantization):
    base = BaseConfig(path=saved(), quantization=quantization)
    adapter, numbers = train_adapter(tmp_path / "adapter", base), count_reads(monkeypatch)
    whole = score_whole(base, adapter)
    streamed = stream(base, adapter, devices=[CPU, CPU])
    assert_same(streamed.score_options(PROMPTS, OPTIONS, 4), whole)
    assert numbers == list(range(N_LAYERS))  # the files are read once for both
    tight = stream(base, adapter, devices=[CPU, CPU], memory_budget_gb=1e-4)
    assert_same(tight.score_options(PROMPTS, OPTIONS, 4), whole)


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_weights_of_no_more_than_two_layers_are_alive(saved, monkeypatch, quantization):
    alive, most, lock = {}, [0], threading.Lock()
    build = HollowBase.build_layer

    def drop(key: int) -> None:
        with lock:
            alive.pop(key)

    def count(base, number, layer_bytes):
        weights = build(base, number, layer_bytes)
        with lock:
            for tensor in weights.values():
                alive[id(tensor)] = tensor.nbytes
                weakref.finalize(tensor, drop, id(tensor))
            most[0] = max(most[0], sum(alive.values()))
        return weights

    monkeypatch.setattr(HollowBase, "build_layer", count)
    base = BaseConfig(path=saved(), quantization=quantization)
    hollow = load_hollow_base(base)
    StreamedBase(hollow).score_options(PROMPTS, OPTIONS, 4)
    first = build(hollow, 0, torch.zeros(hollow.layer_bytes, dtype=torch.uint8))
    assert most[0] == 2 * sum(tensor.nbytes for tensor in first.values())
    assert alive == {}
    empty = [*hollow.shell.parameters(), *(p for layer in hollow.layers for p in layer.parameters())]
    assert {parameter.device.type for parameter in empty} == {"meta"}


def test_the_next_layer_is_read_while_one_computes(saved, monkeypatch):
    hollow = load_hollow_base(BaseConfig(path=saved(), quantization="none"))
    begun = [threading.Event() for _ in hollow.layers]
    read = hollow.read_layer
    monkeypatch.setattr(hollow, "read_layer", lambda number, out: begun[number].set() or read(number, out))

    def advance(number, weights):
        assert all(event.is_set() for event in begun[: number + 1])
        if number + 1 < len(begun):
            assert begun[number + 1].wait(timeout=30)
        assert not any(event.is_set() for event in begun[number + 2 :])

    Prefetcher(hollow, [CPU]).run(advance)
    assert all(event.is_set() for event in begun)


def test_options_that_part_at_several_tokens_are_refused(saved):
    streamed = stream(BaseConfig(path=saved(), quantization="none"))
    with pytest.raises(UserError, match="part at one token"):
        streamed.score_options(PROMPTS, [[7, 20, 0], [7, 21, 22, 0], [7, 21, 23, 0]])


@pytest.fixture
def run(bases, work, question_set) -> Path:
    """A finished run on a 4-bit base, in a working folder with a question set."""
    folder = Path("data/runs/tiny/fold0")
    base = BaseConfig(path=bases[LLAMA].folder)
    train_adapter(work / folder / "adapter", base)
    settings = {"base": {"path": base.path}, "run": "tiny", "max_contexts": 1, "max_tokens": 600}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    for name in ("inputs.json", "manifest.json"):
        (folder / name).write_text("{}")
    write_question_set(question_set, Path("data/questions/exam"))
    return folder


def test_predictions_are_the_same_with_streaming(run, run_script):
    words = [f"run={run}", "questions=data/questions/exam"]
    assert run_script("predict", *words, "out=whole") == 0
    budgets = ["memory_budget_gb=0.001", "host_memory_gb=0.001"]
    assert run_script("predict", *words, "out=streamed", "streaming=true", *budgets) == 0
    whole, streamed = (
        read_table(PREDICTIONS, Path(name) / "predictions.parquet") for name in ("whole", "streamed")
    )
    columns = list(PROBABILITY_COLUMNS)
    np.testing.assert_allclose(streamed[columns], whole[columns], atol=1e-6)
    assert Path("streamed/submission.csv").read_text() == Path("whole/submission.csv").read_text()
    # How the answers were made is no other setting: they are there already.
    assert run_script("predict", *words, "out=streamed") == 0


def test_what_fails_under_way_leaves_nothing(run, run_script, capsys, monkeypatch):
    def fail(base, number, out):
        raise UserError(f"layer {number}: a file is gone")

    monkeypatch.setattr(HollowBase, "read_layer", fail)
    words = [f"run={run}", "questions=data/questions/exam", "streaming=true"]
    assert run_script("predict", *words, "out=streamed") == 2
    assert "layer 0: a file is gone" in capsys.readouterr().err
    assert not Path("streamed").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["memory_budget_gb=3"], "memory_budget_gb: expected streaming=true too"),
        (["streaming=true", "host_memory_gb=-1"], "host_memory_gb: expected 0 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(work, run_script, capsys, words, message):
    assert run_script("predict", *words) == 2
    assert message in capsys.readouterr().err
