"""The training loop: packs through the stepper, on one device or one a process, with checkpoints."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from tqdm import tqdm

from science_exam.environment import is_ampere
from science_exam.errors import UserError
from science_exam.pretraining.checkpoints import CHECKPOINTS, load_checkpoint, save_checkpoint
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.packing import MakeExample, Pack, Packs, load_packs
from science_exam.pretraining.reader import Reader
from science_exam.pretraining.stepping import Stepper


def open_accelerator() -> Accelerator:
    """bf16 where the hardware has it; fp32 elsewhere (fp16 would need loss scaling)."""
    on_gpu = torch.cuda.is_available()
    return Accelerator(mixed_precision="bf16" if on_gpu and is_ampere() else "no", cpu=not on_gpu)


def train_base(
    reader: Reader,
    make_example: MakeExample,
    held_out: Sequence[Pack],
    config: PretrainConfig,
    folder: Path,
    on_log: Callable[[list[dict]], None],
    accelerator: Accelerator,
) -> list[dict]:
    """Train `reader` in place, from the last checkpoint in `folder`, until the steps or the time end.

    Args:
        reader: with random weights.
        make_example: makes an example for a step.
        held_out: packs that are only scored, at each checkpoint; may be empty.
        config: the stage's settings.
        folder: the run's; checkpoints stand below it.
        on_log: gets the whole log so far each time it grows.
        accelerator: of `open_accelerator`.

    Returns:
        The log; the last entry's step is below `config.steps` when the time was over.

    Raises:
        UserError: the packs of a step cannot be shared by the processes.
    """
    packs = Packs(make_example, config.tokens_per_pack, config.seed, config.packs_per_step)
    stepper = Stepper(reader.to(accelerator.device).train(), packs[0], config, accelerator)
    step, log = load_checkpoint(folder / CHECKPOINTS, reader, stepper.optimizers)
    loaded = load_packs(packs, _share_packs(step, config, accelerator), config.workers)
    n_own = config.packs_per_step // accelerator.num_processes
    clock, is_main = _Clock(config, accelerator), accelerator.is_main_process
    meter = _Meter(stepper, held_out, config, step)
    over = step == config.steps
    progress = tqdm(desc="pretraining", total=config.steps, initial=step, unit="step", disable=not is_main)
    while not over:
        stepper.step([next(loaded) for _ in range(n_own)], step)
        step += 1
        progress.update()
        over = clock.is_over(step) or step == config.steps
        at_checkpoint = over or step % config.checkpoint_steps == 0
        if at_checkpoint or step % config.log_steps == 0:
            log.append({"step": step, **meter.read(step, with_held_out=at_checkpoint)})
            if is_main:
                progress.write(format_metrics(log[-1]))
                on_log(log)
        if at_checkpoint and is_main:
            save_checkpoint(folder / CHECKPOINTS, step, reader, stepper.optimizers, log)
    progress.close()
    return log


def _share_packs(step: int, config: PretrainConfig, accelerator: Accelerator) -> list[int]:
    """Numbers of this process's packs, from a step on; a step has the same packs whoever makes them."""
    n_processes, rank = accelerator.num_processes, accelerator.process_index
    if config.packs_per_step % n_processes:
        raise UserError(
            f"packs_per_step={config.packs_per_step}: expected a multiple of the {n_processes} processes"
        )
    first, end = step * config.packs_per_step, config.steps * config.packs_per_step
    return list(range(first + rank, end, n_processes))


class _Clock:
    """Whether the time is over in any process: they have to stop at the same step."""

    def __init__(self, config: PretrainConfig, accelerator: Accelerator) -> None:
        self._accelerator, self._every = accelerator, config.log_steps
        self._end = time.monotonic() + config.budget_seconds if config.budget_seconds else float("inf")

    def is_over(self, step: int) -> bool:
        late = time.monotonic() > self._end
        if self._accelerator.num_processes == 1:
            return late
        if step % self._every:  # asking each other at every step would make all wait
            return False
        flag = torch.tensor(float(late), device=self._accelerator.device)
        return bool(self._accelerator.reduce(flag) > 0)


class _Meter:
    """Means over the steps since they were last read."""

    def __init__(self, stepper: Stepper, held_out: Sequence[Pack], config: PretrainConfig, step: int) -> None:
        self._stepper, self._held_out, self._config = stepper, held_out, config
        self._step, self._since = step, time.perf_counter()

    def read(self, step: int, with_held_out: bool) -> dict[str, float]:
        sums = self._stepper.accelerator.reduce(self._stepper.sums.clone())
        n_packs = (step - self._step) * self._config.packs_per_step
        means = _mean_scores(sums, n_packs)
        n_tokens = n_packs * self._config.tokens_per_pack
        means["tokens_per_second"] = round(n_tokens / (time.perf_counter() - self._since))
        self._stepper.sums.zero_()
        if with_held_out and self._held_out:
            means |= self._score_held_out()
        self._step, self._since = step, time.perf_counter()
        return means

    def _score_held_out(self) -> dict[str, float]:
        means = _mean_scores(sum(map(self._stepper.score, self._held_out)), len(self._held_out))
        shown = ("answer_loss", "question_accuracy")
        return {f"held_out_{name}": mean for name, mean in means.items() if name in shown}


def _mean_scores(sums: torch.Tensor, n_packs: int) -> dict[str, float]:
    """Means of `sum_scores`, without those that nothing was asked for."""
    text, answer, option, n_tasks, tasks_right, n_asked, asked_right = sums.tolist()
    means = {"text_loss": text / n_packs}
    if n_answers := n_tasks + n_asked:
        means |= {"answer_loss": answer / n_answers, "option_loss": option / n_answers}
    if n_tasks:
        means["task_accuracy"] = tasks_right / n_tasks
    if n_asked:
        means["question_accuracy"] = asked_right / n_asked
    return {name: round(mean, 4) for name, mean in means.items()}


def format_metrics(metrics: dict[str, float]) -> str:
    """One line of the log for people."""
    return "   ".join(
        f"{name.replace('_', ' ')} {f'{value:,}' if isinstance(value, int) else f'{value:.3f}'}"
        for name, value in metrics.items()
    )
