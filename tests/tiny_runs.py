"""A run whose folds have random adapters on a tiny base: what answering needs, without a training."""

from pathlib import Path

import pandas as pd
import torch

from science_exam.questions.store import list_files, write_question_set
from science_exam.runs import Run, open_run
from science_exam.tables import CONTEXTS, PREDICTIONS, read_table, write_table
from science_exam.training.base import list_small_files
from science_exam.training.config import UNDECISIVE, BaseConfig, LoraConfig, TrainConfig
from science_exam.training.model import add_adapter, load_base, save_adapter

OWN, TEST, WIKI = Path("data/questions/own"), Path("data/questions/exam"), Path("data/contexts/wiki")
RUN = Path("data/runs/tiny")


def write_run(base: str, question_set, n_folds: int, **settings) -> Path:
    """Write `OWN`, the test set `TEST` with the same questions and the folds of `RUN`; returns the run."""
    for folder in (OWN, TEST):
        write_question_set(question_set, folder)
    for fold in range(n_folds):
        write_fold(base, fold, **settings)
    return RUN


def write_fold(base: str, fold: int, **settings) -> None:
    """Write one fold of `RUN` with an adapter that changes the answers."""
    plain = BaseConfig(path=base, quantization="none")
    usual = {"max_contexts": 2, "max_tokens": 600, "questions": str(OWN), "run": RUN.name}
    config = TrainConfig(**{"base": plain, "fold": fold, **usual, **settings})
    run = open_run(
        RUN / f"fold{fold}", config, [*list_files(OWN), *list_small_files(base)], without=UNDECISIVE
    )
    model = add_adapter(load_base(plain), LoraConfig(r=2), seed=0)
    torch.manual_seed(fold)
    for name, weight in model.named_parameters():
        if "lora_" in name:
            weight.data.normal_(std=0.2)
    run.begin()
    save_adapter(model, run.folder / "adapter")
    run.finish({})


def write_contexts(contexts: pd.DataFrame) -> str:
    """Write `WIKI`, as if it had been retrieved for the questions of `TEST`; returns the folder."""
    run = Run(WIKI, {}, [TEST / "questions.parquet"])
    run.begin()
    write_table(contexts, CONTEXTS, WIKI / "contexts.parquet")
    run.finish({})
    return str(WIKI)


def read_answers(name: str) -> pd.DataFrame:
    """The predictions table of data/predictions/<name>."""
    return read_table(PREDICTIONS, Path("data/predictions") / name / "predictions.parquet")
