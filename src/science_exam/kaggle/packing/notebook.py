"""The notebook: cells in the order of the exam, each a few lines that call the package.

The first cells cannot need the package, which is yet to be found: they are the text of its own modules.
"""

from pathlib import Path

from science_exam.files import write_text
from science_exam.kaggle.config import KernelConfig
from science_exam.kaggle.session import bootstrap, fallback, report

TITLE = """\
# {title}

Answers the LLM Science Exam: science questions with five options each, of which the \
three likeliest are named, best first. Trained adapters on one base model answer from passages of an index; \
everything comes from the bundles that are attached, nothing from the network.

```text
test.csv ──► submission.csv: the longest options first     (from here on there is a valid file)
   │
   ├──► questions ──► passages from the index ──► a model on each GPU ──► answers
   │                                                                       │
   └──► submission.csv: the likeliest options first   ◄────────────────────┘
        report.json: what each stage did                   (both written again and again, always whole)
```

A stage that fails is shown, noted in `report.json`, and leaves the submission as it stands. It takes \
{hours:g} hours at most. Made by `make kernel` of science-exam; the cells call the same package that trained.
"""
SUBMIT_FIRST = """\
## 1. A submission first

Before anything can go wrong: every question gets its longest options, which are right more often than \
chance. Standard library only."""
FALLBACK = """\
KERNEL, COMPETITION = "{name}", "{competition}"
WORKING = Path(os.environ.get("EXAM_WORKING", "/kaggle/working"))
TEMP = Path(os.environ.get("EXAM_TEMP", "/kaggle/temp")) / "exam"
SUBMISSION = WORKING / "submission.csv"

test = find_test(list_inputs(), COMPETITION)
rows = read_test(test)
write_longest(rows, SUBMISSION)
print(f"{{test}}: {{len(rows)}} rows, all of them in {{SUBMISSION}}")
"""
KEEP_REPORT = """\
## 2. A report

Each stage runs inside `report.run`: what it raises is shown and noted, and the notebook goes on."""
REPORT = """\
STARTED = time.monotonic()
report = Report(WORKING / "report.json", STARTED, len(rows))
"""
UNPACK = """\
## 3. The package

The one that trained, from the wheel in the bundle *code*; processes that are started later find it too."""
PACKAGE = """\
wheels = find_files(list_inputs(), "science_exam-*.whl")
report.run("package", unpack_package, wheels, KERNEL, TEMP / "package")
"""
# How Kaggle and Jupyter show a cell whose code opens with a click.
COLLAPSED = {"_kg_hide-input": True, "jupyter": {"source_hidden": True}}
STAGES = (
    (
        "## 4. The machine",
        """\
def look_around():
    from science_exam.kaggle.session.machine import describe_machine

    machine = describe_machine(TEMP)
    print(machine.describe())
    report.note(versions=machine.versions)
    return machine


machine = report.run("machine", look_around, after="package")
n_cards = len(machine.cards) if machine else 0
""",
    ),
    (
        "## 5. The inputs\n\nBundles are found by their manifests, whatever the mounts are called. Every "
        "file is checked against its hash and linked to its place in one tree; a damaged one is left out.",
        """\
def find_inputs():
    from science_exam.kaggle.session.inputs import restore_inputs

    inputs = restore_inputs(list_inputs(), KERNEL, TEMP / "tree", report.warn)
    print(inputs.describe())
    return inputs


inputs = report.run("inputs", find_inputs, after="package")
""",
    ),
    (
        "## 6. Libraries that the image lacks\n\nOffline, without dependencies, into a folder of their own: "
        "nothing of the image is replaced.",
        """\
def install_libraries():
    from science_exam.kaggle.session.installing import install_wheels

    install_wheels(TEMP / "tree" / "wheels", TEMP / "libraries")


report.run("wheels", install_libraries, after="inputs")
""",
    ),
    (
        "## 7. The questions\n\nAll of them in the competition's own run. Outside it test.csv is the public "
        "one, and a few are enough to see that everything works.",
        """\
def read_questions():
    from science_exam.kaggle.session.exam import count_asked, pose_questions

    pose_questions(rows, count_asked(len(rows), inputs.config.short_rows), TEMP / "questions")


report.run("questions", read_questions, after="inputs")
""",
    ),
    (
        "## 8. Passages to answer from\n\nIn a process of its own, for a third of the time at most. Without "
        "them the model answers from what it knows.",
        """\
def retrieve_passages():
    from science_exam.kaggle.session.exam import find_contexts

    find_contexts(inputs, TEMP / "questions", STARTED + 3600 * inputs.config.hours, report.warn)


report.run("passages", retrieve_passages, after="questions")
""",
    ),
    (
        "## 9. The answers\n\nA process on each GPU. Every question is asked once, then again with its "
        "options in other orders, the least certain first, as long as there is time. The submission is "
        "written anew whenever there are more answers.",
        """\
def answer():
    from science_exam.kaggle.session.answers import answer_questions

    deadline = STARTED + 3600 * inputs.config.hours
    answer_questions(inputs, rows, TEMP / "questions", n_cards, deadline, SUBMISSION, report)


report.run("answers", answer, after="questions")
""",
    ),
    (
        "## 10. A last look\n\nEvery row of test.csv, in its order, with three different letters.",
        """\
def check():
    from science_exam.kaggle.session.exam import check_answers

    check_answers(rows, SUBMISSION)


report.run("check", check, after="package")
print(report.describe())
""",
    ),
)


def write_notebook(config: KernelConfig, folder: Path) -> Path:
    """Write `<name>.ipynb`, valid and without outputs; the same settings give the same bytes.

    Args:
        config: of the kernel.
        folder: kernels/<name>.
    """
    import nbformat

    path = folder / f"{config.name}.ipynb"
    notebook = nbformat.v4.new_notebook(
        cells=make_cells(config),
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # else drawn at random
    nbformat.validate(notebook)
    write_text(path, nbformat.writes(notebook) + "\n")
    return path


def make_cells(config: KernelConfig) -> list:
    """The notebook's cells: before each piece of code what it does, in words."""
    from nbformat.v4 import new_code_cell, new_markdown_cell

    values = vars(config) | {"title": config.title or config.name}
    opening = (
        (SUBMIT_FIRST, fallback, FALLBACK),
        (KEEP_REPORT, report, REPORT),
        (UNPACK, bootstrap, PACKAGE),
    )
    cells = [new_markdown_cell(TITLE.format(**values))]
    for words, module, code in opening:
        source = Path(module.__file__).read_text(encoding="utf-8")
        cells.append(new_markdown_cell(words))
        cells.append(new_code_cell(source.strip(), metadata=COLLAPSED))
        cells.append(new_code_cell(code.format(**values).strip()))
    for words, code in STAGES:
        cells += [new_markdown_cell(words), new_code_cell(code.strip())]
    return cells
