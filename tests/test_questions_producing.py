"""Passages -> tables of generated questions, block by block."""

import json
from dataclasses import dataclass

import pandas as pd
import pytest

from science_exam.questions.adaptors.reading import read_drafts
from science_exam.questions.config import SourceConfig
from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.generation.asking import BudgetSpent
from science_exam.questions.generation.producing import Counts, plan_blocks, produce
from science_exam.tables import CONTEXTS, PASSAGES, QUESTIONS, read_table, write_table


def write_part(path, names):
    rows = [
        {"passage_id": name, "article_id": f"article {name}", "title": "Lead", "section_path": "",
         "text": f"Lead\nText {name}.", "n_tokens": 4}
        for name in names
    ]  # fmt: skip
    write_table(pd.DataFrame(rows), PASSAGES, path)
    return path


@pytest.fixture
def parts(tmp_path):
    """Two parts, of 7 and 5 passages."""
    return [
        write_part(tmp_path / "corpus" / "part-00000.parquet", "abcdefg"),
        write_part(tmp_path / "corpus" / "part-00001.parquet", "hijkl"),
    ]


@dataclass
class Echo:
    """Asks one question about each passage; gives up `skipped`, and its budget lasts for `budget` of them."""

    skipped: str = ""
    budget: int = 1000

    def generate(self, passages, chosen, dropped):
        for place, position in enumerate(chosen):
            passage = passages[position]
            if self.budget == 0:
                raise BudgetSpent(len(chosen) - place)
            self.budget -= 1
            if passage.passage_id in self.skipped:
                dropped.add("echo", "nothing to ask", f"passage {passage.passage_id}")
                continue
            yield Draft(
                place="", source="echo", prompt=f"What is {passage.passage_id}?", right=f"{passage.title} r",
                wrong=("one", "two", "three", "four"), contexts=(passage.text,), group=passage.article_id,
                passage_id=passage.passage_id, generated=True,
            )  # fmt: skip


def read_all(folder):
    questions = [read_table(QUESTIONS, path) for path in sorted((folder / "questions").glob("*.parquet"))]
    return pd.concat(questions, ignore_index=True)


def test_blocks_never_cross_a_part_and_hold_all_passages_once(parts, tmp_path):
    blocks = plan_blocks(parts, tmp_path / "made", block_passages=3, max_passages=0, seed=0)
    assert [(b.part.name[5:10], b.start, b.n_passages, len(b.chosen), b.first_number) for b in blocks] == [
        ("00000", 0, 3, 3, 0), ("00000", 3, 3, 3, 3), ("00000", 6, 1, 1, 6),
        ("00001", 0, 3, 3, 7), ("00001", 3, 2, 2, 10),
    ]  # fmt: skip


def test_a_draw_of_passages_depends_on_the_seed_alone(parts, tmp_path):
    def draw(seed):
        blocks = plan_blocks(parts, tmp_path / "made", 3, 5, seed)
        return [(b.part.name, b.start + position) for b in blocks for position in b.chosen]

    assert len(draw(1)) == len(set(draw(1))) == 5
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_every_question_keeps_its_passage_and_reads_it(parts, tmp_path):
    folder = tmp_path / "made"
    counts = produce(Echo(skipped="bk"), plan_blocks(parts, folder, 3, 0, 0), 0, n_workers=1)
    assert counts == Counts(questions=10, not_asked=0, given_up={"nothing to ask": 2})
    made = read_all(folder)
    assert made["passage_id"].tolist() == list("acdefghijl")
    assert made["question_id"].tolist()[:2] == ["echo-a-1", "echo-c-1"]
    assert set(made["answer"]) == {1, 2, 3, 4, 5}
    contexts = read_table(CONTEXTS, folder / "contexts" / "part-00000.parquet")
    assert contexts["text"].tolist() == ["Lead\nText a.", "Lead\nText c."]


def test_what_is_done_is_not_done_again(parts, tmp_path):
    folder = tmp_path / "made"
    blocks = plan_blocks(parts, folder, 3, 0, 0)
    produce(Echo(), blocks[:3], 0, n_workers=1)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    engine = Echo()
    assert produce(engine, blocks, 0, n_workers=1).questions == 12
    assert engine.budget == 1000 - 5
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_processes_make_the_same_tables(parts, tmp_path):
    for name, n_workers in (("alone", 1), ("together", 2)):
        produce(Echo(), plan_blocks(parts, tmp_path / name, 3, 0, 0), 0, n_workers)
    pd.testing.assert_frame_equal(read_all(tmp_path / "alone"), read_all(tmp_path / "together"))


def test_a_spent_budget_keeps_what_was_paid_for_and_a_larger_one_goes_on(parts, tmp_path):
    folder = tmp_path / "made"
    blocks = plan_blocks(parts, folder, 3, 0, 0)
    first = produce(Echo(budget=4), blocks, 0, n_workers=1)
    assert (first.questions, first.not_asked) == (4, 8)
    assert len(read_all(folder)) == 4
    again = Echo()
    assert produce(again, blocks, 0, n_workers=1) == Counts(12, 0, {})
    assert again.budget == 1000 - 9  # the whole blocks that lacked something


def test_what_is_made_is_a_source_of_questions(parts, tmp_path):
    folder = tmp_path / "made"
    produce(Echo(), plan_blocks(parts, folder, 3, 0, 0), 0, n_workers=1)
    names = [f"{kind}/part-0000{n}.parquet" for kind in ("questions", "contexts") for n in range(5)]
    (folder / "manifest.json").write_text(json.dumps({"outputs": dict.fromkeys(names, "")}))
    drafts = list(read_drafts(SourceConfig(path=str(folder)), Tally()))
    assert [(d.passage_id, d.group, d.right, d.contexts, d.generated) for d in drafts[:1]] == [
        ("a", "article a", "Lead r", ("Lead\nText a.",), True)
    ]
    assert len(drafts) == 12
