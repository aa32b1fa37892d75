"""One training for train_speed.py: python train_speed_peers.py JOB RESULT, a job as JSON, a file to write.

A process a peer, because Unsloth changes the libraries that the others use.
"""

import gzip
import importlib.util
import json
import random
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from speed_machine import describe_machine, measure_limit, read_clock
from train_speed_jobs import FAST, LIMIT, Job

from science_exam.errors import UserError
from science_exam.prompt import INPUT_END, TEMPLATE

STARTED = time.perf_counter()  # before the heavy imports, which are part of the setup
SEED = 3407
BATCH_SIZE, ACCUMULATION_STEPS = 4, 2
ROWS_PER_STEP = BATCH_SIZE * ACCUMULATION_STEPS
RANK = ALPHA = 16
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
IGNORED = -100  # a label without loss


class Meter:
    """Clock and memory of a training: `begin` once the model is loaded, `finish_step` after every step."""

    def __init__(self, job: Job) -> None:
        self.warm_up, self.last = job.warm_up, job.warm_up + job.steps
        self.step, self.figures = 0, {}

    def begin(self) -> None:
        """From here on memory counts, so that what only the loading needs does not."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def finish_step(self) -> None:
        self.step += 1
        if self.step == self.warm_up:
            self.timed_from = read_clock()
        if self.step == self.last:
            self._conclude(read_clock())

    def _conclude(self, now: float) -> None:
        """What is not a step at the measured speed is setup: imports, loading, compiling."""
        import torch

        seconds, cuda = now - self.timed_from, torch.cuda.is_available()
        warm_up_seconds = seconds / (self.last - self.warm_up) * self.warm_up
        self.figures = {
            "seconds": seconds,
            "setup_seconds": self.timed_from - STARTED - warm_up_seconds,
            "peak_allocated": torch.cuda.max_memory_allocated() if cuda else 0,
            "peak_reserved": torch.cuda.max_memory_reserved() if cuda else 0,
        }


def read_examples(job: Job, tokenizer) -> list[dict]:
    """The rows of all steps in their order: `input_ids`, and `labels` on the answer's tokens.

    They are drawn without order, begun again when there are too few; longer ones than
    `job.max_tokens` are left out.
    """
    with (gzip.open if job.rows.endswith(".gz") else open)(job.rows, "rt", encoding="utf-8") as file:
        examples = [encode_row(json.loads(line), tokenizer) for line in file]
    examples = [example for example in examples if len(example["input_ids"]) <= job.max_tokens]
    if not examples:
        raise UserError(f"{job.rows}: expected rows of at most {job.max_tokens} tokens, found none")
    random.Random(SEED).shuffle(examples)
    return list(islice(cycle(examples), ROWS_PER_STEP * (job.warm_up + job.steps)))


def encode_row(row: dict, tokenizer) -> dict:
    prompt = tokenizer(TEMPLATE.format(**row) + INPUT_END)["input_ids"]
    answer = tokenizer(row["output"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer}


def run_trl(job: Job, meter: Meter, checkpointing: bool) -> list[dict]:
    """TRL's trainer on the base and adapter of our own training; TRL rounds that adapter to bf16."""
    from science_exam.training.config import BaseConfig, LoraConfig
    from science_exam.training.model import add_adapter, load_base, load_tokenizer

    tokenizer = load_tokenizer(job.base)
    lora = LoraConfig(r=RANK, alpha=ALPHA, targets=PROJECTIONS)
    model = add_adapter(load_base(BaseConfig(path=job.base)), lora, SEED)
    settings = {"gradient_checkpointing_kwargs": {"use_reentrant": False}} if checkpointing else {}
    return train_with_trl(job, meter, model, tokenizer, gradient_checkpointing=checkpointing, **settings)


def run_unsloth(job: Job, meter: Meter, checkpointing: str | bool) -> list[dict]:
    """Unsloth as its notebooks use it, whose trainer is TRL's with another model in it."""
    from unsloth import FastLanguageModel  # before the libraries that it changes

    model, tokenizer = FastLanguageModel.from_pretrained(
        job.base,
        max_seq_length=job.max_tokens,
        dtype=None,
        load_in_4bit=True,
        use_gradient_checkpointing=checkpointing,
    )
    model = FastLanguageModel.get_peft_model(
        model,
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=0,
        target_modules=list(PROJECTIONS),
        use_gradient_checkpointing=checkpointing,
        random_state=SEED,
    )
    settings = {} if checkpointing else {"gradient_checkpointing": False}
    return train_with_trl(job, meter, model, tokenizer, **settings)


def train_with_trl(job: Job, meter: Meter, model, tokenizer, **settings) -> list[dict]:
    """Train with SFTTrainer, the same for all peers that use it; returns the rows in their order."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Steps(TrainerCallback):
        def on_train_begin(self, *_, **__) -> None:
            meter.begin()

        def on_step_end(self, *_, **__) -> None:
            meter.finish_step()

    examples, cuda = read_examples(job, tokenizer), torch.cuda.is_available()
    arguments = SFTConfig(
        output_dir="trained",
        per_device_train_batch_size=BATCH_SIZE,
        gradient_accumulation_steps=ACCUMULATION_STEPS,
        max_steps=job.warm_up + job.steps,
        learning_rate=2e-4,
        optim="adamw_8bit",
        bf16=cuda,
        use_cpu=not cuda,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},  # they have ids and labels already
        train_sampling_strategy="sequential",
        logging_steps=10,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=cuda,
        seed=SEED,
        **settings,
    )
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        args=arguments,
        train_dataset=Dataset.from_list(examples),
        callbacks=[Steps()],
    )
    trainer.train()
    return examples


def run_fast(job: Job, meter: Meter) -> list[dict]:
    """This project's own engine, within `job.memory_budget_gb`; returns the rows in their order."""
    from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
    from science_exam.training.fast.network import Network
    from science_exam.training.fast.rows import group_rows
    from science_exam.training.fast.runner import Runner
    from science_exam.training.model import add_adapter, choose_dtype, load_base, load_tokenizer

    config = TrainConfig(
        base=BaseConfig(path=job.base),
        lora=LoraConfig(r=RANK, alpha=ALPHA, targets=PROJECTIONS),
        engine="fast",
        memory_budget_gb=job.memory_budget_gb or 0.0,
    )
    examples = read_examples(job, load_tokenizer(job.base))
    masks = [[int(label != IGNORED) for label in example["labels"]] for example in examples]
    rows = [{**row, "completion_mask": mask} for row, mask in zip(examples, masks, strict=True)]
    model = add_adapter(load_base(config.base), config.lora, SEED)
    meter.begin()
    groups = group_rows(rows)
    steps = [groups[start : start + ROWS_PER_STEP] for start in range(0, len(groups), ROWS_PER_STEP)]
    runner = Runner(Network(model, choose_dtype(config.base.dtype)), steps, config)
    for number in range(len(steps)):
        runner.step(number, factor=1.0)
        meter.finish_step()
    return examples


PEERS: dict[str, Callable[[Job, Meter], list[dict]]] = {
    FAST: run_fast,
    "trl": lambda job, meter: run_trl(job, meter, checkpointing=False),
    "trl-checkpointing": lambda job, meter: run_trl(job, meter, checkpointing=True),
    "unsloth": lambda job, meter: run_unsloth(job, meter, checkpointing="unsloth"),
    "unsloth-no-checkpointing": lambda job, meter: run_unsloth(job, meter, checkpointing=False),
}
PACKAGES = {
    FAST: ("bitsandbytes",),
    "trl": ("trl", "bitsandbytes"),
    "unsloth": ("unsloth", "trl", "bitsandbytes"),
}


def find_missing(peer: str) -> list[str]:
    """Packages that a peer needs and that are not installed."""
    needed = PACKAGES[FAST if peer == FAST else peer.partition("-")[0]]
    return [package for package in needed if importlib.util.find_spec(package) is None]


def measure(job: Job) -> dict:
    """The result of a job, but for the job itself."""
    if job.peer == LIMIT:
        return measure_limit()
    if missing := find_missing(job.peer):
        return {"missing": f"not installed: {', '.join(missing)}"}
    meter = Meter(job)
    examples = PEERS[job.peer](job, meter)
    timed = examples[-ROWS_PER_STEP * job.steps :]
    n_tokens = sum(len(example["input_ids"]) for example in timed)
    return {"n_rows": len(timed), "n_tokens": n_tokens, **meter.figures}


if __name__ == "__main__":
    job = Job(**json.loads(sys.argv[1]))
    result = measure(job)
    Path(sys.argv[2]).write_text(json.dumps({**result, **describe_machine()}), encoding="utf-8")
