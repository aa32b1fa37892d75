"""The tables of answer_speed.py, in Markdown."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence

from answer_speed_jobs import CHECK, LIMIT
from speed_jobs import is_measured

COLUMNS = (
    "questions/s", "of the FLOP limit", "of what lasts", "a question, of the first row's", "in the model",
    "first answers s", "cold s", "allocated GB", "reserved GB",
)  # fmt: skip
CHECKS = ("questions", "largest difference", "mean difference", "other answers", "their options' largest gap")
LIMITS = ("flops_per_second", "lasting_flops_per_second")
Key = tuple[str, str, int]  # table, row, size


def format_report(results: Sequence[dict]) -> str:
    """What was measured on what, the tables of each base, and a line for every job without figures."""
    measured = [result for result in results if is_limit(result) and set(LIMITS) <= set(result)]
    limits = [statistics.median(result[name] for result in measured) for name in LIMITS] if measured else None
    by_base = defaultdict(list)
    for result in results:
        if not is_limit(result):
            by_base[result["job"]["base"].rpartition("/")[2]].append(result)
    parts = ["\n".join(describe(results, limits))]
    for base, of in by_base.items():
        measured = [result for result in of if is_measured(result)]
        parts += [f"## {base}", *format_tables(measured, limits), *format_checks(measured)]
    return "\n\n".join([*parts, *explain_failures(results)])


def is_limit(result: dict) -> bool:
    return result["job"]["way"] == LIMIT


def describe(results: Sequence[dict], limits: Sequence[float] | None) -> list[str]:
    """A line on the machine, one on the settings and one on the limit, as far as a result tells of them."""
    machines = {f"{result['device']}, {result['versions']}": None for result in results if "device" in result}
    settings = {
        f"at most {job['max_tokens']:,} tokens a question, padded batches of {job['batch_size']}, "
        f"packs of {job['tokens_together']:,} tokens": None
        for result in results
        for job in [result["job"]]
    }
    if limits is None:
        return [*machines, *settings]
    once, lasting = (f"{limit / 1e12:.0f} TFLOP/s" for limit in limits)
    return [*machines, *settings, f"bf16 products reach {once}, and {lasting} for seconds on end"]


def format_tables(results: Sequence[dict], limits: Sequence[float] | None) -> Iterator[str]:
    """One table of each name that the runs bear; the first row is what the others are compared with."""
    runs: dict[Key, list[dict]] = defaultdict(list)
    for result in results:
        for run in result.get("runs", []):
            cold = {"cold_seconds": result["cold_seconds"]}
            runs[run["table"], run["row"], run["size"]].append({**run, **cold})
    for name in dict.fromkeys(table for table, _, _ in runs):
        rows = {key: medians(of) for key, of in runs.items() if key[0] == name}
        first = next(iter(rows.values()))
        lines = [format_row(key[1], row, first, limits) for key, row in rows.items()]
        yield "\n".join(format_lines((name, "questions", *COLUMNS), lines))


def medians(runs: Sequence[dict]) -> dict:
    """The median of every figure."""
    return {
        name: statistics.median(run[name] for run in runs)
        for name, value in runs[0].items()
        if not isinstance(value, str)
    }


def format_row(name: str, row: dict, first: dict, limits: Sequence[float] | None) -> list[str]:
    """The cells of one way and number of questions."""
    pace, of_first = (of["n_questions"] / of["seconds"] for of in (row, first))
    speed = row["flops"] / row["seconds"]
    shares = [f"{speed / limit:.1%}" for limit in limits] if limits else ["", ""]
    gigabytes = [row[key] / 1e9 for key in ("peak_allocated", "peak_reserved")]
    return [
        name,
        f"{row['n_questions']:,.0f}",
        f"{pace:.1f}",
        *shares,
        f"{of_first / pace:.3g}",
        f"{row['model_seconds'] / row['seconds']:.0%}",
        f"{row['first_seconds']:.2f}",
        f"{row['cold_seconds']:.1f}",
        *(f"{value:.2f}" if value else "" for value in gigabytes),  # none on a CPU
    ]


def format_checks(results: Sequence[dict]) -> Iterator[str]:
    """The table of the check."""
    for result in results:
        if result["job"]["way"] == CHECK:
            lines = [format_check(check) for check in result["checks"]]
            yield "\n".join(format_lines(("beside one question a pass", *CHECKS), lines))


def format_check(check: dict) -> list[str]:
    """The cells of one comparison; the reference that gives an answer alone has no differences."""
    differences = [f"{check[key]:.2g}" if key in check else "" for key in ("largest", "mean")]
    gap = f"{check['gap']:.2g}" if check["n_differ"] else ""
    return [check["row"], f"{check['n_questions']:,}", *differences, str(check["n_differ"]), gap]


def format_lines(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *rows)]


def explain_failures(results: Sequence[dict]) -> list[str]:
    """Why ways are without figures: not installed, or the last line of an error."""
    reasons = {
        f"- {result['job']['way']}, {result['job']['base'].rpartition('/')[2]}: "
        f"{result.get('missing') or result['error']}": None
        for result in results
        if not is_measured(result)
    }
    return ["\n".join(reasons)] if reasons else []
