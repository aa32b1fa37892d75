"""report.md of a built set: what went in, what was left out and why, and what came out."""

from pathlib import Path

from science_exam.questions.building.balance import BY_CHANCE
from science_exam.questions.building.collecting import Losses
from science_exam.questions.building.statistics import Example, Statistics, describe_spread
from science_exam.questions.config import BuildConfig
from science_exam.questions.drafts import Tally
from science_exam.tables import LETTERS


def format_report(config: BuildConfig, losses: Losses, statistics: Statistics) -> str:
    """The report as Markdown.

    Args:
        config: what the set was built with.
        losses: what happened to the rows of the sources.
        statistics: of the rows of the set.
    """
    sections = [
        _format_head(config, losses, statistics),
        "## Sources\n\n" + _format_sources(losses, statistics),
        *(
            f"## {title}\n\n{_format_tally(tally)}"
            for title, tally in (
                ("Left out: faults", losses.faults),
                ("Left out: repeated questions and leaks", losses.repeats),
                ("Left out: balance of lengths", losses.balance),
                ("Mended", losses.mended),
            )
            if tally.counts
        ),
        "## Balance and lengths\n\n" + _format_balance(statistics),
        "## Rows drawn at random\n\n" + "\n\n".join(map(_format_example, statistics.examples)),
    ]
    return "\n\n".join(sections) + "\n"


def _format_head(config: BuildConfig, losses: Losses, statistics: Statistics) -> str:
    how = "words and sentence vectors" if config.duplicates.paraphrases else "words alone: rewordings stay"
    sets = ", ".join(Path(path).name for path in config.evaluation)
    return (
        f"# Question set\n\n{losses.kept.total():,} questions in {statistics.rows.total():,} rows.\n\n"
        f"- kept apart from: {sets or 'no evaluation set'}\n- repeats and leaks were looked for by {how}"
    )


def _format_sources(losses: Losses, statistics: Statistics) -> str:
    """A line a source; the baselines count every row of the set."""
    lines = [
        "| source | offered | faults | repeated | balance | questions | rows | longest is right | shortest |",
        "| --- " * 9 + "|",
    ]
    for source, offered in losses.offered.items():
        left_out = [tally.total(source) for tally in (losses.faults, losses.repeats, losses.balance)]
        numbers = [offered, *left_out, losses.kept[source], rows := statistics.rows[source]]
        extremes = [counts[source] / max(1, rows) for counts in (statistics.longest, statistics.shortest)]
        lines.append(f"| {source} | " + " | ".join(f"{number:,}" for number in numbers) + " | ")
        lines[-1] += " | ".join(f"{share:.1%}" for share in extremes) + " |"
    return "\n".join(lines)


def _format_tally(tally: Tally) -> str:
    lines = ["| source | reason | rows | for example |", "| --- | --- | --- | --- |"]
    for (source, reason), count in sorted(tally.counts.items(), key=lambda item: (item[0][0], -item[1])):
        places = "; ".join(tally.places[source, reason])
        lines.append(f"| {source} | {reason} | {count:,} | {_inline(places)} |")
    return "\n".join(lines)


def _format_balance(statistics: Statistics) -> str:
    shares = zip(LETTERS, statistics.position_shares(), strict=True)
    n_rows = max(1, statistics.rows.total())
    contexts = ", ".join(f"{n}: {count:,}" for n, count in sorted(statistics.n_contexts.items()))
    return "\n".join(
        [
            f"- right option: {', '.join(f'{letter} {share:.1%}' for letter, share in shares)}",
            f"- always the longest option: accuracy {statistics.longest.total() / n_rows:.3f} "
            f"(a guess: {BY_CHANCE:.3f}); the shortest: {statistics.shortest.total() / n_rows:.3f}",
            f"- words of a prompt: {describe_spread(statistics.prompt_words)}",
            f"- words of an option: {describe_spread(statistics.option_words)}",
            f"- rows by their number of contexts: {contexts}",
        ]
    )


def _format_example(row: Example) -> str:
    lines = [f"{letter}: {_inline(option)}" for letter, option in zip(LETTERS, row.options, strict=True)]
    lines[row.answer - 1] = f"**{lines[row.answer - 1]}**"
    options = "\n".join(f"- {line}" for line in lines)
    return f"`{row.question_id}`: {_inline(row.prompt)}\n\n{options}"


def _inline(text: str) -> str:
    """Text that stays in its line and its cell."""
    return " ".join(text.split()).replace("|", "\\|")
