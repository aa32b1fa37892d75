"""Simulates a kernel in every layout of the inputs and with every fault; prints a table.

    make kernel RUN=demo NAME=science-exam-demo
    python benchmarks/simulation_table.py science-exam-demo [rows=1,200,4000] [fault_rows=60] [python=path]

However much breaks, the submission must be valid: the script ends with exit code 1 when one is not.
"""

import sys
from itertools import cycle

from science_exam.kaggle.config import FAULTS, LAYOUTS, SimulateConfig
from science_exam.kaggle.simulation.simulating import Outcome, simulate

HEADER = "| rows | layout | fault | submission | report | answered | s | GB | MAP@3 |"


def main(name: str, *words: str) -> int:
    given = dict(word.split("=", 1) for word in words)
    sizes = [int(size) for size in given.get("rows", "1,200,4000").split(",")]
    fault_rows, python = int(given.get("fault_rows", 60)), given.get("python", "")
    whole = [(n_rows, layout, "") for n_rows, layout in zip(sizes, cycle(LAYOUTS), strict=False)]
    broken = [(fault_rows, layout, fault) for fault, layout in zip(FAULTS[1:], cycle(LAYOUTS), strict=False)]
    lines, n_invalid = [HEADER, "|" + " --- |" * (HEADER.count("|") - 1)], 0
    for n_rows, layout, fault in whole + broken:
        outcome = simulate(SimulateConfig(name, rows=n_rows, layout=layout, fault=fault, python=python))
        lines.append(format_row(n_rows, layout, fault, outcome))
        n_invalid += bool(outcome.problem)
        print(f"\n{lines[-1]}\n", flush=True)
    print("\n".join(lines))
    return int(n_invalid > 0)


def format_row(n_rows: int, layout: str, fault: str, outcome: Outcome) -> str:
    validity = "INVALID" if outcome.problem else "valid"
    score = "" if outcome.map3 is None else f"{outcome.map3:.3f}"
    gigabytes = f"{outcome.peak_bytes / 1e9:.1f}" if outcome.peak_bytes else ""
    answered = outcome.report.get("answered", 0)
    cells = (n_rows, layout, fault or "none", validity, outcome.status, answered)
    return f"| {' | '.join(map(str, cells))} | {outcome.seconds:.0f} | {gigabytes} | {score} |"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
