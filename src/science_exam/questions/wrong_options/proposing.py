"""Wrong options that could be added to a question, the hardest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from random import Random

import numpy as np

from science_exam.questions.drafts import Draft
from science_exam.questions.wrong_options.option_numbers import parse_number, propose_numbers
from science_exam.questions.wrong_options.option_references import (
    claims_all,
    refers_to_items,
    refers_to_letters,
)
from science_exam.questions.wrong_options.option_types import format_like
from science_exam.questions.wrong_options.pool import Candidate, OptionPool
from science_exam.questions.wrong_options.prompt_forms import asks_for_any_number, asks_for_exception
from science_exam.questions.wrong_options.sameness import make_key, say_the_same
from science_exam.questions.wrong_options.screening import Screen

BATCH = 1024  # drafts whose neighbours are searched and encoded at a time
MIN_SCORE = 0.75  # by words; below, type and topic are doubtful
SHORTLIST, EASY_SHORTLIST = 10, 8  # of the best by words, that are weighed by meaning
MIN_TOPIC = 0.3  # of numbers that are taken over
MAX_STORY_CHARS = 600  # behind a longer prompt a statement is about people and things of the prompt
# Cosines: with the right option or another, from which a candidate means the same; with all on average,
# below which it is of another world; of the prompt with those that the candidate is right for.
MAX_SYNONYM_OF_RIGHT, MAX_SYNONYM, MIN_KINSHIP, MAX_LIKENESS = 0.68, 0.75, 0.25, 0.6
# How much nearer to the prompt than the right option a candidate may be, if it is known to be wrong where
# the same is right, and if it is not; and how much less where much could be right.
MAX_LEAD_OF_DENIED, MAX_LEAD, ANY_LEAD = 0.1, -0.02, 0.05
# How much farther from the prompt than all options an easy candidate is.
EASY_LAG, EASY_LAG_OF_ANY = 0.02, 0.06


@dataclass(frozen=True)
class Choice:
    """A candidate that has passed by its words.

    Attributes:
        key: of the candidate; "" for a number that was made up.
        text: in the question's format.
        score: how hard it is.
        max_lead: how much nearer to the prompt than the right option it may be.
        is_easy: wrong because it is far from what is asked, not because somebody said so; taken where
            nothing harder is found.
    """

    key: str
    text: str
    score: float
    max_lead: float = 0.0
    is_easy: bool = False


@dataclass(frozen=True)
class Proposal:
    """What could be added to a question.

    Attributes:
        texts: options, the hardest first, no two of them the same.
        n_hard: how many of them, from the first, are more than far from what is asked.
        obstacle: why nothing can be added, a few words; "" where something might.
    """

    texts: tuple[str, ...] = ()
    n_hard: int = 0
    obstacle: str = ""


def seed_draw(draft: Draft, seed: int) -> Random:
    """Random numbers of a draft's own: what it gets does not depend on the others."""
    return Random(blake2b(f"{seed}\n{draft.prompt}\n{draft.right}".encode(errors="replace")).digest())


def propose_options(drafts: Sequence[Draft], pool: OptionPool, seed: int) -> Iterator[Proposal]:
    """Yield what could be added to each draft.

    Args:
        drafts: with any number of wrong options.
        pool: options of other questions.
        seed: of numbers that are made up.
    """
    for start in range(0, len(drafts), BATCH):
        batch = drafts[start : start + BATCH]
        screens = [Screen.of(draft, pool) for draft in batch]
        obstacles = [_find_obstacle(screen) for screen in screens]
        chosen = [
            [] if obstacle else _choose(screen, candidates, pool, seed)
            for screen, obstacle, candidates in zip(
                screens, obstacles, pool.find_candidates(batch), strict=True
            )
        ]
        if pool.encoder:
            chosen = _weigh(screens, chosen, pool)
        for obstacle, choices in zip(obstacles, chosen, strict=True):
            ranked = sorted(choices, key=lambda choice: (choice.is_easy, -choice.score, choice.text))
            distinct = _drop_repeated(ranked)
            n_hard = sum(not choice.is_easy for choice in distinct)
            yield Proposal(tuple(choice.text for choice in distinct), n_hard, obstacle)


def _find_obstacle(screen: Screen) -> str:
    draft = screen.draft
    if claims_all(draft.right):
        return "'all of the above' cannot be filled"
    if any(refers_to_letters(option) or refers_to_items(option) for option in draft.options):
        return "options refer to others by letter"
    if asks_for_exception(screen.asked):
        return "asks for the exception"
    kinds = {found.kind for found in screen.types}
    if "verdict" in kinds:
        return "the options are a closed set"
    if "formula" in kinds:
        return "formulas"
    if screen.kind == "statement" and len(draft.prompt) > MAX_STORY_CHARS:
        return "statements about a story"
    if screen.kind == "number" and asks_for_any_number(screen.asked):
        return "other numbers could be right"
    return ""


def _choose(screen: Screen, candidates: dict[str, Candidate], pool: OptionPool, seed: int) -> list[Choice]:
    """The best candidates by their words."""
    if screen.kind == "number":
        numbers = _choose_numbers(screen, candidates, seed)
        return [Choice("", text, -place) for place, text in enumerate(numbers)]
    drawn = pool.draw_alike(screen.types[0], seed_draw(screen.draft, seed), EASY_SHORTLIST)
    return [*_choose_near(screen, candidates, pool), *_choose_far(screen, drawn, pool)]


def _choose_near(screen: Screen, candidates: dict[str, Candidate], pool: OptionPool) -> list[Choice]:
    """Of the options of near questions: hard ones, and easy ones that resemble the question's own."""
    scored = sorted(
        (-screen.score(candidate), key)
        for key, candidate in candidates.items()
        if screen.resembles(candidate, pool) and screen.is_new(key)
    )
    hard, easy = [], []
    for score, key in scored:
        candidate = candidates[key]
        text = format_like(candidate.text, screen.own, pool.lexicon)
        if (
            -score >= MIN_SCORE
            and screen.looks_alike(candidate, pool)
            and screen.is_wrong(key, candidate, pool)
        ):
            hard.append(Choice(key, text, -score, _bound_lead(screen, candidate)))
        elif screen.is_far(key, pool) and (pool.encoder or not screen.any_fits):
            easy.append(Choice(key, text, -score, is_easy=True))
    return hard[:SHORTLIST] + easy[:EASY_SHORTLIST]


def _choose_far(screen: Screen, candidates: dict[str, Candidate], pool: OptionPool) -> list[Choice]:
    """Of options from anywhere: those that pass for an option of the question at a glance."""
    return [
        Choice(key, format_like(candidate.text, screen.own, pool.lexicon), 0.0, is_easy=True)
        for key, candidate in candidates.items()
        if screen.resembles(candidate, pool) and screen.is_new(key) and screen.is_far(key, pool)
        if pool.encoder or not screen.any_fits
    ]


def _bound_lead(screen: Screen, candidate: Candidate) -> float:
    """The less is known of a candidate, the farther it must be from the prompt."""
    return (MAX_LEAD_OF_DENIED if candidate.denied else MAX_LEAD) - ANY_LEAD * screen.any_fits


def _choose_numbers(screen: Screen, candidates: dict[str, Candidate], seed: int) -> list[str]:
    right, *others = (parse_number(option) for option in screen.own)
    near = sorted(candidates.values(), key=lambda candidate: (-candidate.topic, candidate.text))
    seen = [parse_number(candidate.text) for candidate in near if candidate.topic >= MIN_TOPIC]
    has_unit = bool(screen.types[0].unit)  # a bare number of another question measures anything
    texts = propose_numbers(
        right,
        [other.value for other in others if other and other.unit == right.unit],
        [number.value for number in seen if number and has_unit and number.is_like(right)],
        seed_draw(screen.draft, seed),
    )
    return [text for text in texts if make_key(text) not in screen.keys]


def _weigh(screens: Sequence[Screen], chosen: list[list[Choice]], pool: OptionPool) -> list[list[Choice]]:
    """The same with scores by meaning too, less synonyms, strangers and what may be right."""
    weighed = [
        screen.kind != "number" and bool(choices) for screen, choices in zip(screens, chosen, strict=True)
    ]
    texts = [
        text
        for screen, choices, is_weighed in zip(screens, chosen, weighed, strict=True)
        if is_weighed
        for text in (screen.asked, *screen.own, *(choice.text for choice in choices))
    ]
    texts += [
        prompt
        for choices, is_weighed in zip(chosen, weighed, strict=True)
        if is_weighed
        for choice in choices
        if not choice.is_easy
        for prompt in pool.list_prompts(choice.key)
    ]
    vectors = pool.encode(texts)
    return [
        list(_weigh_choices(screen, choices, pool, vectors)) if is_weighed else choices
        for screen, choices, is_weighed in zip(screens, chosen, weighed, strict=True)
    ]


def _weigh_choices(
    screen: Screen, choices: list[Choice], pool: OptionPool, vectors: dict[str, np.ndarray]
) -> Iterator[Choice]:
    own = np.stack([vectors[option] for option in screen.own])  # (options, d), the right one first
    asked = vectors[screen.asked]
    for choice in choices:
        vector = vectors[choice.text]
        near = own @ vector  # (options,)
        means_same = near[0] > MAX_SYNONYM_OF_RIGHT or near.max() > MAX_SYNONYM
        if means_same:
            continue
        if choice.is_easy:
            lag = EASY_LAG_OF_ANY if screen.any_fits else EASY_LAG
            if asked @ vector <= (own @ asked).min() - lag:
                yield replace(choice, score=float(near.mean()))
            continue
        is_near_prompt = asked @ (vector - own[0]) > choice.max_lead
        fits_alike = any(asked @ vectors[prompt] > MAX_LIKENESS for prompt in pool.list_prompts(choice.key))
        if not (is_near_prompt or fits_alike) and near.mean() >= MIN_KINSHIP:
            yield replace(choice, score=choice.score + 2 * float(near.mean()))


def _drop_repeated(choices: Sequence[Choice]) -> list[Choice]:
    kept: dict[str, Choice] = {}
    for choice in choices:
        key = make_key(choice.text)
        if not any(say_the_same(key, known) for known in kept):
            kept[key] = choice
    return list(kept.values())
