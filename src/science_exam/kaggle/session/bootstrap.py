"""The package from the wheel among the inputs, for this process and those it starts.

Standard library only: this file is the text of a cell of the notebook.
"""

import importlib
import json
import os
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path


def unpack_package(wheels: Iterable[Path], kernel: str, target: Path) -> None:
    """Unpack the wheel that was bundled for this kernel and let imports find it first.

    Raises:
        FileNotFoundError: none of the wheels was.
        ImportError: another copy of the package comes in.
    """
    wheel = next((wheel for wheel in wheels if _read_kernel(wheel) == kernel), None)
    if wheel is None:
        raise FileNotFoundError(f"no bundle 'code' of {kernel} among the inputs: add it to the notebook")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    import_from(target)
    package = importlib.import_module("science_exam")
    if not Path(package.__file__).resolve().is_relative_to(target.resolve()):
        raise ImportError(f"science_exam comes from {package.__file__} instead of {wheel}")
    print(f"{wheel} -> {target}")


def import_from(folder: Path) -> None:
    """Let this process and those that it starts look for modules there first."""
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    importlib.invalidate_caches()


def _read_kernel(wheel: Path) -> str:
    """Name of the kernel that a wheel was bundled for, from the manifest beside it."""
    try:
        manifest = wheel.with_name("science-exam-manifest.json").read_text(encoding="utf-8")
        return json.loads(manifest)["kernel"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
