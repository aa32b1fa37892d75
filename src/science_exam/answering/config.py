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


@dataclass(frozen=True)
class AskConfig:
    """One question of a person."""

    # the question
    q: str = ""
    # its five options with | between them
    options: str = ""
    # folder of the trained run that answers; the base alone when empty
    run: str = ""
    # the base, when not where the run was trained; without a run, the base that answers (the embedded one
    # when empty)
    base: str = ""
    # folder of the index (make index) that passages are taken from; closed book when empty
    index: str = "data/index/sample"
    # folder of the corpus, when it is not where it was indexed
    corpus: str = ""
    # passages to read, best first; as many as in training when null
    max_contexts: int | None = None

    def __post_init__(self) -> None:
        if self.max_contexts is not None and self.max_contexts < 0:
            raise ValueError(f"max_contexts: expected 0 or more, found {self.max_contexts}")
