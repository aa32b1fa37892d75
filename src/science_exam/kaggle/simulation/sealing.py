"""What a simulated session may not: reach a network, write to its inputs, take more memory than it has."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from science_exam.kaggle.packing.secret_scan import SECRET_VARIABLE
from science_exam.kaggle.simulation import sealed_room

HIDDEN = ("data", "kernels", "models")  # of the checkout: what is answered with comes from the inputs
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
OWN = ("PYTHONPATH", "EXAM_", "KAGGLE_")  # how variables begin that are set anew
LATE_SECONDS = 60  # for a session that does not end itself
EMPTYING_SECONDS = 10
CGROUPS = Path("/sys/fs/cgroup")
REFUSING = '''\
"""Refuses every connection to another machine."""

import socket


class OfflineSocket(socket.socket):
    def connect(self, address):
        if self.family != socket.AF_UNIX:
            raise OSError(f"no network in this session: {address}")
        return super().connect(address)

    connect_ex = connect


socket.socket = OfflineSocket
'''


@dataclass(frozen=True)
class Session:
    """How a notebook is run.

    Attributes:
        root: folder that stands for the root of the file system, with the inputs below it.
        folder: for working, temp and run: what the notebook writes, its scratch, itself.
        seconds: that it may take.
        memory_bytes: of all its processes together.
        python: interpreter with ipykernel and nbclient.
    """

    root: Path
    folder: Path
    seconds: float
    memory_bytes: int
    python: str = sys.executable

    @property
    def inputs(self) -> list[Path]:
        """Folders that inputs are mounted below, in `root`."""
        tops = [self.root / "kaggle" / "input", *(self.root / top for top in self._find_own_tops())]
        return [top for top in tops if top.is_dir()]

    def describe_sealed(self) -> dict:
        """The part of a job that says what is mounted where."""
        tops = ["/kaggle", *(f"/{top}" for top in self._find_own_tops())]
        inputs = [(str(top), f"/{top.relative_to(self.root)}", False) for top in self.inputs]
        own = [(str(self.folder / name), f"/kaggle/{name}", True) for name in ("working", "temp", "run")]
        hidden = [str(Path(name).absolute()) for name in HIDDEN if Path(name).is_dir()]
        return {"tops": tops, "mounts": [*inputs, *own], "hidden": hidden}

    def _find_own_tops(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir() if path.name != "kaggle")


def can_seal() -> bool:
    """Whether this process may make namespaces and mounts."""
    if os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


def make_environment(session: Session, is_sealed: bool, runtime: str) -> dict[str, str]:
    """The environment of the notebook: Kaggle's, without secrets and ways to a checkout or a network."""
    kept = {name: value for name, value in os.environ.items() if not _is_own(name)}
    temp = Path("/kaggle/temp") if is_sealed else (session.folder / "temp").absolute()
    kept |= {
        "HOME": str(temp / "home"),
        "JUPYTER_RUNTIME_DIR": runtime,  # short: the path of a socket may have about 100 letters
        "KAGGLE_KERNEL_RUN_TYPE": "Batch",
        "KAGGLE_IS_COMPETITION_RERUN": "1",
    }
    if not is_sealed:
        offline = session.folder / "offline"
        offline.mkdir()
        (offline / "sitecustomize.py").write_text(REFUSING, encoding="utf-8")
        kept |= {
            "PYTHONPATH": str(offline.absolute()),
            "EXAM_INPUT": os.pathsep.join(str(top.absolute()) for top in session.inputs),
            "EXAM_WORKING": str((session.folder / "working").absolute()),
            "EXAM_TEMP": str(temp),
        }
    return kept


def _is_own(name: str) -> bool:
    """Whether a variable is of this machine's user, and not to be seen by the notebook."""
    return name.lower() in PROXIES or name.startswith(OWN) or bool(SECRET_VARIABLE.search(name))


def describe_job(session: Session, is_sealed: bool, cgroup: str) -> dict:
    """What `sealed_room` is told."""
    own = Path("/kaggle") if is_sealed else session.folder.absolute()
    job = {
        "sealed": is_sealed,
        "cgroup": cgroup,
        "memory_bytes": session.memory_bytes,
        "seconds": session.seconds,
        "notebook": str(own / "run" / "notebook.ipynb"),
        "executed": str(own / "run" / "executed.ipynb"),
        "working": str(own / "working"),
    }
    return job | session.describe_sealed() if is_sealed else job


def make_command(session: Session, is_sealed: bool, job: Path) -> list[str]:
    """The command that runs a job."""
    room = [session.python, "-P", str(Path(sealed_room.__file__).absolute()), str(job.absolute())]
    return [*UNSHARE, *room] if is_sealed else room


@contextmanager
def own_runtime_folder() -> Iterator[str]:
    """A folder with a short name for sockets."""
    with tempfile.TemporaryDirectory(prefix="exam-") as folder:
        yield folder


@contextmanager
def own_tops(tops: list[str]) -> Iterator[None]:
    """Folders at the root to mount upon; those that were not there are taken away again."""
    made = [Path(top) for top in tops if not Path(top).exists()]
    for top in made:
        top.mkdir()
    try:
        yield
    finally:
        for top in made:
            top.rmdir()


@contextmanager
def limited_memory(n_bytes: int) -> Iterator[Path | None]:
    """A control group whose processes have so much memory together; None where it cannot be made."""
    group = _make_cgroup(n_bytes)
    try:
        yield group
    finally:
        if group is not None:
            _empty(group)
            group.rmdir()


def read_peak_bytes(cgroup: Path) -> int:
    """The most memory that a control group has held."""
    names = ("memory.peak", "memory.max_usage_in_bytes")
    return next((int((cgroup / name).read_text()) for name in names if (cgroup / name).is_file()), 0)


def _empty(cgroup: Path) -> None:
    """Kill what is left of a session and wait until it is gone."""
    ends = time.monotonic() + EMPTYING_SECONDS
    while (left := (cgroup / "cgroup.procs").read_text().split()) and time.monotonic() < ends:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        time.sleep(0.05)


def _make_cgroup(n_bytes: int) -> Path | None:
    is_old = (CGROUPS / "memory").is_dir()  # version 1 has a tree for each kind
    parent, limit = (CGROUPS / "memory", "memory.limit_in_bytes") if is_old else (CGROUPS, "memory.max")
    group = parent / f"science-exam-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        return None
    try:
        (group / limit).write_text(str(n_bytes))
    except OSError:  # the controller is not on here
        group.rmdir()
        return None
    return group
