"""Settings of the answering stage."""

from dataclasses import dataclass
from math import factorial, inf

from science_exam.answering.pooling import Pool
from science_exam.answering.weighting import Weighting

MAX_VIEWS = factorial(5)
# What changes the pace of the answers and not what they are.
UNDECISIVE = ("batch_size", "base", "gpus", "streaming", "memory_budget_gb", "host_memory_gb")


@dataclass(frozen=True)
class PredictConfig:
    # folder of a fold of a trained run, or of the run: its folds' adapters then answer together. Base and
    # prompt settings are the run's
    run: str = "data/runs/demo/fold0"
    # folder of the question set (make questions); of the set that the run was trained on, each fold answers
    # what it held out, and nothing else
    questions: str = "data/questions/sample"
    # folders of retrieved contexts (make retrieve), and "given" for those that came with the questions, which
    # are read when none are named; with several, every question is asked with each, and the answers averaged
    contexts: tuple[str, ...] = ()
    # context passages a question, best first; as many as in training when null
    max_contexts: int | None = None
    # where the base is on this machine, when not where it was trained (see base.path of train)
    base: str = ""
    # folder to write; data/predictions/<run>-<fold>-<questions> when empty, all folds: <run>-<questions>
    out: str = ""
    # rows a batch
    batch_size: int = 8
    # orders of the options that each question is asked in; their answers are averaged
    views: int = 1
    # time in seconds for all of it, from the start of the command; 0 is as long as it takes. Every question
    # is asked once, then the least certain ones in further orders; what is not reached gets its longest
    # option first
    budget_seconds: float = 0.0
    # processes that divide the questions, each with a GPU of its own; without GPUs they divide the CPU
    gpus: int = 1
    # read the base a layer at a time, for all questions at once: it may be larger than the GPU's memory
    streaming: bool = False
    # with streaming: memory of each GPU in GB for questions between two layers; 0 is half of what is free
    memory_budget_gb: float = 0.0
    # with streaming: the CPU's memory in GB for questions that do not fit there; for those that fit neither
    # the layers are read again
    host_memory_gb: float = 0.0
    # replace predictions made with other settings or inputs
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.views <= MAX_VIEWS:
            raise ValueError(f"views: expected 1 to {MAX_VIEWS}, found {self.views}")
        if not 0 <= self.budget_seconds < inf:
            raise ValueError(f"budget_seconds: expected 0 or more, found {self.budget_seconds}")
        if self.gpus < 1:
            raise ValueError(f"gpus: expected at least 1, found {self.gpus}")
        if self.gpus > 1 and self.streaming:
            raise ValueError(f"gpus: expected 1 with streaming, which takes all there are; found {self.gpus}")
        for name in ("memory_budget_gb", "host_memory_gb"):
            value = getattr(self, name)
            if not 0 <= value < inf:
                raise ValueError(f"{name}: expected 0 or more, found {value}")
            if value and not self.streaming:
                raise ValueError(f"{name}: expected streaming=true too, found false")


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


@dataclass(frozen=True)
class BlendConfig:
    """Several runs as one."""

    # names of the runs below data/runs/, trained on one question set with its folds; blends too
    runs: tuple[str, ...] = ()
    # name of the blend below data/runs/; blend-<run>-<run>… when empty
    name: str = ""
    # what is averaged over the runs: probabilities, logits (their geometric mean) or ranks
    pool: Pool = "logits"
    # weights of the runs: equal, or those that are best for log_loss or for map3
    weights: Weighting = "log_loss"
    # temperatures, of every run and of the blend, fitted for log-loss; without them probabilities are
    # averaged as they are
    calibrate: bool = True
    # folder of a test set (make questions) that every run has answered (make predict): the blend's answers
    # go below data/predictions/
    test: str = ""
    # of the search for the weights that are best for map3
    seed: int = 0
    # replace a blend of other runs or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError('runs: expected names of runs (make blend RUNS="a b c"), found none')
        if twice := [run for run in self.runs if self.runs.count(run) > 1]:
            raise ValueError(f"runs: expected each run once, found {twice[0]!r} twice")
