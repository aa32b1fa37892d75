"""Wheels from a folder, without a network, beside what the image has."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from science_exam.errors import UserError
from science_exam.kaggle.session.bootstrap import import_from


def install_wheels(folder: Path, target: Path) -> None:
    """Install the wheels that fit this interpreter into `target` and let imports find them first.

    Nothing is resolved and nothing in the image replaced: what is not in the folder stays as it is.

    Raises:
        UserError: pip fails, or a package that is not there has wheels but none that fits.
    """
    fitting, unfit = choose_wheels(sorted(folder.glob("*.whl")))
    if fitting:
        options = ["--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", "--quiet"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *fitting]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"pip could not install the wheels: {done.stderr[-600:]}")
        import_from(target)
        print("\n".join(Path(wheel).name for wheel in fitting))
    if absent := [name for name in unfit if not _is_installed(name)]:
        raise UserError(f"no wheel of {', '.join(absent)} fits this Python {sys.version.split()[0]}")


def choose_wheels(wheels: list[Path]) -> tuple[list[str], list[str]]:
    """Of each package the wheel that fits this interpreter best, and the packages that have none."""
    from packaging.tags import sys_tags
    from packaging.utils import parse_wheel_filename

    ranks = {tag: rank for rank, tag in enumerate(sys_tags())}
    best: dict[str, tuple[int, str]] = {}
    for wheel in wheels:
        name, _, _, tags = parse_wheel_filename(wheel.name)
        rank = min(ranks.get(tag, len(ranks)) for tag in tags)
        best[name] = min(best.get(name, (len(ranks), "")), (rank, str(wheel)))
    fitting = [wheel for rank, wheel in best.values() if rank < len(ranks)]
    return fitting, [name for name, (rank, _) in best.items() if rank == len(ranks)]


def _is_installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False
