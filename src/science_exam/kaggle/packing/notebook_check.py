"""What would go wrong with a notebook on Kaggle, found before it is pushed."""

import ast
import re
from pathlib import Path

from science_exam.kaggle.packing.secret_scan import find_secrets

MAX_BYTES = 10**6  # of source that Kaggle takes
ADDRESS = re.compile(r"\b(https?|ftp|s3|gs)://")
# What runs without looking at how it ends: a failed `!pip` goes on as if it had not.
SHELL = re.compile(r"^\s*[!%]", re.MULTILINE)
ONLINE = re.compile(r"pip3?[\"',\s]+install(?![^\n]*--no-index)")


def check_notebook(path: Path) -> list[str]:
    """What is wrong with a notebook, one line each, none when all is well."""
    if not path.is_file():
        return [f"{path}: no such notebook; run make kernel again"]
    import nbformat

    problems = []
    if (size := path.stat().st_size) >= MAX_BYTES:
        problems.append(f"{size} bytes, expected less than {MAX_BYTES}")
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        return [f"{path}: not a valid notebook: {' '.join(str(error).split()):.200}"]
    if not notebook.metadata.get("kernelspec", {}).get("name"):
        problems.append("no metadata.kernelspec.name, without which Kaggle cannot run it")
    for number, cell in enumerate(notebook.cells, start=1):
        problems += [f"cell {number}: {problem}" for problem in _check_cell(cell)]
    return [f"{path}: {problem}" for problem in problems] + find_secrets(path)


def _check_cell(cell) -> list[str]:
    problems = []
    if ADDRESS.search(cell.source):
        problems.append("holds an address, and there is no network")
    if cell.cell_type != "code":
        return problems
    if cell.outputs or cell.execution_count is not None:
        problems.append("has outputs; clear them")
    if SHELL.search(cell.source):
        problems.append("runs a shell command, whose failure would be hidden; use subprocess with check=True")
    if ONLINE.search(cell.source):
        problems.append("installs from the network; add --no-index")
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        problems.append(f"does not compile: {error}")
    return problems
