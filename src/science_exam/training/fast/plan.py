"""How a training uses the memory it may take: size of packs, what is recomputed, what is kept expanded.

The plan that costs least is chosen by counting: arithmetic for tokens, and for each pack the memory
traffic of expanding 4-bit weights, in units of arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from science_exam.errors import UserError
from science_exam.training.fast.packing import find_token_step, round_tokens

# Operations a GPU does in the time it moves a byte: 16-bit matrix products against memory (200 on an
# H200, 150 on an A100, 200 on a T4).
OPERATIONS_PER_BYTE = 200
OPERATIONS_PER_BYTE_FROM_HOST = 20_000  # the same for a byte that comes from the CPU's memory
EXPANSION_BYTES = 2.5  # moved a weight: half a byte read, two written
# A recomputed block does not repeat its last product, which is a quarter of it.
REPEATED_SHARE = 0.73
WORKSPACE_BYTES = 200 * 10**6  # of the matrix library, of graphs, of small things
# A pack's matrix products take as long as if they had that many tokens more: small ones leave parts idle.
IDLE_TOKENS = 256
HALVINGS = 6  # sizes of packs that are tried


@dataclass(frozen=True)
class Sizes:
    """What a network takes, in bytes, with its weights counted."""

    n_blocks: int
    block_weights: int  # linear weights of a block
    expanded_bytes: int  # a block's weights in the compute type; 0 where they are held so anyway
    largest_expanded_bytes: int  # of the products that are computed at once, the largest
    kept_token_bytes: int  # a token, in a block that keeps all
    input_token_bytes: int  # a token, in a block that keeps its input
    passing_token_bytes: int  # a token, while one block's gradient is computed
    head_bytes: int  # logits and their gradient
    embedding_bytes: int  # of the embedding, where the CPU's memory can hold it instead; else 0


@dataclass(frozen=True)
class Work:
    """What goes through the network."""

    step_tokens: Sequence[int]  # of every optimizer step
    longest_row: int  # tokens that must fit into a pack
    has_tails: bool  # rows share prefixes; these and the tails are padded apart


@dataclass(frozen=True)
class Plan:
    """What a training does within its memory."""

    max_tokens: int  # of a pack
    n_recomputed: int  # blocks that keep their input alone
    n_expanded: int  # blocks whose weights stay in the compute type
    embedding_on_host: bool  # in the CPU's memory, which then sends each token's row
    peak_bytes: int  # expected

    def describe(self, sizes: Sizes, budget_bytes: int) -> str:
        """One line for people."""
        recomputed = f"{self.n_recomputed} of {sizes.n_blocks} blocks recomputed"
        expanded = f", weights of {self.n_expanded} kept in 16 bits" if sizes.expanded_bytes else ""
        embedding = ", embedding in the CPU's memory" if self.embedding_on_host else ""
        return (
            f"plan: packs of up to {self.max_tokens:,} tokens, {recomputed}{expanded}{embedding}; "
            f"about {self.peak_bytes / 1e9:.1f} of {budget_bytes / 1e9:.1f} GB"
        )


def make_plan(sizes: Sizes, work: Work, held_bytes: int, budget_bytes: int) -> Plan:
    """The plan with the least work that fits.

    Args:
        sizes: of the network.
        work: of all steps.
        held_bytes: what is taken before a pass: base, adapters, optimizer.
        budget_bytes: all that may be taken.

    Raises:
        UserError: not even the smallest pack fits.
    """
    largest, smallest = round_tokens(max(work.step_tokens)), round_tokens(work.longest_row)
    lengths = {max(smallest, round_tokens(ceil(largest / 2**halving))) for halving in range(HALVINGS)}
    homes = (False, True) if sizes.embedding_bytes else (False,)
    plans = [
        _fill_budget(sizes, length, work.has_tails, on_host, held_bytes, budget_bytes)
        for length in sorted(lengths)
        for on_host in homes
    ]
    fitting = [plan for plan in plans if plan.peak_bytes <= budget_bytes]
    if not fitting:
        raise UserError(
            f"memory: the smallest plan takes {min(plan.peak_bytes for plan in plans) / 1e9:.1f} GB, and "
            f"{budget_bytes / 1e9:.1f} may be taken; raise memory_budget_gb, free the GPU's memory, or "
            f"lower max_tokens"
        )
    return min(fitting, key=lambda plan: _count_work(plan, sizes, work.step_tokens))


def _fill_budget(
    sizes: Sizes, max_tokens: int, has_tails: bool, on_host: bool, held_bytes: int, budget_bytes: int
) -> Plan:
    """As little recomputing as fits, then as many expanded weights."""
    fixed = (
        held_bytes
        - on_host * sizes.embedding_bytes
        + sizes.largest_expanded_bytes
        + sizes.head_bytes
        + WORKSPACE_BYTES
    )
    padded = max_tokens + has_tails * find_token_step(max_tokens)
    fixed += padded * sizes.passing_token_bytes
    kept, least = padded * sizes.kept_token_bytes, padded * sizes.input_token_bytes
    n_recomputed, peak = 0, fixed + kept * sizes.n_blocks
    while peak > budget_bytes and n_recomputed < sizes.n_blocks:
        n_recomputed += 1
        # One block at a time has all of its activations again.
        peak = fixed + least * n_recomputed + kept * (sizes.n_blocks - n_recomputed + 1)
    n_expanded = 0
    if sizes.expanded_bytes and peak < budget_bytes:
        n_expanded = min(sizes.n_blocks, (budget_bytes - peak) // sizes.expanded_bytes)
    peak += n_expanded * sizes.expanded_bytes
    return Plan(max_tokens, n_recomputed, n_expanded, on_host, peak)


def _count_work(plan: Plan, sizes: Sizes, step_tokens: Sequence[int]) -> float:
    """Operations of all steps; forward and backward take two a weight and token each."""
    repeated = REPEATED_SHARE * plan.n_recomputed
    a_token = sizes.block_weights * (4 * sizes.n_blocks + 2 * repeated)
    passes = 2 * (sizes.n_blocks - plan.n_expanded) + repeated
    a_pack = passes * sizes.block_weights * EXPANSION_BYTES * OPERATIONS_PER_BYTE
    if not sizes.expanded_bytes:
        a_pack = 0.0
    if plan.embedding_on_host:
        a_token += sizes.input_token_bytes * OPERATIONS_PER_BYTE_FROM_HOST
    n_packs = sum(ceil(tokens / plan.max_tokens) for tokens in step_tokens)
    return (sum(step_tokens) + n_packs * IDLE_TOKENS) * a_token + n_packs * a_pack
