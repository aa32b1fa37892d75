"""What each of the processes does that train a tiny model together; see test_training_fast_processes.py."""

import json
from pathlib import Path

from fast_networks import list_adapters, load_trained, make_examples
from safetensors.torch import save_file

from science_exam.training import processes
from science_exam.training.config import TrainConfig
from science_exam.training.engine import assist_training, train_adapter

SCORES = [0.1, 0.5, 0.4, 0.3, 0.2, 0.1]  # of the validations: the third and fourth spend the patience
CONFIG = TrainConfig(
    batch_size=5,
    accumulation_steps=1,
    learning_rate=1e-3,
    optimizer="adamw",
    engine="fast",
    epochs=3.0,
    warmup_steps=0,
    checkpoint_steps=1,
    validation_fraction=0.1,
    patience=2,
    report_to="none",
)


def train_share(base: str, folder: Path) -> None:
    """Do this process's share of the training.

    Args:
        base: folder of the base.
        folder: gets the weights as rank<number>.safetensors and, of the first process, the log.
    """
    processes.join()
    model, rows = load_trained(base, deviation=0.05), make_examples(9)  # the last step has one group alone
    if processes.rank() == 0:
        scores = iter(SCORES)
        log: list[dict] = []

        def keep(records: list[dict]) -> None:
            log[:] = records

        def validate() -> dict[str, float]:
            return {"map3": next(scores)}

        trained = train_adapter(model, None, rows, CONFIG, folder / "run", keep, validate)
        written = {"log": log, "steps": trained.steps}
        (folder / "log.json").write_text(json.dumps(written), encoding="utf-8")
    else:
        assist_training(model, None, rows, CONFIG, folder / "run")
    weights = {name: weight.detach().clone() for name, weight in list_adapters(model).items()}
    save_file(weights, folder / f"rank{processes.rank()}.safetensors")
