"""One job of answer_speed.py: python answer_speed_ways.py JOB RESULT, a job as JSON, a file to write."""

import importlib.util
import json
import sys
from pathlib import Path

from answer_speed_bench import Laps, load_bench
from answer_speed_check import check_answers
from answer_speed_jobs import CHECK, LIMIT, Job
from answer_speed_own import N_ADAPTERS, WAYS
from answer_speed_peers import PACKAGES, measure_peer
from speed_machine import describe_machine, measure_lasting_limit, measure_limit, read_clock

COLD_QUESTIONS = 32


def measure(job: Job) -> dict:
    """The result of a job, but for the job itself."""
    if job.way == LIMIT:
        return {**measure_limit(), **measure_lasting_limit()}
    missing = [name for name in PACKAGES.get(job.way, ()) if importlib.util.find_spec(name) is None]
    if missing:
        return {"missing": f"not installed: {', '.join(missing)}"}
    bench = load_bench(job, N_ADAPTERS if job.way == "adapters" else 1)
    if job.way == CHECK:
        return {"checks": list(check_answers(bench))}
    asked, began = bench.closed[:COLD_QUESTIONS], read_clock()
    answer, runs = WAYS.get(job.way, measure_peer)(bench)
    prepared_seconds = read_clock() - began
    laps = Laps()
    answer(asked, laps)  # kernels are compiled and loaded
    return {"cold_seconds": prepared_seconds + laps.first_seconds, "runs": list(runs)}


if __name__ == "__main__":
    job = Job(**json.loads(sys.argv[1]))
    result = measure(job)
    Path(sys.argv[2]).write_text(json.dumps({**result, **describe_machine()}), encoding="utf-8")
