"""The table of train_speed.py, in Markdown."""

import statistics
from collections import defaultdict

from speed_jobs import is_measured
from train_speed_jobs import LIMIT, Job

COLUMNS = (
    "peer", "rows/s", "tokens/s", "of the limit", "allocated GB", "reserved GB", "setup s", "1,000 rows s",
)  # fmt: skip
ROWS = 1_000


def count_linear_parameters(config: dict) -> int:
    """Weights of the linear layers in a Llama's blocks, without embedding and head.

    Args:
        config: what its config.json holds.
    """
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim") or hidden // heads
    attention = 2 * hidden * head * (heads + config["num_key_value_heads"])  # query and output, key and value
    return config["num_hidden_layers"] * (attention + 3 * hidden * config["intermediate_size"])


def count_flops_per_token(config: dict) -> int:
    """Floating-point operations that LoRA training cannot do without, a token.

    Two a weight forward, and two backward for the gradient of the inputs; frozen weights have none.
    """
    return 4 * count_linear_parameters(config)


def format_report(results: list[dict], flops_per_token: int) -> str:
    """What was measured on what, the table, and a line for every job without figures."""
    limits = [result["flops_per_second"] for result in results if is_limit(result) and is_measured(result)]
    limit = statistics.median(limits) if limits else None
    runs = defaultdict(list)
    for result in results:
        if not is_limit(result):
            runs[Job(**result["job"]).name].append(result)
    rows = [
        format_row(name, list(filter(is_measured, of)), limit, flops_per_token) for name, of in runs.items()
    ]
    table = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    return "\n".join([*describe(results, limit, flops_per_token), "", *table, *explain_failures(results)])


def is_limit(result: dict) -> bool:
    return result["job"]["peer"] == LIMIT


def describe(results: list[dict], limit: float | None, flops_per_token: int) -> list[str]:
    """A line on the machine and a line on the rows, as far as a result tells of them."""
    machines = {f"{result['device']}, {result['versions']}": None for result in results if "device" in result}
    works = {
        f"{job['steps']} steps of 8 rows after {job['warm_up']}, at most {job['max_tokens']:,} tokens, "
        f"mean {result['n_tokens'] / result['n_rows']:.0f}": None
        for result in results
        if "n_tokens" in result
        for job in [result["job"]]
    }
    matmul = f"; bf16 products reach {limit / 1e12:.0f} TFLOP/s" if limit else ""
    return [*machines, *works, f"{flops_per_token / 1e9:.1f} GFLOP a token{matmul}"]


def format_row(name: str, runs: list[dict], limit: float | None, flops_per_token: int) -> list[str]:
    """Medians over the runs of one peer; empty cells without any."""
    if not runs:
        return [name] + [""] * (len(COLUMNS) - 1)

    def median(of) -> float:
        return statistics.median(map(of, runs))

    rows_per_second = median(lambda run: run["n_rows"] / run["seconds"])
    tokens_per_second = median(lambda run: run["n_tokens"] / run["seconds"])
    gigabytes = [median(lambda run, key=key: run[key]) / 1e9 for key in ("peak_allocated", "peak_reserved")]
    whole = median(lambda run: run["setup_seconds"] + ROWS * run["seconds"] / run["n_rows"])
    return [
        name,
        f"{rows_per_second:.1f}{format_range([run['n_rows'] / run['seconds'] for run in runs])}",
        f"{tokens_per_second:,.0f}",
        f"{tokens_per_second * flops_per_token / limit:.0%}" if limit else "",
        *(f"{value:.2f}" if value else "" for value in gigabytes),  # none on a CPU
        f"{median(lambda run: run['setup_seconds']):.0f}",
        f"{whole:.0f}",
    ]


def format_range(values: list[float]) -> str:
    return f" ({min(values):.1f}-{max(values):.1f})" if len(values) > 1 else ""


def explain_failures(results: list[dict]) -> list[str]:
    """Why peers are without figures: not installed, or the last line of an error."""
    reasons = {
        f"- {Job(**result['job']).name}: {result.get('missing') or result['error']}": None
        for result in results
        if not is_measured(result)
    }
    return ["", *reasons] if reasons else []
