"""A kernel run as the competition runs it: sealed, on questions whose answers it is not given."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from science_exam.errors import UserError
from science_exam.evaluation.metrics import map_at_k
from science_exam.files import write_text
from science_exam.kaggle.config import SimulateConfig
from science_exam.kaggle.packing.kernel import KERNELS
from science_exam.kaggle.packing.metadata import read_kernel
from science_exam.kaggle.simulation import sealing
from science_exam.kaggle.simulation.inputs import build_inputs
from science_exam.kaggle.simulation.rows import TestRow, make_rows, write_rows
from science_exam.kaggle.simulation.sealing import LATE_SECONDS, Session
from science_exam.kaggle.submission import check_submission

SIMULATIONS = Path("data/simulations")
LITTLE_GB = 0.6  # for fault=out-of-memory: less than the libraries and the passages take together
NOT_SEALED = (
    "not sealed, for want of root: files of this machine can be read, inputs could be written to; "
    "connections are refused by Python alone"
)


class Ended(NamedTuple):
    """How a session ended: why not well, the memory it took at most, and what could not be sealed."""

    problem: str
    peak_bytes: int
    unsealed: str


@dataclass(frozen=True)
class Outcome:
    """What came of a simulation.

    Attributes:
        folder: that holds working/ and run/executed.ipynb.
        report: report.json; empty when there is none.
        problem: why Kaggle would not score it: the notebook did not end well, or its submission is not valid.
        n_rows: of test.csv.
        map3: MAP@3 on the rows whose answers are known; None when there are none, or there is a problem.
        seconds: of the session.
        peak_bytes: of memory; 0 when that was not measured.
        unsealed: what could not be sealed.
    """

    folder: Path
    report: dict[str, Any]
    problem: str
    n_rows: int
    map3: float | None
    seconds: float
    peak_bytes: int
    unsealed: str

    @property
    def status(self) -> str:
        """The report's, or "none"."""
        return self.report.get("status", "none")

    def describe(self) -> str:
        """A few lines for the eye."""
        score = "not scored" if self.map3 is None else f"MAP@3 {self.map3:.3f}"
        peak = f", {self.peak_bytes / 1e9:.1f} GB of memory at most" if self.peak_bytes else ""
        lines = [
            f"{self.folder}: {self.n_rows} rows, {self.problem or 'a valid submission'}, {self.status}",
            f"{score}, {self.seconds:.0f} s{peak}",
            self.unsealed,
        ]
        return "\n".join(filter(None, lines))


def simulate(config: SimulateConfig) -> Outcome:
    """Run a kernel's notebook once and look at what it leaves behind.

    Raises:
        UserError: there is no such kernel, no questions, or the fault cannot be made with them.
    """
    kernel = KERNELS / config.name
    settings, rows = read_kernel(kernel), make_rows(Path(config.questions), config.rows, config.fault)
    label = f"{config.rows}-{config.layout}{config.fault and '-'}{config.fault}"
    folder = SIMULATIONS / config.name / label
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("root", "working", "temp", "run"):
        (folder / name).mkdir(parents=True)
    competition = build_inputs(kernel, settings, config.layout, config.fault, folder / "root")
    write_rows(rows, competition / "test.csv", config.fault)
    shutil.copyfile(kernel / f"{config.name}.ipynb", folder / "run" / "notebook.ipynb")
    memory_gb = LITTLE_GB if config.fault == "out-of-memory" else config.memory_gb
    python = config.python or sys.executable
    session = Session(folder / "root", folder, 60 * config.minutes, int(memory_gb * 1e9), python)
    began = time.monotonic()
    ended = run_session(session)
    seconds = time.monotonic() - began
    for name in ("root", "temp"):
        shutil.rmtree(folder / name)
    return judge(folder, rows, seconds, ended)


def run_session(session: Session) -> Ended:
    """Run the notebook."""
    is_sealed = sealing.can_seal()
    tops = session.describe_sealed()["tops"] if is_sealed else []
    with (
        sealing.own_runtime_folder() as runtime,
        sealing.own_tops(tops),
        sealing.limited_memory(session.memory_bytes) as cgroup,
    ):
        job = session.folder / "run" / "job.json"
        write_text(job, json.dumps(sealing.describe_job(session, is_sealed, str(cgroup or "")), indent=1))
        command = sealing.make_command(session, is_sealed, job)
        environment = sealing.make_environment(session, is_sealed, runtime)
        try:
            done = subprocess.run(command, env=environment, timeout=session.seconds + LATE_SECONDS)
            code = done.returncode
            problem = f"the notebook ended with exit code {code}, see run/executed.ipynb" if code else ""
        except subprocess.TimeoutExpired:
            problem = "the session did not end and was killed"
        peak_bytes = sealing.read_peak_bytes(cgroup) if cgroup else 0
    return Ended(problem, peak_bytes, "" if is_sealed else NOT_SEALED)


def judge(folder: Path, rows: list[TestRow], seconds: float, ended: Ended) -> Outcome:
    """Look at what a session has left in working/; Kaggle takes nothing of a notebook that raised."""
    path, problem, map3 = folder / "working" / "report.json", ended.problem, None
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    answers = {}
    for row in rows:
        answers.setdefault(row.id, row.answer)  # of rows with one id the first is asked
    try:
        rankings = check_submission(folder / "working" / "submission.csv", list(answers))
    except UserError as error:
        problem = problem or str(error)
    known = [row_id for row_id, answer in answers.items() if answer]
    if known and not problem:
        map3 = map_at_k([rankings[i] for i in known], [answers[i] for i in known])
    return Outcome(folder, report, problem, len(rows), map3, seconds, ended.peak_bytes, ended.unsealed)
