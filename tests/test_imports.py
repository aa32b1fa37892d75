"""Who may import whom, what is imported late, and how long a module may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PACKAGE = "science_exam"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / PACKAGE).rglob("*.py"))
}
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))

# What every stage may import; among themselves too.
FOUNDATION = {
    "errors", "environment", "files", "tables", "config", "runs", "prompt", "columns", "overlap",
    "signatures", "repeats", "workers", "choices", "judgements", "sentences",
}  # fmt: skip
STAGES = {path.parent.name for path in (SOURCE / PACKAGE).glob("*/__init__.py")}
# Between stages only tables pass, but for these.
EXCEPTIONS = {
    ("answering", "training.model"),
    # A base that is streamed is loaded without its layers.
    ("answering", "training.hollow"),
    # Prompts are read as rows are trained on: packed, by the same blocks.
    ("answering", "training.fast"),
    # A trained model is loaded as what it is, adapter or encoder.
    ("answering", "training.learners"),
    # The metrics are a leaf: what nDCG is has one definition.
    ("retrieval", "evaluation.metrics"),
    ("answering", "evaluation.metrics"),
    # Paraphrases are found with the encoder that retrieval loads, in one function.
    ("questions.repeats.embeddings", "retrieval.encoder_loading"),
    # Wrong options are borrowed from questions that BM25 finds near.
    ("questions.wrong_options", "retrieval"),
}
HEAVY = {
    "torch", "transformers", "peft", "trl", "datasets", "sklearn", "datasketch", "scipy", "faiss", "ray",
    "sentence_transformers", "mwparserfromhell",
}  # fmt: skip
# Imported before anything is known to be needed.
LIGHT = {"tables", "config", "runs", "files", "cli", "prompt", "evaluation", "questions", "kaggle"}
ANY_MODULE = pytest.mark.parametrize("module", MODULES)


def read_imports(path, below_functions=True):
    """Names that a file imports; names of this package are resolved to its modules."""
    pending, names = [ast.parse(path.read_text(encoding="utf-8"))], set()
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= (whole & MODULES.keys()) or {node.module}
        elif below_functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
    return names


def inside(names):
    """Modules of this package among `names`, without its own name."""
    return {name.removeprefix(f"{PACKAGE}.") for name in names if name.startswith(f"{PACKAGE}.")}


def is_below(name, parent):
    return name == parent or name.startswith(f"{parent}.")


def short(module):
    return module.removeprefix(f"{PACKAGE}.")


@pytest.mark.parametrize("name", sorted(FOUNDATION))
def test_the_foundation_imports_only_itself(name):
    assert inside(read_imports(MODULES[f"{PACKAGE}.{name}"])) <= FOUNDATION


def test_metrics_need_numpy_alone():
    outside = {name.split(".")[0] for name in read_imports(MODULES[f"{PACKAGE}.evaluation.metrics"])}
    assert outside - set(sys.stdlib_module_names) == {"numpy"}


@pytest.mark.parametrize("stage", sorted(STAGES - {"kaggle"}))
def test_between_stages_only_tables_pass(stage):
    strangers = []
    for module, path in MODULES.items():
        if not is_below(short(module), stage):
            continue
        for name in inside(read_imports(path)):
            own = is_below(name, stage) or name in FOUNDATION
            excepted = any(is_below(short(module), a) and is_below(name, b) for a, b in EXCEPTIONS)
            if not own and not excepted:
                strangers.append(f"{short(module)} imports {name}")
    assert strangers == []


@ANY_MODULE
def test_nothing_imports_evaluation_but_scripts(module):
    if is_below(short(module), "evaluation"):
        return
    # The metrics are a leaf: how options are ranked has one definition.
    found = {name for name in inside(read_imports(MODULES[module])) if is_below(name, "evaluation")}
    assert found <= {"evaluation.metrics"}


@ANY_MODULE
def test_only_training_knows_trl_and_peft(module):
    outside = {name.split(".")[0] for name in read_imports(MODULES[module])}
    assert is_below(short(module), "training") or not outside & {"trl", "peft"}


@ANY_MODULE
def test_no_module_imports_a_script_or_the_command_line(module):
    names = {name.split(".")[0] for name in read_imports(MODULES[module])}
    assert not names & {"scripts", *(path.stem for path in SCRIPTS)}
    assert "cli" not in inside(read_imports(MODULES[module]))


@ANY_MODULE
def test_every_module_of_the_package_that_is_imported_exists(module):
    unknown = {name for name in inside(read_imports(MODULES[module])) if f"{PACKAGE}.{name}" not in MODULES}
    assert unknown == set()


@ANY_MODULE
def test_heavy_libraries_are_imported_where_they_are_needed(module):
    if any(is_below(short(module), light) for light in LIGHT):
        names = {name.split(".")[0] for name in read_imports(MODULES[module], below_functions=False)}
        assert names & HEAVY == set()


def test_nothing_heavy_comes_in_by_a_detour():
    light = [m for m in MODULES if any(is_below(short(m), name) for name in LIGHT)]
    code = f"import sys, importlib\n[importlib.import_module(m) for m in {light}]\nprint(*sys.modules)"
    environment = {"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert HEAVY & {name.split(".")[0] for name in done.stdout.split()} == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_start_without_heavy_libraries(path):
    heavy_at_start = {name.split(".")[0] for name in read_imports(path, below_functions=False)} & HEAVY
    assert heavy_at_start == set()


@ANY_MODULE
def test_modules_are_short(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_thin(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_no_file_is_a_drawer_for_everything():
    drawers = {"utils.py", "helpers.py", "common.py", "misc.py"}
    folders = [SOURCE, ROOT / "scripts", ROOT / "tests", ROOT / "benchmarks"]
    assert [path for folder in folders for path in folder.rglob("*.py") if path.name in drawers] == []


def test_no_file_is_numbered():
    folders = [SOURCE, ROOT / "scripts"]
    assert [path for folder in folders for path in folder.rglob("*.py") if path.stem[-1].isdigit()] == []
