"""Questions asked again with other wrong options."""

from collections.abc import Sequence
from dataclasses import replace

from science_exam.questions.drafts import Draft
from science_exam.questions.wrong_options.pool import OptionPool
from science_exam.questions.wrong_options.proposing import Proposal, propose_options, seed_draw

MAX_SWAPS = 2


def swap_wrong(drafts: Sequence[Draft], pool: OptionPool, seed: int, share: float) -> list[Draft]:
    """The drafts, a share of them with one or two wrong options replaced by other hard ones.

    A drawn draft for which nothing is found stays as it is.

    Args:
        drafts: with wrong options.
        pool: where the others come from.
        seed: of the draw; what happens to a draft does not depend on the others.
        share: of the drafts, 0 to 1.
    """
    draws = [seed_draw(draft, seed) for draft in drafts]
    drawn = [draw.random() < share for draw in draws]
    proposals = propose_options(
        [d for d, is_drawn in zip(drafts, drawn, strict=True) if is_drawn], pool, seed
    )
    swapped = []
    for draft, draw, is_drawn in zip(drafts, draws, drawn, strict=True):
        proposal = next(proposals) if is_drawn else Proposal()
        texts = proposal.texts[: proposal.n_hard]
        n_swaps = min(draw.randint(1, MAX_SWAPS), len(texts), len(draft.wrong))
        wrong = list(draft.wrong)
        for place, text in zip(draw.sample(range(len(wrong)), n_swaps), texts, strict=False):
            wrong[place] = text
        swapped.append(replace(draft, wrong=tuple(wrong)))
    return swapped
