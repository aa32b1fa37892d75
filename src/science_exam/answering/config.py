"""Settings of the answering stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictConfig:
    # folder of the trained run: its base, adapter and prompt settings are used
    run: str = "data/runs/demo/fold0"
    # folder of the question set (make questions)
    questions: str = "data/questions/sample"
    # folder to write; data/predictions/<run>-<fold>-<questions> when empty
    out: str = ""
    # rows a batch
    batch_size: int = 8
    # replace predictions made with other settings or inputs
    overwrite: bool = False
