"""The ways of answer_speed.py that are this project's own: packed rows, several orders, several adapters."""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from answer_speed_bench import CLOSED, OPENED, Answer, Bench, Laps, measure_run, measure_sizes
from answer_speed_jobs import OWN
from answer_speed_work import repeat_questions

from science_exam.answering.deadline import Deadline
from science_exam.answering.examining import ORDER_SEED, choose_reader, make_pass
from science_exam.answering.passes import Examination, Reader
from science_exam.answering.reading import Reading
from science_exam.answering.sheet import Sheet, rank_by_length
from science_exam.answering.views import list_orders
from science_exam.prompt import Question, check_prompts
from science_exam.training.fast.adapters import ADAPTER_NAME
from science_exam.training.fast.rows import Group

BUDGETS = (2_048, 4_096, 8_192, 16_384, 32_768, 65_536)
N_ORDERS = N_ADAPTERS = 5
PROFILED_LINES = 16


class TimedReader:
    """A reader with a clock; `shares_prefixes=False` reads every row whole."""

    def __init__(self, reader: Reader, laps: Laps, shares_prefixes: bool) -> None:
        self._reader, self._laps, self._shares_prefixes = reader, laps, shares_prefixes
        self.use = reader.use

    def group(self, prompts: Sequence[Sequence[int]]) -> Group:
        group = self._reader.group(prompts)
        return group if self._shares_prefixes else Group(group.rows, 0)

    def read(self, groups: Sequence[Group], exactly: bool = False) -> list[np.ndarray]:
        with self._laps.answering():
            return self._reader.read(groups, exactly)

    def start(self, groups: Sequence[Group]) -> "TimedReading":
        began = take_time()
        reading = self._reader.start(groups)
        return TimedReading(reading, self._laps, began, take_time())


class TimedReading:
    """A reading with the times between which the device works on it."""

    def __init__(self, reading: Reading, laps: Laps, began, ended) -> None:
        self._reading, self._laps, self._times = reading, laps, (began, ended)

    @property
    def is_done(self) -> bool:
        return self._reading.is_done

    def finish(self) -> list[np.ndarray]:
        results = self._reading.finish()
        self._laps.count(measure_seconds(*self._times), time.perf_counter())
        return results


def take_time():
    """Now; on a GPU an event, whose time is when it comes to it, behind what was begun before."""
    import torch

    if not torch.cuda.is_available():
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def measure_seconds(began, ended) -> float:
    """Between two times of `take_time`."""
    if isinstance(began, float):
        return ended - began
    ended.synchronize()
    return began.elapsed_time(ended) / 1000


def make_packed(
    bench: Bench,
    reader: Reader,
    tokens_together: int,
    n_orders: int = 1,
    adapters: Sequence[str] = (ADAPTER_NAME,),
    shares_prefixes: bool = True,
) -> Answer:
    """What `examining.examine` does, with a clock around the reader; its answers are a sheet."""
    orders = list_orders(5, n_orders, ORDER_SEED)

    def answer(questions: Sequence[Question], laps: Laps) -> Sheet:
        check_prompts(questions, bench.tokenizer, bench.job.max_tokens)
        sheet = Sheet.blank(rank_by_length([question.options for question in questions]))
        limit = bench.job.max_tokens
        passes = [
            make_pass(questions, bench.tokenizer, limit, orders, adapter, asks=None) for adapter in adapters
        ]
        timed = TimedReader(reader, laps, shares_prefixes)
        Examination(timed, sheet, tokens_together, Deadline(0), lambda _: None).work_off(passes)
        return sheet

    return answer


def make_reader(bench: Bench) -> Reader:
    """The package's own choice for this base."""
    return choose_reader(bench.model, bench.tokenizer, bench.options, bench.job.max_tokens)


def measure_packed(bench: Bench) -> tuple[Answer, Iterator[dict]]:
    """Few and many questions."""
    reader = make_reader(bench)
    answer = make_packed(bench, reader, bench.job.tokens_together)

    def measure() -> Iterator[dict]:
        yield from measure_sizes(bench, answer, (bench.job.few, bench.job.many), "ours: one packed pass")
        profile_pass(bench, reader)

    return answer, measure()


def measure_budgets(bench: Bench) -> tuple[Answer, Iterator[dict]]:
    """How many tokens go through the model together."""
    reader = make_reader(bench)

    def measure() -> Iterator[dict]:
        for table, questions in ((CLOSED, bench.closed), (OPENED, bench.opened)):
            asked = repeat_questions(questions, bench.job.few)
            for budget in BUDGETS:
                answer = make_packed(bench, reader, budget)
                described = {"table": f"tokens read together, {table}", "row": f"{budget:,}"}
                answer(asked, Laps())  # kernels are chosen by size
                yield measure_run(bench, answer, asked, **described, size=bench.job.few)

    return make_packed(bench, reader, bench.job.tokens_together), measure()


def measure_orders(bench: Bench) -> tuple[Answer, Iterator[dict]]:
    """Five orders of the options behind a long context, beside one."""
    reader, budget = make_reader(bench), bench.job.tokens_together
    ways = {
        "one order": (1, make_packed(bench, reader, budget)),
        "five orders, shared tokens once": (N_ORDERS, make_packed(bench, reader, budget, N_ORDERS)),
        "five orders, each read whole": (
            N_ORDERS,
            make_packed(bench, reader, budget, N_ORDERS, shares_prefixes=False),
        ),
    }

    def measure() -> Iterator[dict]:
        asked = repeat_questions(bench.lengthened, bench.job.few)
        for row, (n_orders, answer) in ways.items():
            orders, described = list_orders(5, n_orders, ORDER_SEED), {"table": "contexts of 600 tokens"}
            answer(asked[:16], Laps())
            yield measure_run(bench, answer, asked, orders, **described, row=row, size=bench.job.few)

    return ways["one order"][1], measure()


def measure_adapters(bench: Bench) -> tuple[Answer, Iterator[dict]]:
    """Five adapters on one base, beside one."""
    reader, budget = make_reader(bench), bench.job.tokens_together
    names = list(bench.model.peft_config)
    one = make_packed(bench, reader, budget)
    ways = {
        "one adapter": (1, one),
        "five adapters": (len(names), make_packed(bench, reader, budget, 1, names)),
    }

    def measure() -> Iterator[dict]:
        asked = repeat_questions(bench.closed, bench.job.few)
        for row, (n_models, answer) in ways.items():
            described = {"table": "folds of one training, closed book", "row": row, "size": bench.job.few}
            yield measure_run(bench, answer, asked, n_models=n_models, **described)

    return one, measure()


def profile_pass(bench: Bench, reader: Reader) -> None:
    """Print what one pass spends its time on, into the job's log."""
    import torch

    if not torch.cuda.is_available():
        return
    groups: list[Group] = []
    for question in repeat_questions(bench.closed, bench.job.tokens_together):
        group = reader.group([bench.encode(question)])
        if sum(group.n_tokens for group in groups) + group.n_tokens > bench.job.tokens_together:
            break
        groups.append(group)
    kinds = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=kinds) as profile:
        reader.read(groups)
        torch.cuda.synchronize()
    table = profile.key_averages().table(
        sort_by="self_cuda_time_total", row_limit=PROFILED_LINES, max_name_column_width=60
    )
    print(table, flush=True)


WAYS = dict(zip(OWN, (measure_packed, measure_budgets, measure_orders, measure_adapters), strict=True))
