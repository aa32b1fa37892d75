"""Which drafts of a set go, under which reason, and what must not be split over folds."""

from dataclasses import replace

import pandas as pd
import pytest

from science_exam.questions.building import draft_files
from science_exam.questions.building.collecting import Losses
from science_exam.questions.building.draft_files import write_drafts
from science_exam.questions.building.selecting import GIVEN_AWAY, select_drafts
from science_exam.questions.config import BuildConfig, QualityConfig
from science_exam.questions.drafts import Draft
from science_exam.questions.repeats.duplicates import CONTRADICTION, SAME_QUESTION
from science_exam.questions.repeats.leaks import SAME_PROMPT
from science_exam.tables import OPTION_COLUMNS, QUESTIONS, write_table

# Six letters each and all different, so that no two questions share three words in a row.
WORDS = [f"{a}{b}{c}{a}{c}{b}" for a in "bdfgklm" for b in "aeiou" for c in "nprstvz"]


def make_draft(number, longest_is_right=False, **changes):
    """A question of its own: a prompt of four words, five options of one; one option is the longest."""
    start = 9 * number
    *prompt, right, one, two, three, last = WORDS[start : start + 9]
    if longest_is_right:
        right += "ium"
    else:
        last += "ium"
    draft = Draft(
        place=f"file: row {number + 1}",
        source="made",
        prompt=f"Why {' '.join(prompt)}?",
        right=right,
        wrong=(one, two, three, last),
        question_id=f"made-{number + 1}",
    )
    return replace(draft, **changes)


@pytest.fixture
def select(tmp_path, monkeypatch):
    """Select among drafts, which lie on disk in parts of three."""
    monkeypatch.setattr(draft_files, "PART_DRAFTS", 3)

    def select(*drafts, **settings):
        parts, losses = write_drafts(drafts, tmp_path / "drafts"), Losses()
        config = BuildConfig(**settings)
        return select_drafts(parts, config, losses, None, tmp_path / "work", keep), losses

    return select


def keep(items, label):
    return items


def write_evaluation(path, *drafts):
    """The drafts as a question file without answers."""
    rows = [dict(zip(["prompt", *"ABCDE"], [d.prompt, *d.options], strict=True)) for d in drafts]
    pd.DataFrame(rows).to_csv(path, index=False)
    return str(path)


def test_sound_drafts_stay_each_in_a_group_of_its_own(select):
    drafts = [make_draft(n) for n in range(7)]
    selection, losses = select(*drafts)
    assert selection.gone == frozenset()
    assert list(selection.groups) == [draft.question_id for draft in drafts]
    assert not losses.repeats.counts
    assert not losses.balance.counts


def test_a_row_that_leaks_and_repeats_is_counted_as_a_leak_alone(select, tmp_path):
    leaking = make_draft(2)
    again = replace(leaking, place="file: row 9", question_id="made-9")
    drafts = [make_draft(0), make_draft(1), leaking, make_draft(3), again]
    selection, losses = select(*drafts, evaluation=(write_evaluation(tmp_path / "test.csv", leaking),))
    assert selection.gone == {2, 4}
    assert losses.repeats.counts == {("made", SAME_PROMPT): 2}
    assert losses.repeats.places["made", SAME_PROMPT] == ["file: row 3", "file: row 9"]


def test_the_earlier_of_two_rows_stays_also_when_they_lie_in_different_parts(select):
    drafts = [make_draft(n) for n in range(6)]
    selection, losses = select(*drafts, replace(drafts[1], place="file: row 7", source="other"))
    assert selection.gone == {6}
    assert losses.repeats.places == {("other", SAME_QUESTION): ["file: row 7"]}


def test_rows_that_contradict_each_other_both_go(select):
    first, *rest = [make_draft(n) for n in range(5)]
    right, *wrong = first.wrong
    other = replace(first, right=right, wrong=(first.right, *wrong), place="file: row 6")
    selection, losses = select(first, *rest, other)
    assert selection.gone == {0, 5}
    assert losses.repeats.counts == {("made", CONTRADICTION): 2}


def test_evaluation_questions_come_from_files_and_from_finished_sets(select, tmp_path):
    drafts = [make_draft(n) for n in range(5)]
    row = {"question_id": "q", "prompt": drafts[3].prompt, **dict(zip(OPTION_COLUMNS, "vwxyz", strict=True))}
    row |= {"answer": 1, "source": "s", "group": "g", "passage_id": None}
    write_table(pd.DataFrame([row]), QUESTIONS, tmp_path / "set" / "questions.parquet")
    (tmp_path / "set" / "manifest.json").write_text("{}")
    file = write_evaluation(tmp_path / "test.csv", drafts[0])
    selection, _ = select(*drafts, evaluation=(file, str(tmp_path / "set")))
    assert selection.gone == {0, 3}


@pytest.fixture
def small_sources(monkeypatch):
    """Sources of any size are balanced."""
    monkeypatch.setattr("science_exam.questions.building.balance.MIN_ROWS", 0)


def test_lengths_are_balanced_among_the_rows_that_stay(select, tmp_path, small_sources):
    """Ten leaks whose longest option is right: with them 12 of 20, without them 2 of 10, a fifth."""
    drafts = [make_draft(n, longest_is_right=n < 12, generated=True) for n in range(20)]
    evaluation = (write_evaluation(tmp_path / "test.csv", *drafts[:10]),)
    selection, losses = select(*drafts, evaluation=evaluation)
    assert selection.gone == set(range(10))
    assert losses.repeats.total() == 10
    assert losses.balance.total() == 0


def test_rows_that_unbalance_what_is_left_go_and_only_from_their_own_source(select, tmp_path, small_sources):
    """Of the 16 that stay, the longest option is right in 8: too often."""
    drafts = [make_draft(n, longest_is_right=n < 8, generated=True) for n in range(16)]
    drafts += [make_draft(n, longest_is_right=True, source="exam") for n in range(16, 20)]
    drafts += [make_draft(20, generated=True)]
    evaluation = (write_evaluation(tmp_path / "test.csv", drafts[20]),)
    selection, losses = select(*drafts, evaluation=evaluation, seed=3)
    assert selection.gone < {*range(8), 20}
    # (8 - n) / (16 - n) <= .2 + .05 / 2, so n >= (8 - .225 * 16) / (1 - .225) = 5.7
    assert losses.balance.counts == {("made", GIVEN_AWAY): 6}
    assert set(losses.balance.places["made", GIVEN_AWAY]) < {draft.place for draft in drafts[:8]}
    wide = QualityConfig(longest_tolerance=0.5)
    assert select(*drafts, evaluation=evaluation, quality=wide)[0].gone == {20}


def test_rows_of_a_group_and_rows_that_overlap_share_a_group(select):
    long = " ".join(WORDS[200:220])
    lowest = make_draft(0, prompt=f"Which is the lowest {long}?", group="article")
    right, *wrong = lowest.wrong
    highest = replace(
        lowest, prompt=f"Which is the highest {long}?", right=right, wrong=(lowest.right, *wrong)
    )
    drafts = [
        make_draft(1),
        lowest,
        make_draft(2),
        make_draft(3, group="article"),
        replace(highest, question_id="made-5", group=""),
        make_draft(5, group="page"),
    ]
    selection, _ = select(*drafts)
    assert selection.gone == frozenset()
    assert list(selection.groups) == ["made-2", "article", "made-3", "article", "article", "page"]


def test_what_is_going_on_is_shown_by_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(draft_files, "PART_DRAFTS", 3)
    parts, seen = write_drafts([make_draft(n) for n in range(7)], tmp_path / "drafts"), []

    def watch(items, label):
        seen.append((label, len(items)))
        return items

    select_drafts(parts, BuildConfig(), Losses(), None, tmp_path / "work", watch)
    assert seen == [("looking for leaks", 3)]
