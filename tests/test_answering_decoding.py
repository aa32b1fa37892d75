from contextlib import contextmanager
from itertools import takewhile

import numpy as np
import pytest
import torch
from conftest import GPT2, KINDS, LLAMA, ONE_TOKEN_KINDS, SCATTERED
from transformers import GPT2Config, GPT2LMHeadModel

from science_exam.answering.decoding import decode_greedy, score_options
from science_exam.prompt import encode_completions, join_contexts
from science_exam.training.config import BaseConfig
from science_exam.training.model import load_base

# int8 is left out: its outlier columns are chosen a batch, so its numbers depend on the company.
MODELS = [*((kind, "none") for kind in KINDS), (LLAMA, "nf4"), (GPT2, "nf4")]
ONE_TOKEN_MODELS = [(kind, quantization) for kind, quantization in MODELS if kind != SCATTERED]


@pytest.fixture(scope="module")
def load(bases):
    """(kind, quantization) -> model in eval mode, tokenizer; loaded once."""
    loaded = {}

    def get(kind, quantization="none"):
        if (kind, quantization) not in loaded:
            base = BaseConfig(path=bases[kind].folder, quantization=quantization)
            loaded[kind, quantization] = load_base(base).eval()
        return loaded[kind, quantization], bases[kind].tokenizer

    return get


@pytest.fixture(scope="module")
def prompts(bases, question_set):
    """Kind -> ids of 40 prompts of unlike lengths; without the instruction, which only costs time."""
    asked = join_contexts(question_set.questions, question_set.contexts, 2)
    texts = [" ".join([*question.contexts[: n % 3], question.prompt]) for n, question in enumerate(asked)]
    return {kind: base.tokenizer(texts)["input_ids"] for kind, base in bases.items()}


def log_probabilities(model, ids: list[int]) -> torch.Tensor:
    """(tokens, vocab) of one unpadded row by a plain forward pass."""
    with torch.no_grad():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)


def shared_start(options: list[list[int]]) -> list[int]:
    """The tokens that all options begin with."""
    places = zip(*options, strict=False)
    return [tokens[0] for tokens in takewhile(lambda tokens: len(set(tokens)) == 1, places)]


@contextmanager
def shouting(model, token: int):
    """The model with one token's logit raised above everything."""

    def shout(module, inputs, logits):
        logits = logits.clone()
        logits[..., token] += 1_000
        return logits

    hook = model.get_output_embeddings().register_forward_hook(shout)
    try:
        yield
    finally:
        hook.remove()


def score(model, tokenizer, prompts, batch_size=8):
    return score_options(model, prompts, encode_completions(tokenizer), batch_size, tokenizer.pad_token_id)


@pytest.mark.parametrize(("kind", "quantization"), ONE_TOKEN_MODELS)
def test_the_likeliest_option_is_the_one_greedy_decoding_reaches(load, prompts, kind, quantization):
    model, tokenizer = load(kind, quantization)
    options = encode_completions(tokenizer)
    greedy = decode_greedy(model, prompts[kind], options, 8, tokenizer.pad_token_id)
    likeliest = score(model, tokenizer, prompts[kind]).argmax(axis=1) + 1
    assert greedy.tolist() == likeliest.tolist()
    assert len(set(greedy)) > 1  # else the agreement says little


@pytest.mark.parametrize(("kind", "quantization"), ONE_TOKEN_MODELS)
def test_probabilities_are_the_softmax_over_the_deciding_tokens_of_single_rows(
    load, prompts, kind, quantization
):
    model, tokenizer = load(kind, quantization)
    options = encode_completions(tokenizer)
    forced = shared_start(options)
    deciding = [option[len(forced)] for option in options]
    assert len(set(deciding)) == 5
    asked = prompts[kind][::4]
    expected = [
        torch.softmax(log_probabilities(model, [*ids, *forced])[-1, deciding], dim=0).numpy() for ids in asked
    ]
    np.testing.assert_allclose(score(model, tokenizer, asked), expected, atol=1e-5)


def test_options_that_part_at_several_places_rank_by_mean_log_probability(load, prompts):
    model, tokenizer = load(SCATTERED)
    asked = prompts[SCATTERED][::4]
    expected = []
    for ids in asked:
        means = []
        for option in encode_completions(tokenizer):
            rows = log_probabilities(model, [*ids, *option])[len(ids) - 1 : -1]  # (option tokens, vocab)
            means.append(
                sum(float(row[token]) for row, token in zip(rows, option, strict=True)) / len(option)
            )
        expected.append(np.exp(means) / np.exp(means).sum())
    np.testing.assert_allclose(score(model, tokenizer, asked), expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "quantization"), MODELS)
def test_batch_size_and_padding_change_nothing(load, prompts, kind, quantization):
    model, tokenizer = load(kind, quantization)
    lengths = {len(ids) for ids in prompts[kind]}
    assert len(lengths) > 5  # so that rows are padded
    singly = score(model, tokenizer, prompts[kind], batch_size=1)
    options = encode_completions(tokenizer)
    answers = decode_greedy(model, prompts[kind], options, 1, tokenizer.pad_token_id)
    for batch_size in (8, 32):
        batched = score(model, tokenizer, prompts[kind], batch_size)
        np.testing.assert_allclose(batched, singly, atol=1e-5)
        again = decode_greedy(model, prompts[kind], options, batch_size, tokenizer.pad_token_id)
        assert again.tolist() == answers.tolist()


def test_padded_rows_keep_their_positions(bases, prompts):
    # Rotary positions are relative and forgive a shift; learned ones do not.
    tokenizer = bases[GPT2].tokenizer
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=1, n_head=2, initializer_range=0.3)
    model, asked = GPT2LMHeadModel(config).eval(), prompts[GPT2][:8]
    options = encode_completions(tokenizer)
    singly = score(model, tokenizer, asked, batch_size=1)
    np.testing.assert_allclose(score(model, tokenizer, asked, batch_size=8), singly, atol=1e-5)
    greedy = [decode_greedy(model, asked, options, n, tokenizer.pad_token_id).tolist() for n in (1, 8)]
    assert greedy[0] == greedy[1] == (singly.argmax(axis=1) + 1).tolist()


def test_any_token_may_pad(load, prompts):
    model, tokenizer = load(LLAMA)
    options = encode_completions(tokenizer)
    padded = [score_options(model, prompts[LLAMA][:9], options, 9, pad_id) for pad_id in (0, 1, 333)]
    np.testing.assert_allclose(padded[1], padded[0], atol=1e-6)
    np.testing.assert_allclose(padded[2], padded[0], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_wants_to_say_something_else_still_answers_the_same(load, prompts, kind):
    model, tokenizer = load(kind)
    asked, options = prompts[kind][:6], encode_completions(tokenizer)
    stranger = tokenizer(" element", add_special_tokens=False)["input_ids"][-1]
    assert not any(stranger in option for option in options)
    quiet = score(model, tokenizer, asked)
    greedy = decode_greedy(model, asked, options, 4, tokenizer.pad_token_id)
    with shouting(model, stranger):
        loud = score(model, tokenizer, asked)
        assert decode_greedy(model, asked, options, 4, tokenizer.pad_token_id).tolist() == greedy.tolist()
    assert set(greedy) <= {1, 2, 3, 4, 5}
    np.testing.assert_allclose(loud.sum(axis=1), 1)
    if kind != SCATTERED:  # there options of unlike length share the shouting unequally
        np.testing.assert_allclose(loud, quiet, atol=1e-9)


@pytest.mark.parametrize("kind", ONE_TOKEN_KINDS)
def test_a_model_that_wants_to_end_or_to_say_one_option_is_heard_only_in_its_choice(load, prompts, kind):
    model, tokenizer = load(kind)
    asked, options = prompts[kind][:3], encode_completions(tokenizer)
    decision = len(shared_start(options))
    with shouting(model, tokenizer.eos_token_id):
        assert set(decode_greedy(model, asked, options, 3, tokenizer.pad_token_id)) <= {1, 2, 3, 4, 5}
    with shouting(model, options[3][decision]):
        assert decode_greedy(model, asked, options, 3, tokenizer.pad_token_id).tolist() == [4, 4, 4]
        np.testing.assert_allclose(score(model, tokenizer, asked)[:, 3], 1)


def test_results_come_in_the_order_of_the_prompts(load, prompts):
    model, tokenizer = load(LLAMA)
    order = np.random.default_rng(0).permutation(40)
    straight = score(model, tokenizer, prompts[LLAMA])
    shuffled = score(model, tokenizer, [prompts[LLAMA][row] for row in order])
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-6)


@pytest.mark.parametrize("kind", [LLAMA, SCATTERED])
def test_rows_are_float64_probabilities(load, prompts, kind):
    model, tokenizer = load(kind)
    scores = score(model, tokenizer, prompts[kind][:3])
    assert scores.shape == (3, 5)
    assert scores.dtype == np.float64
    assert (scores > 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_no_prompts_give_no_rows(load):
    model, tokenizer = load(LLAMA)
    assert score(model, tokenizer, []).shape == (0, 5)
    assert decode_greedy(model, [], encode_completions(tokenizer)).shape == (0,)


def test_options_of_any_number_and_length_are_ranked(load, prompts):
    model, _ = load(LLAMA)
    asked = prompts[LLAMA][:2]
    assert score_options(model, asked, [[40, 1], [41, 50, 51, 1], [42, 1]]).shape == (2, 3)
    np.testing.assert_allclose(score_options(model, asked, [[40, 1]]), 1)
