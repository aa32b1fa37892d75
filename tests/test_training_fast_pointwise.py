import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

from science_exam.training.fast.pointwise import (
    add_normalize,
    differentiate_gate,
    differentiate_norm,
    gate,
    normalize,
    rotate,
)

EPSILON = 1e-5
sizes = st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
checked = settings(max_examples=30, deadline=None)


def make_norm(width: int) -> LlamaRMSNorm:
    norm = LlamaRMSNorm(width, eps=EPSILON)
    norm.weight.data.normal_(mean=1.0, std=0.5)
    return norm.requires_grad_(False)


def make_angles(n_tokens: int, head_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines, (tokens, head size / 2) each."""
    angles = torch.arange(n_tokens)[:, None] * torch.rand(head_size // 2)
    return angles.cos(), angles.sin()


@checked
@given(sizes)
def test_the_norm_and_its_gradient_are_those_of_llama(size):
    n_tokens, width, seed = size
    torch.manual_seed(seed)
    hidden, norm = torch.randn(n_tokens, width, requires_grad=True), make_norm(width)
    expected = norm(hidden)
    gradient, beside = torch.randn(n_tokens, width), torch.randn(n_tokens, width)
    expected.backward(gradient)
    plain = hidden.detach()
    torch.testing.assert_close(normalize(plain, norm.weight, EPSILON), expected.detach())
    found = differentiate_norm(gradient, plain, norm.weight, EPSILON, beside)
    torch.testing.assert_close(found, beside + hidden.grad, rtol=1e-4, atol=1e-4)


def test_the_norm_of_a_sum_gives_the_sum_too():
    torch.manual_seed(0)
    hidden, update, norm = torch.randn(3, 8), torch.randn(3, 8), make_norm(8)
    total, normal = add_normalize(hidden, update, norm.weight, EPSILON)
    assert torch.equal(total, hidden + update)
    assert torch.equal(normal, normalize(total, norm.weight, EPSILON))


def test_a_norm_by_hand():
    # The root of the mean square of 3 and 4 is sqrt(12.5).
    found = normalize(torch.tensor([[3.0, 4.0]]), torch.tensor([2.0, 1.0]), 0.0)
    torch.testing.assert_close(found, torch.tensor([[6.0, 4.0]]) / 12.5**0.5)


@checked
@given(sizes, st.integers(1, 3), st.integers(1, 3))
def test_queries_and_keys_are_rotated_as_in_llama_and_values_are_not(size, n_query, n_key):
    n_tokens, half, seed = size
    torch.manual_seed(seed)
    width = 2 * half
    cosines, sines = make_angles(n_tokens, width)
    states = torch.randn(n_tokens, (n_query + 2 * n_key) * width)
    query, key, value = states.view(n_tokens, -1, width).split([n_query, n_key, n_key], dim=1)
    tables = (torch.cat([table, table], dim=-1)[None] for table in (cosines, sines))
    rotated = apply_rotary_pos_emb(query.transpose(0, 1)[None], key.transpose(0, 1)[None], *tables)
    expected = torch.cat([*(part[0].transpose(0, 1) for part in rotated), value], dim=1).flatten(1)
    found = rotate(states, cosines, sines, n_query + n_key, width)
    torch.testing.assert_close(found, expected)


def test_rotating_back_is_the_gradient_of_rotating():
    torch.manual_seed(0)
    cosines, sines = make_angles(5, 8)
    states = torch.randn(5, 4 * 8, requires_grad=True)
    rotated = rotate(states, cosines, sines, 3, 8)
    gradient = torch.randn_like(rotated)
    rotated.backward(gradient)
    torch.testing.assert_close(rotate(gradient, cosines, -sines, 3, 8), states.grad)
    torch.testing.assert_close(rotate(rotated.detach(), cosines, -sines, 3, 8), states.detach())


@checked
@given(sizes)
def test_the_gate_and_its_gradient_are_those_of_swiglu(size):
    n_tokens, width, seed = size
    torch.manual_seed(seed)
    gate_up = (3 * torch.randn(n_tokens, 2 * width)).requires_grad_()
    gates, values = gate_up.chunk(2, dim=-1)
    expected = functional.silu(gates) * values
    gradient = torch.randn_like(expected)
    expected.backward(gradient)
    plain = gate_up.detach()
    torch.testing.assert_close(gate(plain), expected.detach())
    found, gated = differentiate_gate(gradient, plain)
    torch.testing.assert_close(found, gate_up.grad)
    torch.testing.assert_close(gated, expected.detach())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_16_bits_each_result_is_that_of_fp32_rounded_once(dtype):
    torch.manual_seed(0)
    states, gradient = torch.randn(4, 16).to(dtype), torch.randn(4, 8).to(dtype)
    cosines, sines = make_angles(4, 8)
    weight, beside = torch.ones(8, dtype=dtype), torch.randn(4, 8).to(dtype)
    hidden = states[:, :8].contiguous()
    pairs = [
        (gate(states), gate(states.float())),
        *zip(
            differentiate_gate(gradient, states),
            differentiate_gate(gradient.float(), states.float()),
            strict=True,
        ),
        (rotate(states, cosines, sines, 2, 8), rotate(states.float(), cosines, sines, 2, 8)),
        (normalize(hidden, weight, EPSILON), normalize(hidden.float(), weight.float(), EPSILON)),
        (
            differentiate_norm(gradient, hidden, weight, EPSILON, beside),
            differentiate_norm(gradient.float(), hidden.float(), weight.float(), EPSILON, beside.float()),
        ),
    ]
    for found, exact in pairs:
        assert torch.equal(found, exact.to(dtype))


def test_the_norm_in_16_bits_rounds_as_transformers_does():
    torch.manual_seed(0)
    hidden, norm = torch.randn(4, 8).bfloat16(), make_norm(8).bfloat16()
    assert torch.equal(normalize(hidden, norm.weight, EPSILON), norm(hidden))
