import numpy as np
import pytest
import torch
from conftest import LLAMA, ONE_TOKEN_KINDS
from fast_networks import save_base

from science_exam.answering.decoding import decode_greedy, score_options
from science_exam.answering.packed import PackedReader
from science_exam.answering.padded import PaddedReader
from science_exam.prompt import encode_completions, encode_prompt, join_contexts
from science_exam.training.config import BaseConfig, LoraConfig
from science_exam.training.model import add_adapter, load_base


@pytest.fixture(scope="module")
def ask(bases, question_set):
    """Prompts of a few questions for a kind of tokenizer, and its options."""

    def asked(kind=LLAMA, n=6):
        tokenizer = bases[kind].tokenizer
        questions = join_contexts(question_set.questions.head(n), question_set.contexts, 2)
        return [encode_prompt(question, tokenizer, 600) for question in questions], encode_completions(
            tokenizer
        )

    return asked


def load(folder: str, quantization: str = "none", lora: bool = True):
    """A base with a random adapter that changes its answers."""
    model = load_base(BaseConfig(path=folder, quantization=quantization))
    if not lora:
        return model.eval()
    model = add_adapter(model, LoraConfig(r=4), seed=0)
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data.normal_(std=0.2)
    return model.eval()


@pytest.mark.parametrize("kind", ONE_TOKEN_KINDS)
@pytest.mark.parametrize("lora", [False, True])
def test_packed_rows_give_the_answers_of_constrained_decoding(bases, ask, kind, lora):
    prompts, options = ask(kind)
    model = load(bases[kind].folder, lora=lora)
    reader = PackedReader(model, options, torch.float32)
    scores = np.concatenate(reader.read([reader.group([prompt]) for prompt in prompts]))
    np.testing.assert_allclose(np.exp(scores), score_options(model, prompts, options), atol=1e-5)
    assert (scores.argmax(axis=1) + 1).tolist() == decode_greedy(model, prompts, options).tolist()


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2"])
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_every_architecture_it_reads_gives_the_librarys_numbers(tmp_path, architecture, quantization):
    model = load(save_base(tmp_path, architecture), quantization)
    prompts = [[5, 6, 7, 8], [9, 10, 11], [12] * 20]
    options = [[20, token, 2] for token in (30, 31, 32)]
    reader = PackedReader(model, options, torch.float32)
    scores = np.concatenate(reader.read([reader.group([prompt]) for prompt in prompts]))
    np.testing.assert_allclose(np.exp(scores), score_options(model, prompts, options), atol=1e-4)


def test_prompts_that_begin_alike_are_read_once_and_say_the_same(bases, ask):
    prompts, options = ask()
    model = load(bases[LLAMA].folder)
    reader = PackedReader(model, options, torch.float32)
    views = [prompts[0], [*prompts[0][:40], *prompts[1][40:]], [*prompts[0][:50], 3, 4]]
    group = reader.group(views)
    assert group.n_shared >= 40
    shared = reader.read([group, reader.group([prompts[2]]), reader.group(views[::-1])])
    apart = np.concatenate(reader.read([reader.group([prompt]) for prompt in [*views, prompts[2]]]))
    np.testing.assert_allclose(shared[0], apart[:3], atol=1e-5)
    np.testing.assert_allclose(shared[1], apart[3:], atol=1e-5)
    np.testing.assert_allclose(shared[2], apart[2::-1], atol=1e-5)


def test_what_is_read_together_and_in_which_order_changes_no_answer(bases, ask):
    prompts, options = ask(n=12)
    reader = PackedReader(load(bases[LLAMA].folder), options, torch.float32)
    groups = [reader.group([prompt]) for prompt in prompts]
    alone = np.concatenate([reader.read([group])[0] for group in groups])
    together = np.concatenate(reader.read(groups))
    backwards = np.concatenate(reader.read(groups[::-1]))[::-1]
    assert np.array_equal(alone.argmax(axis=1), together.argmax(axis=1))
    assert np.array_equal(alone.argmax(axis=1), backwards.argmax(axis=1))
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("kind", [PackedReader, PaddedReader])
def test_what_was_begun_before_something_else_keeps_its_numbers(bases, ask, kind):
    prompts, options = ask()
    reader = kind(load(bases[LLAMA].folder), options, torch.float32 if kind is PackedReader else 0)
    packs = [[reader.group([prompt]) for prompt in some] for some in (prompts[:4], prompts[4:])] * 6
    readings = []
    for pack in packs:  # a GPU has them all before it is done with the first
        readings.append(reader.start(pack))
        reader.start(pack[::-1])  # nobody waits for these: their memory is free for the next
    found = [np.concatenate(reading.finish()) for reading in readings]
    assert all(reading.is_done for reading in readings)
    for pack, scores in zip(packs, found, strict=True):
        assert np.array_equal(scores, np.concatenate(reader.read(pack)))


def test_adapters_take_turns_on_one_base(bases, ask):
    prompts, options = ask()
    model = load(bases[LLAMA].folder)
    model.add_adapter("other", model.peft_config["default"])
    for name, weight in model.named_parameters():
        if ".other." in name:
            weight.data.normal_(std=0.3)
    reader = PackedReader(model, options, torch.float32)
    groups = [reader.group([prompt]) for prompt in prompts]
    for adapter in ("default", "other", "default"):
        reader.use(adapter)
        model.set_adapter(adapter)
        found = np.exp(np.concatenate(reader.read(groups)))
        np.testing.assert_allclose(found, score_options(model, prompts, options), atol=1e-5)


def test_an_exact_reading_has_the_numbers_of_fp32(bases, ask):
    prompts, options = ask()
    model = load_base(BaseConfig(path=bases[LLAMA].folder, quantization="none", dtype="bf16")).eval()
    reader = PackedReader(model, options, torch.bfloat16)
    groups = [reader.group([prompt]) for prompt in prompts]
    rounded, exact = (np.concatenate(reader.read(groups, exactly)) for exactly in (False, True))
    expected = np.log(score_options(model.float(), prompts, options))
    np.testing.assert_allclose(exact, expected, atol=1e-5)
    assert 0 < abs(rounded - expected).max() < 0.1
