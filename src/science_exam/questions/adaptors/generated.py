"""Questions that already lie in tables: those of our generation stage, and finished sets."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from science_exam.errors import UserError
from science_exam.questions.adaptors.rows import SourceRow
from science_exam.questions.drafts import Draft
from science_exam.questions.rows.readers import Row
from science_exam.runs import read_manifest
from science_exam.tables import CONTEXTS, OPTION_COLUMNS, QUESTIONS, list_parts, read_table

HINT = "make them with: make generate"
SET_FILE = "questions.parquet"


def is_generated(folder: Path) -> bool:
    """Whether a folder is one of generated questions, or a finished set."""
    return (folder / "questions").is_dir() or (folder / SET_FILE).is_file()


def list_question_files(folder: Path) -> list[Path]:
    """The files that hold a folder's questions, each with its contexts in a file of their own.

    Raises:
        UserError: the folder is neither kind, is not finished, or parts do not belong together.
    """
    if (folder / SET_FILE).is_file():
        read_manifest(folder)  # of a build that was stopped, the tables may be there too
        return [folder / SET_FILE]
    questions = list_parts(folder / "questions", HINT)
    contexts = list_parts(folder / "contexts", HINT)
    if strange := {part.name for part in questions} ^ {part.name for part in contexts}:
        raise UserError(f"{folder}: expected {min(strange)} below questions/ and below contexts/; {HINT}")
    return questions


def read_generated(path: Path) -> Iterator[Row]:
    """Rows of a file of questions with "row N"; the column contexts is added, best first.

    Raises:
        UserError: a table is missing or unsound.
    """
    in_parts = path.name != SET_FILE
    beside = path.parent.parent / "contexts" / path.name if in_parts else path.with_name("contexts.parquet")
    questions = read_table(QUESTIONS, path, HINT)
    contexts = read_table(CONTEXTS, beside, HINT)
    made_from = contexts["question_id"].map(questions.set_index("question_id")["passage_id"])
    # The passage a question was made from in front, wherever it was ranked.
    contexts["behind"] = ~(contexts["passage_id"] == made_from).fillna(False).astype(bool)
    contexts = contexts.sort_values(["question_id", "behind", "rank"])
    texts = contexts.groupby("question_id")["text"].agg(list).to_dict()
    # A question that stands alone has its own id as its group, which other sources may have too.
    alone = (questions["group"] == questions["question_id"]) & ~questions["group"].duplicated(keep=False)
    questions["group"] = questions["group"].mask(alone, "")
    questions["contexts"] = questions["question_id"].map(lambda name: texts.get(name, []))
    questions["generated"] = in_parts
    # Rows, not records of the whole frame: half the memory.
    for number, values in enumerate(questions.itertuples(index=False), start=1):
        yield f"row {number}", values._asdict()


def parse_generated(row: SourceRow) -> Draft:
    """The draft of one row; RowError where it is of no use."""
    values = row.values
    position = None if pd.isna(values["answer"]) else int(values["answer"]) - 1
    options = [row.text(column) for column in OPTION_COLUMNS]
    draft = row.choose(row.text("prompt"), options, position, row.texts("contexts"), values["group"])
    passage_id = None if pd.isna(values["passage_id"]) else values["passage_id"]
    return replace(draft, passage_id=passage_id, generated=values["generated"])
