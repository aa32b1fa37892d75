"""What a push says and does in each case that can go wrong: the official client, a stand-in for Kaggle.

    python benchmarks/push_faults.py

Each case is a process of its own (`scripts/push.py`), run with the fault and once more without it. The table
shows exit code and message, whether the second push succeeds, and how many versions there are at Kaggle then,
of the bundles and of the notebook: one of each, but of what the first push made and Kaggle spoiled.

As root, without any network: unshare -n sh -c "ip link set lo up; python benchmarks/push_faults.py"
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from kaggle_faults import CASES, Case
from kaggle_stub import KEY, TOKEN, USER, Stub
from small_kernel import CONFIG, NAME, write_all

from science_exam.kaggle.packing.kernel import make_kernel, plan_kernel

ROOT = Path(__file__).parents[1]
WORDS = (f"name={NAME}", "wait_seconds=0.01", "poll_seconds=0.01")
KILLED = Case("killed in the middle of an upload", lambda stub, kernel: None, "", exit_code=-9)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ["KAGGLE_USERNAME"] = USER
        write_all()
        kernel = make_kernel(plan_kernel(CONFIG), overwrite=False)
        packed = shutil.copytree(kernel, "packed")
        print("| case | exit code | message | pushed again | versions | seconds |\n|" + " --- |" * 6)
        cases = [case for case in CASES if case.exit_code == 1]  # the others are of one process
        for case in [*cases, KILLED]:
            shutil.rmtree(kernel)
            shutil.copytree(packed, kernel)
            print(run_case(case, kernel), flush=True)


def run_case(case: Case, kernel: Path) -> str:
    """A row of the table."""
    stub, started, usual = Stub(), time.perf_counter(), dict(os.environ)
    home = Path(tempfile.mkdtemp(dir="."))
    os.environ.update(stub.environment(home.resolve()))
    case.cause(stub, kernel)
    code, said = push(stub, killed=case is KILLED)
    case.mend(stub, kernel)
    again, _ = push(stub)
    versions = [str(len(made)) for made in (stub.datasets | stub.kernels).values()]
    os.environ.clear()
    os.environ.update(usual)
    stub.shutdown()
    cells = [case.name, code, shorten(said), "yes" if again == 0 else "NO", " ".join(versions)]
    return f"| {' | '.join(map(str, cells))} | {time.perf_counter() - started:.1f} |"


def push(stub: Stub, killed: bool = False) -> tuple[int, str]:
    """Exit code and error of a push; one that is to be killed is, after its fourth file."""
    command = [sys.executable, str(ROOT / "scripts" / "push.py"), *WORDS]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, **pipes)
    while killed and process.poll() is None:
        if stub.count("PUT") >= 4:
            process.kill()
        time.sleep(0.01)
    out, err = process.communicate()
    if any(secret in out + err for secret in (KEY, TOKEN)):
        raise AssertionError("a secret was shown")
    return process.returncode, err


def shorten(said: str) -> str:
    """The error, in one cell."""
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    return re.sub(r"\s+", " ", errors[-1][7:] if errors else said).replace("|", "/")[:160]


if __name__ == "__main__":
    main()
