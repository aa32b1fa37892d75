from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from science_exam.errors import UserError
from science_exam.training.fast.packing import round_tokens
from science_exam.training.fast.plan import (
    WORKSPACE_BYTES,
    Plan,
    Sizes,
    Work,
    _count_work,
    make_plan,
)

MB = 10**6
# Four blocks of 4 MB in the compute type; a token takes 10 kB in a block that keeps all, 1 kB in one that
# keeps its input.
SIZES = Sizes(
    n_blocks=4,
    block_weights=2 * MB,
    expanded_bytes=4 * MB,
    largest_expanded_bytes=2 * MB,
    kept_token_bytes=10_000,
    input_token_bytes=1_000,
    passing_token_bytes=5_000,
    head_bytes=3 * MB,
    embedding_bytes=0,
)
# What a pack of 1,024 tokens takes beside its blocks, 100 MB being held.
FIXED = 100 * MB + 2 * MB + 3 * MB + WORKSPACE_BYTES + 1024 * 5_000
KEPT, INPUT = 1024 * 10_000, 1024 * 1_000


def plan_one_pack(budget_bytes: int, sizes: Sizes = SIZES) -> Plan:
    """The plan for steps of one row of 1,024 tokens."""
    return make_plan(sizes, Work([1024, 1024], 1024, has_tails=False), 100 * MB, budget_bytes)


@pytest.mark.parametrize(
    ("budget_bytes", "n_recomputed", "n_expanded", "peak_bytes"),
    [
        (FIXED + 4 * KEPT + 4 * 4 * MB, 0, 4, FIXED + 4 * KEPT + 16 * MB),
        (FIXED + 4 * KEPT + 11 * MB, 0, 2, FIXED + 4 * KEPT + 8 * MB),
        (FIXED + 4 * KEPT, 0, 0, FIXED + 4 * KEPT),
        # Two blocks keep their inputs, and one of them at a time has all again: 8.2 MB are left.
        (FIXED + 4 * KEPT - 1, 2, 2, FIXED + 3 * KEPT + 2 * INPUT + 8 * MB),
        (FIXED + KEPT + 4 * INPUT, 4, 0, FIXED + KEPT + 4 * INPUT),
    ],
)
def test_a_plan_by_hand(budget_bytes, n_recomputed, n_expanded, peak_bytes):
    assert plan_one_pack(budget_bytes) == Plan(1024, n_recomputed, n_expanded, False, peak_bytes)


def test_too_small_a_budget_is_refused_with_both_figures():
    with pytest.raises(UserError, match=r"smallest plan takes 0\.3 GB, and 0\.2 may be taken; raise"):
        plan_one_pack(240 * MB)
    smallest = FIXED + KEPT + 4 * INPUT
    assert plan_one_pack(smallest).peak_bytes == smallest
    with pytest.raises(UserError):
        plan_one_pack(smallest - 1)


def test_weights_that_are_not_quantized_are_not_expanded():
    plan = plan_one_pack(10**9, replace(SIZES, expanded_bytes=0))
    assert (plan.n_recomputed, plan.n_expanded) == (0, 0)


def test_a_step_that_does_not_fit_goes_in_several_packs():
    # All at once there would be room for 2,048 tokens, and a row has up to 500.
    step, budget = 8192, FIXED + 1024 * 5_000 + 2 * 4 * KEPT
    plan = make_plan(SIZES, Work([step], 500, has_tails=False), 100 * MB, budget)
    assert 512 <= plan.max_tokens < step
    assert plan.peak_bytes <= budget


def test_a_pack_holds_the_longest_group():
    plan = make_plan(SIZES, Work([100], 3000, has_tails=False), 100 * MB, 10**9)
    assert plan.max_tokens == round_tokens(3000)


def test_a_plan_describes_itself():
    plan = Plan(max_tokens=16_384, n_recomputed=1, n_expanded=3, embedding_on_host=False, peak_bytes=10**10)
    assert plan.describe(SIZES, 2 * 10**10) == (
        "plan: packs of up to 16,384 tokens, 1 of 4 blocks recomputed, weights of 3 kept in 16 bits; "
        "about 10.0 of 20.0 GB"
    )
    assert "kept in 16 bits" not in plan.describe(replace(SIZES, expanded_bytes=0), 10**10)


# About an eighth of Llama-3.1-8B to twice it: bytes as a network measures them.
widths = st.integers(1024, 8192)


@st.composite
def network_sizes(draw) -> Sizes:
    width, n_blocks, quantized = draw(widths), draw(st.integers(1, 64)), draw(st.booleans())
    weights = 13 * width * width
    return Sizes(
        n_blocks=n_blocks,
        block_weights=weights,
        expanded_bytes=2 * weights * quantized,
        largest_expanded_bytes=14 * width * width * quantized,
        kept_token_bytes=2 * 12 * width,
        input_token_bytes=2 * width,
        passing_token_bytes=36 * width,
        head_bytes=300 * MB,
        embedding_bytes=0,
    )


steps = st.lists(st.integers(512, 60_000), min_size=1, max_size=5)


@settings(max_examples=50)
@given(network_sizes(), steps, st.integers(512, 3000), st.integers(0, 10**10), st.integers(10**9, 10**11))
def test_a_plan_fits_or_is_refused(sizes, step_tokens, longest, held_bytes, budget_bytes):
    try:
        plan = make_plan(sizes, Work(step_tokens, longest, has_tails=False), held_bytes, budget_bytes)
    except UserError:
        return
    assert held_bytes + WORKSPACE_BYTES < plan.peak_bytes <= budget_bytes
    assert plan.max_tokens >= longest
    assert 0 <= plan.n_recomputed <= sizes.n_blocks
    assert 0 <= plan.n_expanded <= sizes.n_blocks


@settings(max_examples=50)
@given(network_sizes(), steps, st.integers(512, 3000), st.integers(10**9, 10**11), st.integers(1, 10**10))
def test_more_memory_never_means_more_work(sizes, step_tokens, longest, budget_bytes, more_bytes):
    try:
        plan = make_plan(sizes, Work(step_tokens, longest, has_tails=False), 10**9, budget_bytes)
    except UserError:
        return
    richer = make_plan(sizes, Work(step_tokens, longest, has_tails=False), 10**9, budget_bytes + more_bytes)
    assert _count_work(richer, sizes, step_tokens) <= _count_work(plan, sizes, step_tokens)


def test_the_embedding_leaves_the_gpu_where_that_spares_recomputing():
    sizes = replace(SIZES, block_weights=200 * MB, embedding_bytes=50 * MB)
    tight, ample = FIXED + 2 * KEPT, FIXED + 20 * KEPT + 16 * MB
    work = Work([1024], 1024, has_tails=False)
    plans = [make_plan(sizes, work, 100 * MB, budget_bytes) for budget_bytes in (tight, ample)]
    assert [plan.embedding_on_host for plan in plans] == [True, False]
    assert plans[0].n_recomputed < plan_one_pack(tight).n_recomputed
    assert "embedding in the CPU's memory" in plans[0].describe(sizes, tight)


def test_tails_are_padded_apart_and_take_room_for_it():
    work = Work([1024], 1024, has_tails=False)
    apart = [make_plan(SIZES, w, 100 * MB, 10**10) for w in (work, replace(work, has_tails=True))]
    more = 128 * (4 * SIZES.kept_token_bytes + SIZES.passing_token_bytes)
    assert apart[1].peak_bytes - apart[0].peak_bytes == more
