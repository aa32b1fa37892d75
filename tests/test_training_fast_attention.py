from itertools import accumulate

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from science_exam.training.fast.attention import Layout, attend, differentiate_attention
from science_exam.training.fast.kernels import Spans

HEAD_SIZE = 8

# A pack: rows alone, and prefixes with their tails; the lengths of all of them.
packs = st.tuples(
    st.lists(st.integers(0, 9), max_size=3),
    st.lists(st.tuples(st.integers(1, 7), st.lists(st.integers(0, 5), min_size=1, max_size=3)), max_size=3),
).filter(lambda pack: sum(pack[0]) + len(pack[1]) > 0)


def make_spans(lengths: list[int], n_empty: int = 0) -> Spans:
    """Spans of these lengths, with empty ones behind them."""
    ends = [0, *accumulate(lengths)]
    ends += [ends[-1]] * n_empty
    return Spans(torch.tensor(ends, dtype=torch.int32), max(lengths, default=0))


def make_layout(alone: list[int], groups: list[tuple[int, list[int]]]) -> tuple[Layout, torch.Tensor]:
    """The layout of a pack, and its mask: (tokens, tokens) True where a token attends to another."""
    prefixes = [prefix for prefix, _ in groups]
    tails = [tail for _, tails in groups for tail in tails]
    lengths = prefixes + alone + tails
    layout = Layout(
        spans=make_spans(lengths, n_empty=2),
        n_prefix=sum(prefixes + alone),
        tails=make_spans([sum(tails) for _, tails in groups], n_empty=1),
        prefixes=make_spans(prefixes, n_empty=1),
    )
    span_of = torch.tensor([span for span, length in enumerate(lengths) for _ in range(length)])
    owners = [*range(len(groups)), *[-1] * len(alone)]
    owners += [number for number, (_, tails) in enumerate(groups) for _ in tails]
    owner = torch.tensor([owners[span] for span in span_of.tolist()])
    mask = (span_of[:, None] == span_of).tril()
    in_tail = torch.arange(len(span_of)) >= layout.n_prefix
    mask |= in_tail[:, None] & (span_of < len(groups)) & (owner[:, None] == owner)
    return layout, mask


def make_states(n_tokens: int, n_heads: int, n_key_heads: int, seed: int = 0) -> list[torch.Tensor]:
    torch.manual_seed(seed)
    shapes = [(n_tokens, heads, HEAD_SIZE) for heads in (n_heads, n_key_heads, n_key_heads)]
    return [torch.randn(shape, requires_grad=True) for shape in shapes]


def attend_by_mask(query, key, value, mask: torch.Tensor) -> torch.Tensor:
    states = (part.transpose(0, 1)[None] for part in (query, key, value))
    return functional.scaled_dot_product_attention(*states, attn_mask=mask, enable_gqa=True)[0].transpose(
        0, 1
    )


@settings(max_examples=50, deadline=None)
@given(packs, st.sampled_from([(1, 1), (2, 2), (4, 2), (6, 2), (3, 1)]), st.integers(0, 99))
def test_attention_and_its_gradient_are_those_of_torch_with_an_explicit_mask(pack, heads, seed):
    layout, mask = make_layout(*pack)
    states = make_states(len(mask), *heads, seed)
    expected = attend_by_mask(*states, mask)
    incoming = torch.randn_like(expected)
    expected.backward(incoming)
    plain = [part.detach() for part in states]
    out, normalizer = attend(*plain, layout)
    torch.testing.assert_close(out, expected.detach(), rtol=1e-4, atol=1e-5)
    gradients = differentiate_attention(incoming, *plain, out, normalizer, layout)
    for found, part in zip(gradients, states, strict=True):
        torch.testing.assert_close(found, part.grad, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(packs, st.integers(0, 99))
def test_the_normaliser_is_the_logarithm_of_the_sum_over_all_that_a_token_sees(pack, seed):
    layout, mask = make_layout(*pack)
    query, key, value = (part.detach() for part in make_states(len(mask), 4, 2, seed))
    scores = torch.einsum("qhd,khd->hqk", query, key.repeat_interleave(2, dim=1)) / HEAD_SIZE**0.5
    expected = scores.masked_fill(~mask, float("-inf")).logsumexp(-1)
    torch.testing.assert_close(attend(query, key, value, layout)[1], expected, rtol=1e-5, atol=1e-5)


def test_a_row_of_one_token_gets_its_own_value():
    layout, _ = make_layout([1, 1], [])
    query, key, value = (part.detach() for part in make_states(2, 2, 2))
    out, normalizer = attend(query, key, value, layout)
    torch.testing.assert_close(out, value)
    torch.testing.assert_close(normalizer, (query * key).sum(-1).T / HEAD_SIZE**0.5)


def test_a_tail_between_its_prefix_and_itself_weighs_both_by_hand():
    # One head of size 8; a prefix of one token and a tail of one. Scores: 0 with itself, log 3 with
    # the prefix; so the weights are 1/4 and 3/4.
    layout, _ = make_layout([], [(1, [1])])
    query, key, value = torch.zeros(2, 1, 8), torch.zeros(2, 1, 8), torch.zeros(2, 1, 8)
    query[1, 0, 0], key[0, 0, 0] = 8**0.5, torch.log(torch.tensor(3.0))
    value[0, 0, 0], value[1, 0, 1] = 4.0, 8.0
    out, normalizer = attend(query, key, value, layout)
    torch.testing.assert_close(out[1, 0, :3], torch.tensor([3.0, 2.0, 0.0]))
    torch.testing.assert_close(normalizer[0, 1], torch.log(torch.tensor(4.0)))


def test_tails_of_one_prefix_see_nothing_of_each_other():
    layout, _ = make_layout([3], [(4, [2, 3])])
    states = [part.detach() for part in make_states(12, 2, 1)]
    before, _ = attend(*states, layout)
    changed = [part.clone() for part in states]
    for part in changed:
        part[7:9] += 1  # the first tail: behind the prefix of 4 and the row of 3
    after, _ = attend(*changed, layout)
    assert torch.equal(before[:7], after[:7])
    assert torch.equal(before[9:], after[9:])
    assert not torch.equal(before[7:9], after[7:9])


def test_in_bf16_the_output_is_in_bf16_and_the_normaliser_in_fp32():
    layout, mask = make_layout([5], [(4, [2, 3])])
    exact = [part.detach() for part in make_states(14, 4, 2)]
    rough = [part.bfloat16() for part in exact]
    out, normalizer = attend(*rough, layout)
    assert (out.dtype, normalizer.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(out.float(), attend_by_mask(*exact, mask), rtol=0.05, atol=0.05)
    gradients = differentiate_attention(out, *rough, out, normalizer, layout)
    assert {gradient.dtype for gradient in gradients} == {torch.bfloat16}
