"""The rules engine: passages -> questions of five kinds, none of them more than some 70%."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from science_exam.questions.drafts import Draft, Tally
from science_exam.questions.generation.engines import Passage
from science_exam.questions.generation.rules.blocks import Block
from science_exam.questions.generation.rules.distractors import choose_wrong
from science_exam.questions.generation.rules.items import Question
from science_exam.questions.generation.rules.phrases import raise_first

# Of a block's questions that may be of one kind, and so many more; of numbers there would be too many.
MAX_SHARE, MAX_SHARE_OF_NUMBERS, MAX_LEAD = 0.7, 0.15, 10


@dataclass(frozen=True)
class RulesEngine:
    """Makes questions from patterns in the text, without any model.

    Attributes:
        source: the drafts' source.
        per_passage: questions from one passage at most.
        seed: of all draws.
    """

    source: str
    per_passage: int = 1
    seed: int = 0

    def generate(self, passages: Sequence[Passage], chosen: Sequence[int], dropped: Tally) -> Iterator[Draft]:
        """Questions about the chosen passages, in their order; most passages give none.

        Args:
            passages: consecutive ones of a corpus; wrong options come from articles among them.
            chosen: positions in `passages` that are asked about.
            dropped: gets one reason for each passage that gives no question.
        """
        block, n_of_kind, asked = Block(passages), Counter(), set()
        for i in chosen:
            n_before = n_of_kind.total()
            for question, wrong in self._make_questions(block, i, n_of_kind, asked):
                yield self._draft(passages[i], question, wrong)
            if n_of_kind.total() == n_before:
                place = f"passage {passages[i].passage_id}"
                dropped.add(self.source, _explain(block, i, n_of_kind), place)

    def _make_questions(
        self, block: Block, i: int, n_of_kind: Counter[str], asked: set[str]
    ) -> Iterator[tuple[Question, tuple[str, ...]]]:
        """Questions about passage `i` with their wrong options, the rarest kind first."""
        rng = random.Random(f"{self.seed} {block.passages[i].passage_id}")
        questions = [q for q in block.ask(i, rng) if q.prompt not in asked]
        rng.shuffle(questions)
        n_wanted = n_of_kind.total() + self.per_passage
        while questions and n_of_kind.total() < n_wanted:
            question = min(questions, key=lambda q: n_of_kind[q.kind])
            questions.remove(question)
            if question.prompt in asked or _is_ahead(question.kind, n_of_kind):
                continue
            if wrong := self._find_wrong(block, i, question, rng):
                n_of_kind[question.kind] += 1
                asked.add(question.prompt)
                yield question, wrong

    def _find_wrong(self, block: Block, i: int, question: Question, rng: random.Random) -> tuple[str, ...]:
        if question.kind == "number":
            return question.wrong
        candidates = block.pool.list_candidates(question, block.neighbours[block.article_of[i]])
        return choose_wrong(question, candidates, rng)

    def _draft(self, passage: Passage, question: Question, wrong: tuple[str, ...]) -> Draft:
        return Draft(
            place=f"passage {passage.passage_id}",
            source=self.source,
            prompt=question.prompt,
            right=raise_first(question.right.text),
            wrong=tuple(map(raise_first, wrong)),
            contexts=(passage.text,),
            group=passage.article_id,
            passage_id=passage.passage_id,
            generated=True,
        )


def _is_ahead(kind: str, n_of_kind: Counter[str]) -> bool:
    share = MAX_SHARE_OF_NUMBERS if kind == "number" else MAX_SHARE
    return n_of_kind[kind] > share * n_of_kind.total() + MAX_LEAD


def _explain(block: Block, i: int, n_of_kind: Counter[str]) -> str:
    """Why passage `i` gave no question."""
    if not block.sentences[i] and not block.definitions[i]:
        return "no self-contained sentence"
    kinds = {question.kind for question in block.ask(i, random.Random(0))}
    if not kinds:
        return "no statement of a known form"
    ahead = all(_is_ahead(kind, n_of_kind) for kind in kinds)
    return "enough questions of its kind" if ahead else "no wrong options of the type"
