"""Runs a notebook as Kaggle does, and what keeps it in: python -P sealed_room.py JOB.json

As root it is started in namespaces of its own (unshare): no network but the loopback, mounts that no one
else sees, inputs that cannot be written to. This file imports nothing of the project, so that the notebook
sees the package of its bundles alone.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

DRIVER = Path("/dev/nvidiactl")


def main(job: dict) -> None:
    """Run the notebook of a job.

    Args:
        job: sealed, cgroup, memory_bytes, seconds, notebook, executed, working; of a sealed one also tops:
            folders at the root that are its own, mounts: [source, target, writable], and hidden: folders that
            it must do without.
    """
    if job["cgroup"]:
        Path(job["cgroup"], "cgroup.procs").write_text("0")
    elif not DRIVER.exists():  # CUDA reserves more addresses than there is memory
        resource.setrlimit(resource.RLIMIT_AS, (job["memory_bytes"],) * 2)
    if job["sealed"]:
        seal(job["tops"], job["mounts"], job["hidden"])
    Path(os.environ["HOME"]).mkdir(parents=True, exist_ok=True)
    asyncio.run(run_notebook(Path(job["notebook"]), Path(job["executed"]), job["working"], job["seconds"]))


def seal(tops: list[str], mounts: list[tuple[str, str, bool]], hidden: list[str]) -> None:
    """Mount what the notebook is to see, and cover what it is not to see."""
    mount("--make-rprivate", "/")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)  # some libraries talk to themselves
    for top in tops:
        cover(top)
    for source, target, is_writable in mounts:
        Path(target).mkdir(parents=True, exist_ok=True)
        mount("--bind", source, target)
        if not is_writable:
            mount("-o", "remount,bind,ro", target)
    for folder in hidden:
        cover(folder)


def cover(folder: str) -> None:
    """Put an empty folder over what is there."""
    mount("-t", "tmpfs", "-o", "size=1m", "none", folder)


def mount(*words: str) -> None:
    """The system's mount."""
    subprocess.run(["mount", *words], check=True)


async def run_notebook(source: Path, executed: Path, working: str, seconds: float) -> None:
    """Run all cells, through sockets in the file system: there is no network to talk to a kernel over."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    notebook = nbformat.read(source, as_version=4)
    sockets = str(Path(os.environ["JUPYTER_RUNTIME_DIR"], "kernel"))
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=sockets)
    resources = {"metadata": {"path": working}}
    client = NotebookClient(notebook, km=manager, on_cell_executed=show, resources=resources)
    try:
        await asyncio.wait_for(client.async_execute(), seconds)
    except TimeoutError:
        sys.exit(f"the session was ended after {seconds:.0f} s")
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)  # with the processes that it has started
        executed.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def show(cell, cell_index: int, execute_reply: dict) -> None:
    """Print what a cell has printed."""
    for output in cell.get("outputs", []):
        print("".join(output.get("text", output.get("traceback", []))), end="", flush=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
