"""Settings of the answering stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PredictConfig:
    # folder of the trained run: its base, adapter and prompt settings are used
    run: str = "data/runs/demo/fold0"
    # folder of the question set (make questions); of the set that the run was trained on, only the
    # held-out fold is answered
    questions: str = "data/questions/sample"
    # folder of retrieved contexts (make retrieve); those that came with the questions when empty
    contexts: str = ""
    # context passages a question, best first; as many as in training when null
    max_contexts: int | None = None
    # where the base is on this machine, when not where it was trained (see base.path of train)
    base: str = ""
    # folder to write; data/predictions/<run>-<fold>-<questions> when empty
    out: str = ""
    # rows a batch
    batch_size: int = 8
    # replace predictions made with other settings or inputs
    overwrite: bool = False
