"""Sources -> checked drafts: what a source offers, what of it is usable, and when to stop."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from science_exam.errors import UserError
from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.building.quality import check_draft
from science_exam.questions.config import QualityConfig, SourceConfig, name_source
from science_exam.questions.drafts import Draft, Tally


@dataclass
class Losses:
    """What happened to the rows of a build.

    Attributes:
        offered: rows of each source, usable or not.
        faults: rows that cannot be used, by reason.
        mended: what was mended in rows that stay.
        repeats: rows that repeat others, or evaluation questions.
        balance: rows left out so that what is left is balanced.
        kept: rows of each source in the set, without their permutations.
    """

    offered: Counter[str] = field(default_factory=Counter)
    faults: Tally = field(default_factory=Tally)
    mended: Tally = field(default_factory=Tally)
    repeats: Tally = field(default_factory=Tally)
    balance: Tally = field(default_factory=Tally)
    kept: Counter[str] = field(default_factory=Counter)


def collect_drafts(
    sources: tuple[SourceConfig, ...], quality: QualityConfig, losses: Losses
) -> Iterator[Draft]:
    """The usable drafts of all sources, one after the other, named after source and row.

    Raises:
        UserError: a source cannot be read, holds nothing, or more than `quality.max_dropped` of its rows
            are unusable.
    """
    for source in sources:
        yield from _collect_source(replace(source, name=name_source(source)), quality, losses)


def _collect_source(source: SourceConfig, quality: QualityConfig, losses: Losses) -> Iterator[Draft]:
    n_usable = 0
    for draft in read_drafts(source, losses.faults):
        if checked := check_draft(draft, quality, losses.faults, losses.mended):
            n_usable += 1
            number = n_usable + losses.faults.total(source.name)  # among all rows that were offered
            yield replace(checked, question_id=f"{source.name}-{number}")
    losses.offered[source.name] = n_usable + losses.faults.total(source.name)
    if not losses.offered[source.name]:
        raise UserError(f"{source.path}: expected at least one question, found none")
    check_faults(source.name, quality.max_dropped, losses)


def check_faults(source: str, max_dropped: float, losses: Losses) -> None:
    """Stop the build where a source loses more than a share of its rows.

    Raises:
        UserError: the reasons, the most frequent first, with a place of each.
    """
    n_faulty, offered = losses.faults.total(source), losses.offered[source]
    if n_faulty <= max_dropped * offered:
        return
    reasons = [
        f"{reason}: {count} (first: {losses.faults.places[name, reason][0]})"
        for (name, reason), count in losses.faults.counts.most_common()
        if name == source
    ]
    raise UserError(
        f"source {source!r}: {n_faulty} of {offered} rows cannot be used, expected at most "
        f"quality.max_dropped={max_dropped:g} of them; {'; '.join(reasons)}"
    )
