"""What every way of answer_speed.py answers with, and its clock."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from answer_speed_jobs import Job
from answer_speed_work import (
    count_flops,
    group_prompts,
    lengthen_contexts,
    read_config,
    read_questions,
    repeat_questions,
)
from speed_machine import read_clock
from train_speed_peers import ALPHA, PROJECTIONS, RANK, SEED

from science_exam.answering.options import build_trie
from science_exam.answering.views import reorder
from science_exam.prompt import Question, encode_completions, encode_prompt

CLOSED, OPENED = "closed book", "with contexts"
ORDER_GIVEN = (tuple(range(5)),)
B_DEVIATION = 0.02  # of the adapters' second half, which would start at zero


class Laps:
    """The clock of one run: when the first answers came, and the time inside the model."""

    def __init__(self) -> None:
        self.began = read_clock()
        self.first_seconds: float | None = None
        self.model_seconds = 0.0

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Around each batch on its way through the model."""
        began = read_clock()
        yield
        now = read_clock()
        self.count(now - began, now)

    def count(self, seconds: float, now: float) -> None:
        """So many seconds inside the model have given answers, which are here now."""
        self.model_seconds += seconds
        if self.first_seconds is None:
            self.first_seconds = now - self.began


Answer = Callable[[Sequence[Question], Laps], object]


@dataclass
class Bench:
    """A base with one or more adapters, its tokenizer, and the questions."""

    job: Job
    model: object
    tokenizer: object
    flops: dict = field(default_factory=dict)  # of a question and the orders that it is asked in

    @cached_property
    def options(self) -> list[list[int]]:
        """Token ids of each answer, closed by the end-of-text token."""
        return encode_completions(self.tokenizer)

    @cached_property
    def closed(self) -> list[Question]:
        """Questions without contexts."""
        return read_questions(self.job.closed, self.tokenizer, self.job.max_tokens)

    @cached_property
    def opened(self) -> list[Question]:
        """Questions with contexts of their own."""
        return read_questions(self.job.opened, self.tokenizer, self.job.max_tokens)

    @cached_property
    def lengthened(self) -> list[Question]:
        """Those of `closed` behind contexts of one length."""
        return lengthen_contexts(self.closed, self.opened, self.tokenizer)

    def encode(self, question: Question, order: Sequence[int] = range(5)) -> list[int]:
        """Token ids of the prompt, the options in that order."""
        return encode_prompt(reorder(question, order), self.tokenizer, self.job.max_tokens)

    def count_flops(self, questions: Sequence[Question], orders: Sequence[tuple[int, ...]]) -> int:
        """Operations that asking the questions in these orders cannot do without."""
        config, forced = read_config(self.job.base), build_trie(self.options).find_decision(5)[0]
        for question in questions:
            key = (question.question_id, question.contexts, len(orders))
            if key not in self.flops:
                prompts = [self.encode(question, order) for order in orders]
                self.flops[key] = count_flops(config, group_prompts(prompts, forced))
        return sum(self.flops[question.question_id, question.contexts, len(orders)] for question in questions)


def load_bench(job: Job, n_adapters: int) -> Bench:
    """The base as it is (in NF4 or 16 bits) with so many random adapters, all in the compute type."""
    import torch

    from science_exam.training.config import BaseConfig, LoraConfig
    from science_exam.training.model import add_adapter, load_base, load_tokenizer

    model = load_base(BaseConfig(path=job.base, quantization="none"))
    model = add_adapter(model, LoraConfig(r=RANK, alpha=ALPHA, targets=PROJECTIONS), SEED)
    for number in range(1, n_adapters):
        model.add_adapter(f"fold{number}", model.peft_config["default"])
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=B_DEVIATION)
        if "lora_" in name:
            weight.data = weight.data.to(model.get_input_embeddings().weight.dtype)
    return Bench(job, model.eval(), load_tokenizer(job.base))


def measure_run(
    bench: Bench,
    answer: Answer,
    questions: Sequence[Question],
    orders: Sequence[tuple[int, ...]] = ORDER_GIVEN,
    n_models: int = 1,
    **described,
) -> dict:
    """Time and memory of answering, and the operations that it cannot do without.

    Args:
        bench: as loaded.
        answer: the way to do it.
        questions: to answer.
        orders: of the options that each is asked in.
        n_models: that answer each.
        described: what else the line of the table is to say.
    """
    import torch

    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    laps = Laps()
    answer(questions, laps)
    return {
        **described,
        "n_questions": len(questions),
        "seconds": read_clock() - laps.began,
        "first_seconds": laps.first_seconds,
        "model_seconds": laps.model_seconds,
        "flops": n_models * bench.count_flops(questions, orders),
        "peak_allocated": torch.cuda.max_memory_allocated() if cuda else 0,
        "peak_reserved": torch.cuda.max_memory_reserved() if cuda else 0,
    }


def measure_sizes(bench: Bench, answer: Answer, sizes: Sequence[int], row: str) -> Iterator[dict]:
    """Runs of so many questions, closed book and with contexts; a long run ends in `most_seconds`."""
    for table, questions in ((CLOSED, bench.closed), (OPENED, bench.opened)):
        most = sizes[0]  # whose pace is not known is not cut
        for size in sizes:
            asked = repeat_questions(questions, min(size, most))
            run = measure_run(bench, answer, asked, table=table, row=row, size=size)
            most = max(sizes[0], int(len(asked) / run["seconds"] * bench.job.most_seconds))
            yield run
