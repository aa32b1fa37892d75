"""What happens beside the training loop: the log, whole checkpoints, step times, the progress bar."""

import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import TrainerCallback
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

# Written into a checkpoint after everything else: one without it was cut short.
COMPLETE = "complete"
WARMUP_STEPS = 5  # left out of the speed: first steps pay for allocation and kernel choice


class Recorder(TrainerCallback):
    """Passes the log on, marks whole checkpoints, times the steps."""

    def __init__(self, on_log: Callable[[list[dict]], None]) -> None:
        self.on_log_grown = on_log
        self.seconds: list[float] = []

    def on_step_begin(self, args, state, control, **_) -> None:
        self.began = time.perf_counter()

    def on_step_end(self, args, state, control, **_) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self.began)

    def on_log(self, args, state, control, **_) -> None:
        self.on_log_grown(state.log_history)

    def on_save(self, args, state, control, **_) -> None:
        newest = Path(args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{state.global_step}"
        (newest / COMPLETE).touch()
        best = Path(state.best_model_checkpoint or newest)
        for old in newest.parent.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            if old.name not in (newest.name, best.name):
                (old / COMPLETE).unlink(missing_ok=True)  # first: half of a checkpoint is none
                shutil.rmtree(old)

    def rows_per_second(self, rows_per_step: int) -> float:
        """Rows an optimizer step over the median step time, first steps left out; 0 untimed."""
        timed = self.seconds[WARMUP_STEPS:] or self.seconds
        return rows_per_step / statistics.median(timed) if timed else 0.0


class ProgressBar(TrainerCallback):
    """One progress bar for the whole training, and a line for every validation."""

    def on_train_begin(self, args, state, control, **_) -> None:
        self.bar = tqdm(desc="training", total=state.max_steps, initial=state.global_step, unit="step")

    def on_step_end(self, args, state, control, **_) -> None:
        self.bar.update(1)

    def on_log(self, args, state, control, logs=None, **_) -> None:
        if "loss" in logs:
            self.bar.set_postfix(loss=f"{logs['loss']:.3f}", lr=f"{logs['learning_rate']:.1e}")

    def on_evaluate(self, args, state, control, metrics=None, **_) -> None:
        values = {name.removeprefix("eval_"): x for name, x in metrics.items() if name.startswith("eval_")}
        scores = ", ".join(f"{name} {x:.3f}" for name, x in values.items())
        self.bar.write(f"step {state.global_step}: validation {scores}")

    def on_train_end(self, args, state, control, **_) -> None:
        self.bar.close()
