"""Settings of the kernel, simulate, push, submit and leaderboard stages, and of the notebook itself."""

from dataclasses import dataclass, field
from math import inf
from typing import Literal, get_args

from science_exam.retrieval.config import RetrieveConfig

COMPETITION = "kaggle-llm-science-exam"
SHAPES = ("NvidiaTeslaT4", "None")  # of machines: two T4s, or no accelerator
MAX_HOURS = 9  # of a session
# Where inputs have been mounted: all below /kaggle/input by their slugs, there by kind and owner, or by kind
# and owner at the root.
Layout = Literal["flat", "nested", "rooted"]
# What a simulation can break: a bundle is missing or damaged; there is too little memory or time; a base with
# NaN; odd rows.
Fault = Literal[
    "", "missing-code", "missing-wheels", "missing-runs", "missing-index", "corrupted-adapter",
    "out-of-memory", "nan-logits", "deadline",
    "odd-ids", "nan-options", "long-prompts", "duplicate-rows", "crlf",
]  # fmt: skip
LAYOUTS, FAULTS = get_args(Layout), get_args(Fault)


@dataclass(frozen=True)
class ExamConfig:
    """What the notebook does, from exam.yaml of the bundle "code"; paths are those of the restored tree."""

    # folders of the trained folds that answer together, on one base
    runs: tuple[str, ...] = ()
    # folder of the base in a bundle; empty where a Kaggle model is mounted, which is found by its config.json
    base: str = ""
    # how passages are found; its index is empty where all is answered without
    retrieve: RetrieveConfig = field(default_factory=RetrieveConfig)
    # orders of the options that each question is asked in, time permitting
    views: int = 5
    # hours from the start of the notebook, after which nothing more is tried
    hours: float = 8.25
    # outside the competition's own run, of at most 200 rows only so many are answered, to spare GPU hours
    short_rows: int = 20
    # commit of the code, with "+changes" when files differed from it
    commit: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.hours < inf:
            raise ValueError(f"hours: expected more than 0, found {self.hours}")


@dataclass(frozen=True)
class KernelConfig:
    """Trained runs -> kernels/<name>: a notebook, its metadata, and bundles to upload."""

    # name of the kernel: its folder below kernels/, and its slug on Kaggle, of at least five letters
    name: str = "science-exam-demo"
    # runs that answer together: data/runs/<run> for all its finished folds, or data/runs/<run>/fold<fold>
    runs: tuple[str, ...] = ("data/runs/demo",)
    # title on Kaggle; the name with capitals when empty
    title: str = ""
    # the Kaggle user who will push; the one whom the official client knows when empty
    owner: str = ""
    # Kaggle model that holds the base, as owner/model/framework/variation/version; when empty the base is
    # uploaded with the adapters, if it is small enough
    base_source: str = ""
    # folder of the index that the notebook searches, as the runs' own contexts were retrieved; empty for
    # closed book
    index: str = "data/index/sample"
    # orders of the options that each question is asked in, time permitting
    views: int = 5
    # hours that the notebook may take, less than the nine of a session
    hours: float = 8.25
    # rows that are answered outside the competition's own run
    short_rows: int = 20
    # slug of the competition
    competition: str = COMPETITION
    # two T4s, or "None" for no accelerator
    machine_shape: str = SHAPES[0]
    # Python versions of the images that the wheels must fit
    pythons: tuple[str, ...] = ("3.12", "3.13")
    # folder of wheels to take, where the package index is out of reach; empty: they are fetched
    wheels: str = ""
    # replace a kernel made from other runs or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.machine_shape not in SHAPES:
            raise ValueError(
                f"machine_shape: expected one of {', '.join(SHAPES)}, found {self.machine_shape!r}"
            )
        if not 0 < self.hours < MAX_HOURS:  # a session that is ended by Kaggle scores nothing
            raise ValueError(f"hours: expected more than 0 and less than {MAX_HOURS}, found {self.hours}")
        for name in ("views", "short_rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class SimulateConfig:
    """A kernel, run as the competition runs it."""

    # name of the kernel below kernels/
    name: str = "science-exam-demo"
    # questions to ask, a .jsonl or .csv file; answers in it are kept from the notebook and scored
    questions: str = "data/sample/sample.jsonl"
    # rows of test.csv; the questions are repeated until there are so many
    rows: int = 200
    # where the inputs are mounted
    layout: Layout = "nested"
    # what is broken; nothing when empty
    fault: Fault = ""
    # minutes that the session may take
    minutes: float = 60.0
    # memory of the session in GB
    memory_gb: float = 30.0
    # interpreter that runs the notebook, with ipykernel and nbclient; this one when empty
    python: str = ""

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"rows: expected at least 1, found {self.rows}")
        for name in ("minutes", "memory_gb"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"{name}: expected more than 0, found {getattr(self, name)}")


@dataclass(frozen=True)
class PushConfig:
    """A kernel to Kaggle: bundles, notebook, and what its session leaves."""

    # name of the kernel below kernels/
    name: str = "science-exam-demo"
    # only say what would be done
    dry_run: bool = False
    # upload the runs as a Kaggle model instead of a dataset
    as_model: bool = False
    # speed of the line that the plan reckons with, in MB a second
    mb_per_second: float = 5.0
    # minutes that Kaggle may take to make a bundle ready
    ready_minutes: float = 60.0
    # minutes that the session of the notebook may take, its time in the queue included
    session_minutes: float = 660.0
    # seconds between two looks at what takes its time
    poll_seconds: float = 20.0
    # seconds before a request that failed is repeated; each later wait is twice as long
    wait_seconds: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.mb_per_second < inf:
            raise ValueError(f"mb_per_second: expected more than 0, found {self.mb_per_second}")


@dataclass(frozen=True)
class SubmitConfig:
    """The pushed version of a kernel to the competition, and its score to the ledger."""

    # name of the kernel below kernels/
    name: str = "science-exam-demo"
    # what is new in it, for the list of submissions
    message: str = ""
    # submit a version anew whose latest submission has failed
    again: bool = False
    # file that holds all submissions
    ledger: str = "submissions/ledger.csv"
    # minutes that the competition's own run may take, its time in the queue included
    minutes: float = 660.0
    # seconds between two looks
    poll_seconds: float = 30.0
    # seconds before a request that failed is repeated; each later wait is twice as long
    wait_seconds: float = 2.0


@dataclass(frozen=True)
class LeaderboardConfig:
    """The submissions of the ledger, best first."""

    # file that holds all submissions
    ledger: str = "submissions/ledger.csv"
