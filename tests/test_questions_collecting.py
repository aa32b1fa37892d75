"""What a source offers: names of its rows, what is counted, and when a build stops."""

import pandas as pd
import pytest

from science_exam.errors import UserError
from science_exam.questions.building.collecting import Losses, check_faults, collect_drafts
from science_exam.questions.config import QualityConfig, SourceConfig


@pytest.fixture
def source(tmp_path):
    """Six questions: the second has no answer, the fourth no prompt, the fifth an option twice."""
    options = dict(zip("ABCDE", ["neon", "argon", "xenon", "radon", "helium"], strict=True))
    rows = [{"prompt": f"Which gas is number {n}?", **options, "answer": "A"} for n in range(1, 7)]
    rows[1]["answer"], rows[3]["prompt"], rows[4]["E"] = "?", " ", "Argon."
    path = tmp_path / "gases.v2.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return SourceConfig(path=str(path))


def collect(*sources, **quality):
    losses = Losses()
    return list(collect_drafts(sources, QualityConfig(**quality), losses)), losses


def test_rows_are_named_after_their_source_and_their_number_among_all_that_were_offered(source):
    drafts, losses = collect(source)
    assert [draft.question_id for draft in drafts] == ["gases-1", "gases-3", "gases-5", "gases-6"]
    assert [draft.place for draft in drafts] == [f"gases.v2.csv: row {n}" for n in (1, 3, 5, 6)]
    assert losses.offered == {"gases": 6}
    assert losses.faults.total() == 2
    assert losses.faults.places["gases", "no question"] == ["gases.v2.csv: row 4"]
    assert losses.mended.counts == {("gases", "repeated option left out"): 1}
    assert drafts[2].wrong == ("argon", "xenon", "radon")


def test_a_source_may_be_named_and_comes_after_those_before_it(source):
    other = SourceConfig(path=source.path, name="noble")
    drafts, losses = collect(other, source)
    assert [draft.source for draft in drafts] == ["noble"] * 4 + ["gases"] * 4
    assert [draft.question_id for draft in drafts[3:5]] == ["noble-6", "gases-1"]
    assert list(losses.offered.items()) == [("noble", 6), ("gases", 6)]


def test_rows_beyond_max_rows_are_not_offered(source):
    drafts, losses = collect(SourceConfig(path=source.path, max_rows=3))
    assert [draft.question_id for draft in drafts] == ["gases-1", "gases-3"]
    assert losses.offered == {"gases": 3}


def test_a_source_is_checked_when_it_is_read_to_its_end(source):
    drafts, losses = [], Losses()
    with pytest.raises(UserError, match=r"source 'gases': 2 of 6 rows cannot be used"):
        for draft in collect_drafts((source,), QualityConfig(max_dropped=0.3), losses):
            drafts.append(draft)
    assert len(drafts) == 4
    assert len(collect(source, max_dropped=2 / 6)[0]) == 4  # as many as are allowed


def test_the_message_names_all_reasons_of_the_source_the_most_frequent_first():
    losses = Losses()
    losses.offered.update({"a": 10, "b": 4})
    for row in (2, 3):
        losses.faults.add("a", "no answer", f"a.csv: row {row}")
    losses.faults.add("a", "no question", "a.csv: row 1")
    losses.faults.add("b", "option too long", "b.csv: row 1")
    check_faults("b", 0.25, losses)
    check_faults("a", 0.3, losses)
    with pytest.raises(UserError) as caught:
        check_faults("a", 0.25, losses)
    assert str(caught.value) == (
        "source 'a': 3 of 10 rows cannot be used, expected at most quality.max_dropped=0.25 of them; "
        "no answer: 2 (first: a.csv: row 2); no question: 1 (first: a.csv: row 1)"
    )
