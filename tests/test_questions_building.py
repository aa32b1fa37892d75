"""Many sources -> one set: what comes in, what goes, and that the tables fit together."""

import json
from pathlib import Path

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.questions.building.report import format_report
from science_exam.questions.building.sets import WORK, build_set
from science_exam.questions.config import (
    AugmentConfig,
    BuildConfig,
    DuplicatesConfig,
    QualityConfig,
    SourceConfig,
)
from science_exam.questions.store import read_question_set

# (symbol, element, neighbours that are wrong)
ELEMENTS = [
    ("Na", "sodium"), ("K", "potassium"), ("Fe", "iron"), ("Pb", "lead"), ("Sn", "tin"), ("Ag", "silver"),
    ("Au", "gold"), ("Hg", "mercury"), ("W", "tungsten"), ("Sb", "antimony"), ("Cu", "copper"),
    ("Zn", "zinc"), ("Ni", "nickel"), ("Co", "cobalt"), ("Mn", "manganese"), ("Cr", "chromium"),
    ("Ti", "titanium"),
    ("V", "vanadium"), ("Sc", "scandium"), ("Ca", "calcium"), ("Mg", "magnesium"), ("Al", "aluminium"),
    ("Si", "silicon"), ("P", "phosphorus"), ("S", "sulfur"), ("Cl", "chlorine"), ("Ar", "argon"),
]  # fmt: skip


WORDS_ALONE = DuplicatesConfig(paraphrases=False)


def make_question(number, n_options=5, **more):
    symbol, name = ELEMENTS[number]
    others = [ELEMENTS[(number + 4 * step) % len(ELEMENTS)][1] for step in range(1, n_options)]
    letters = "ABCDE"[:n_options]
    options = dict(zip(letters, [name, *others], strict=True))
    return {"prompt": f"Which chemical element has the symbol {symbol}?", **options, "answer": "A", **more}


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def write_csv(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return str(path)


def build(tmp_path, *paths, find_contexts=None, **settings):
    config = BuildConfig(
        sources=tuple(SourceConfig(path=path) for path in paths), duplicates=WORDS_ALONE, folds=2, **settings
    )
    losses, statistics = build_set(config, tmp_path / "set", None, find_contexts)
    return read_question_set(tmp_path / "set"), losses, format_report(config, losses, statistics)


@pytest.fixture
def elements(tmp_path):
    return write_csv(tmp_path / "elements.csv", [make_question(n) for n in range(20)])


def right_options(questions):
    return [row[f"option_{row['answer']}"] for row in questions.to_dict("records")]


def test_a_sound_source_comes_through_whole_with_its_options_placed_anew(tmp_path, elements):
    made, losses, _ = build(tmp_path, elements)
    assert right_options(made.questions) == [name for _, name in ELEMENTS[:20]]
    assert sorted(made.questions["answer"]) == sorted([1, 2, 3, 4, 5] * 4)
    assert made.questions["question_id"].tolist() == [f"elements-{n}" for n in range(1, 21)]
    assert set(made.folds["question_id"]) == set(made.questions["question_id"])
    assert losses.offered == losses.kept == {"elements": 20}
    assert not (tmp_path / "set" / WORK).exists()


def test_the_same_seed_gives_the_same_tables_and_another_one_another_order(tmp_path, elements):
    tables = {}
    for name, seed in (("first", 1), ("second", 1), ("third", 2)):
        made, _, _ = build(tmp_path / name, elements, seed=seed)
        tables[name] = made.questions
    pd.testing.assert_frame_equal(tables["first"], tables["second"])
    assert tables["first"]["answer"].tolist() != tables["third"]["answer"].tolist()


def test_questions_with_four_options_get_a_fifth_from_the_others(tmp_path, elements):
    four = write_lines(
        tmp_path / "four.jsonl",
        [
            {"sentence": f"In old manuscripts of miners {symbol} stands for", "answer": name,
             "distractors": [ELEMENTS[(n + step) % 27][1] for step in (5, 9, 14)]}
            for n, (symbol, name) in enumerate(ELEMENTS[20:], start=20)
        ],
    )  # fmt: skip
    made, _, _ = build(tmp_path, elements, four)
    filled = made.questions[made.questions["source"] == "four"]
    assert len(filled) == 7
    names = {name for _, name in ELEMENTS}
    for options in filled[[f"option_{i}" for i in range(1, 6)]].to_numpy().tolist():
        assert len(set(options)) == 5
        assert set(options) <= names


def test_evaluation_questions_never_come_in_however_they_are_written(tmp_path, elements):
    kept_apart = [
        make_question(n, prompt=f"which CHEMICAL element has the symbol “{ELEMENTS[n][0]}”") for n in (3, 4)
    ]
    # Without answers, as a test set is.
    path = write_csv(
        tmp_path / "test.csv", [{k: v for k, v in row.items() if k != "answer"} for row in kept_apart]
    )
    made, losses, report = build(tmp_path, elements, evaluation=(path,))
    assert set(right_options(made.questions)) == {name for _, name in ELEMENTS[:20]} - {"lead", "tin"}
    assert losses.repeats.counts == {("elements", "same prompt as an evaluation question"): 2}
    assert "kept apart from: test.csv" in report


def test_the_earlier_of_two_sources_keeps_the_question_that_both_have(tmp_path, elements):
    again = write_csv(tmp_path / "again.csv", [make_question(n) for n in range(10, 27)])
    made, losses, _ = build(tmp_path, elements, again)
    assert made.questions["source"].value_counts().to_dict() == {"elements": 20, "again": 7}
    assert losses.repeats.counts == {("again", "same prompt and right option as an earlier row"): 10}


def test_every_row_that_goes_is_counted_under_its_reason(tmp_path):
    rows = [make_question(n) for n in range(20)]
    rows[2] |= {"prompt": "  "}
    rows[5] |= {"answer": "F"}
    rows[7] |= {"prompt": "Which element is shown in the figure?"}
    path = write_csv(tmp_path / "faulty.csv", rows)
    made, losses, report = build(tmp_path, path)
    assert len(made.questions) == 17
    assert sum(losses.faults.counts.values()) == 3
    assert "| faulty | asks for what is not shown | 1 | faulty.csv: row 8 |" in report
    assert losses.offered["faulty"] == losses.kept["faulty"] + losses.faults.total() == 20


def test_more_faults_than_allowed_stop_the_build_and_say_why(tmp_path):
    rows = [make_question(n, **({"answer": "?"} if n < 4 else {})) for n in range(20)]
    path = write_csv(tmp_path / "faulty.csv", rows)
    with pytest.raises(UserError, match=r"source 'faulty': 4 of 20 rows cannot be used.*row 1"):
        build(tmp_path, path, quality=QualityConfig(max_dropped=0.1))
    assert not (tmp_path / "set" / "questions.parquet").exists()


def test_a_source_without_questions_is_an_error(tmp_path):
    path = write_csv(
        tmp_path / "empty.csv", [make_question(0)][:0] or pd.DataFrame(columns=[*make_question(0)])
    )
    with pytest.raises(UserError, match="expected at least one question"):
        build(tmp_path, path)


def test_nothing_left_is_an_error(tmp_path, elements):
    with pytest.raises(UserError, match="no question is left"):
        build(tmp_path, elements, evaluation=(elements,))


def test_permutations_share_a_fold_and_near_duplicates_do_too(tmp_path, elements):
    made, _, _ = build(tmp_path, elements, augment=AugmentConfig(permutations=3))
    folds = made.questions.merge(made.folds, on="question_id")
    assert len(folds) == 60
    assert (folds.groupby("group")["fold"].nunique() == 1).all()
    assert folds["question_id"].iloc[0] == "elements-1-1"


def test_contexts_come_along_and_can_be_searched_for(tmp_path):
    rows = [make_question(n, context=f"Text about {ELEMENTS[n][1]}.") for n in range(12)]
    path = write_csv(tmp_path / "read.csv", rows)
    made, _, _ = build(tmp_path / "given", path)
    assert made.contexts["text"].tolist() == [row["context"] for row in rows]

    def find(questions):
        found = {"rank": 1, "passage_id": "p", "score": 1.0, "retriever": "fake"}
        texts = ["Found for " + prompt for prompt in questions["prompt"]]
        return pd.DataFrame(
            [
                {"question_id": q, **found, "text": t}
                for q, t in zip(questions["question_id"], texts, strict=True)
            ]
        )

    retrieved = AugmentConfig(contexts="retrieved", index="data/index/a")
    made, _, report = build(tmp_path / "found", path, augment=retrieved, find_contexts=find)
    assert made.contexts["text"].str.startswith("Found for Which chemical").all()
    assert "rows by their number of contexts: 1: 12" in report


def test_generated_questions_are_balanced_by_length(tmp_path):
    """A finished generation of which the longest option is right in every question."""
    rows = [make_question(n % 27, prompt=f"Which element is number {n} of the list?") for n in range(80)]
    for number, row in enumerate(rows):
        if number < 40:
            row["A"] += " and its compounds"
    path = write_csv(tmp_path / "long.csv", rows)
    first, _, _ = build(tmp_path / "first", path)
    folder = tmp_path / "generated"
    for kind, table in (("questions", first.questions), ("contexts", first.contexts)):
        (folder / kind).mkdir(parents=True)
        table.to_parquet(folder / kind / "part-00000.parquet", index=False)
    (folder / "manifest.json").write_text(
        json.dumps({"outputs": {"questions/part-00000.parquet": "", "contexts/part-00000.parquet": ""}})
    )
    made, losses, report = build(tmp_path / "second", str(folder))
    lengths = made.questions[[f"option_{i}" for i in range(1, 6)]].map(len).to_numpy()
    right = lengths[range(len(lengths)), made.questions["answer"].astype(int) - 1]
    assert 0.15 <= (right == lengths.max(axis=1)).mean() <= 0.3
    assert losses.balance.total() > 20
    assert "length gives the answer away" in report


def test_the_report_shows_the_balance_and_ten_rows(tmp_path, elements):
    _, _, report = build(tmp_path, elements)
    assert "right option: A 20.0%, B 20.0%, C 20.0%, D 20.0%, E 20.0%" in report
    assert report.count("Which chemical element") == 10
    assert "| elements | 20 | 0 | 0 | 0 | 20 | 20 |" in report
    assert str(Path(tmp_path)) not in report
