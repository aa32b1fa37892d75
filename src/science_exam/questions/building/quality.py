"""What makes a question unusable, and what can be mended: every row that changes is counted."""

import re
from collections.abc import Callable
from dataclasses import replace
from statistics import median

from science_exam.questions.config import QualityConfig
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.wrong_options.option_references import refers_to_letters

# What a reader would have to see: figures are not in the text, and "the passage" may be any.
NOT_SHOWN = re.compile(
    r"\b(?:(?:shown|pictured|depicted|illustrated|labell?ed|drawn|plotted) (?:above|below|here|in the)"
    r"|(?:the|this|these) (?:following |above |accompanying )?(?:figure|diagram|graph|picture|photo|image|map"
    r"|photograph|chart|drawing|illustration|passage|excerpt|cartoon)s?\b(?! of)"
    r"|(?:figure|fig\.|table) \d)",
    re.IGNORECASE,
)
PASSAGE = re.compile(r"\b(?:passage|excerpt|text)\b", re.IGNORECASE)
WORD = re.compile(r"\w+")
# A right option of fewer characters is part of many prompts without giving anything away.
MIN_TELLING_CHARS = 4


def check_draft(draft: Draft, config: QualityConfig, dropped: Tally, mended: Tally) -> Draft | None:
    """The draft with its faulty options mended, or None where it is unusable.

    Args:
        draft: as it was read.
        config: the limits.
        dropped: gets the reason why a draft is unusable, the first that holds.
        mended: gets what was mended.
    """
    clean = mend_options(draft, mended)
    for reason, is_so in FAULTS.items():
        if is_so(clean, config):
            dropped.add(draft.source, reason, draft.place)
            return None
    return clean


def mend_options(draft: Draft, mended: Tally) -> Draft:
    """Without wrong options that are empty, stand there already, or equal the right one."""
    seen = {normalise(draft.right)}
    kept = []
    for option in draft.wrong:
        name = normalise(option)
        if not name:
            mended.add(draft.source, "empty wrong option left out", draft.place)
        elif name in seen:
            mended.add(draft.source, "repeated option left out", draft.place)
        else:
            kept.append(option)
        seen.add(name)
    return draft if len(kept) == len(draft.wrong) else replace(draft, wrong=tuple(kept))


def normalise(text: str) -> str:
    """Lower case with single spaces and without marks at the ends: what makes two options equal.

    Marks inside count ("x - 1" and "x + 1" differ), and so does a sign in front.
    """
    return " ".join(text.lower().split()).rstrip(" .;,:")


def _gives_answer_away(draft: Draft, config: QualityConfig) -> bool:
    """The right option stands in the prompt and no wrong one does."""
    words = _pad(draft.prompt)
    right = _pad(draft.right)
    if len(right.strip()) < MIN_TELLING_CHARS or right not in words:
        return False
    return not any(_pad(option) in words for option in draft.wrong)


def _pad(text: str) -> str:
    """Words with spaces around, so that only whole words are found."""
    return f" {' '.join(WORD.findall(text.lower()))} "


def _asks_for_what_is_not_shown(draft: Draft, config: QualityConfig) -> bool:
    found = NOT_SHOWN.search(draft.prompt)
    return bool(found) and not (draft.contexts and PASSAGE.search(found.group()))


def _is_far_longer(draft: Draft, config: QualityConfig) -> bool:
    """The right option is recognised at a glance."""
    if not draft.wrong:
        return False
    usual = median(len(option) for option in draft.wrong)
    surplus = len(draft.right) - usual
    return surplus > config.max_surplus_chars and len(draft.right) > config.max_length_ratio * usual


# Reason -> whether it holds, in the order in which they are looked at.
FAULTS: dict[str, Callable[[Draft, QualityConfig], bool]] = {
    "no question": lambda draft, config: not draft.prompt.strip(),
    "no right option": lambda draft, config: not normalise(draft.right),
    "too few wrong options": lambda draft, config: len(draft.wrong) < config.min_wrong,
    "prompt too long": lambda draft, config: len(draft.prompt) > config.max_prompt_chars,
    "option too long": lambda draft, config: max(map(len, draft.options)) > config.max_option_chars,
    "options refer to letters": lambda draft, config: any(map(refers_to_letters, draft.options)),
    "asks for what is not shown": _asks_for_what_is_not_shown,
    "answer stands in the question": _gives_answer_away,
    "right option far longer": _is_far_longer,
}
