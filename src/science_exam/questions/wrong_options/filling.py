"""Every question gets exactly four wrong options: hard ones are added, or the easiest left out."""

from collections.abc import Sequence
from dataclasses import replace

from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.wrong_options.option_references import refers_to_others
from science_exam.questions.wrong_options.pool import OptionPool
from science_exam.questions.wrong_options.proposing import propose_options

N_WRONG = 4
HARD_ADDED, EASY_ADDED = "hard wrong options added", "wrong options added, not all of them hard"


def complete_drafts(
    drafts: Sequence[Draft], pool: OptionPool, seed: int, dropped: Tally, mended: Tally
) -> list[Draft]:
    """The drafts with exactly four wrong options each, in their order.

    Args:
        drafts: with any number of wrong options.
        pool: where missing ones come from.
        seed: of numbers that are made up; what a draft gets does not depend on the others.
        dropped: gets the drafts that cannot be completed, by reason.
        mended: gets those that can, by how hard what was added is.
    """
    lacking = [draft for draft in drafts if len(draft.wrong) < N_WRONG]
    proposals = propose_options(lacking, pool, seed)
    done = []
    for draft in drafts:
        if len(draft.wrong) >= N_WRONG:
            done.append(thin_options(draft, pool))
            continue
        proposal = next(proposals)
        wrong = (*draft.wrong, *proposal.texts)[:N_WRONG]
        if len(wrong) == N_WRONG:
            is_hard = proposal.n_hard >= N_WRONG - len(draft.wrong)
            mended.add(draft.source, HARD_ADDED if is_hard else EASY_ADDED, draft.place)
            done.append(replace(draft, wrong=wrong))
        else:
            dropped.add(draft.source, proposal.obstacle or "too few wrong options to be found", draft.place)
    return done


def thin_options(draft: Draft, pool: OptionPool) -> Draft:
    """The draft with its four hardest wrong options, in their order: those most like the right one.

    What speaks of other options goes first, then what is of another type, then what differs most in length.
    """
    if len(draft.wrong) <= N_WRONG:
        return draft
    right = pool.describe(draft.right)

    def measure_ease(text: str) -> tuple[bool, bool, int]:
        return refers_to_others(text), pool.describe(text) != right, abs(len(text) - len(draft.right))

    places = sorted(range(len(draft.wrong)), key=lambda place: measure_ease(draft.wrong[place]))[:N_WRONG]
    return replace(draft, wrong=tuple(draft.wrong[place] for place in sorted(places)))
