"""Settings of the questions stage: sources, and the sets that are made of them."""

from dataclasses import dataclass, field
from typing import Literal

Format = Literal[
    "auto", "competition", "mmlu", "instructions", "mcql", "review", "sciq", "columns", "hub", "generated"
]


@dataclass(frozen=True)
class ColumnsConfig:
    """Which column holds what, in a source of another layout; "a.b" is the key b of the object in a."""

    # the question
    prompt: str = "prompt"
    # the options: one column each, or one column that holds a list
    options: tuple[str, ...] = ()
    # which option is right: its letter, its number or its text
    answer: str = ""
    # the number of the first option, where answers are numbers
    first_answer: int = 0
    # instead of options and answer: the right option
    right: str = ""
    # and the wrong ones: one column each, or one column that holds a list; none where there are none
    wrong: tuple[str, ...] = ()
    # text that comes with the question, or a list of texts, best first
    context: str = ""
    # rows with the same value must not be split over folds
    group: str = ""

    def __post_init__(self) -> None:
        by_place = bool(self.options or self.answer)
        if by_place and (self.right or self.wrong):
            raise ValueError("columns: expected options and answer, or right and wrong, found some of both")
        if by_place and not (self.options and self.answer):
            raise ValueError("columns: expected options and answer, found one without the other")
        if self.wrong and not self.right:
            raise ValueError("columns: expected right beside wrong, found none")


@dataclass(frozen=True)
class SourceConfig:
    """One source of questions."""

    # file or folder; the dataset's id with format=hub
    path: str = ""
    # its layout; auto tells it by the content
    format: Format = "auto"
    # name in the column source and in the report; the path's last part when empty
    name: str = ""
    # what the columns are called, with format=columns and format=hub
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)
    # configuration of a dataset of the hub
    subset: str = ""
    # its split
    split: str = "train"
    # take the first rows only; 0 takes all
    max_rows: int = 0

    def __post_init__(self) -> None:
        mapped = self.format in ("columns", "hub")
        if mapped and not (self.columns.answer or self.columns.right):
            raise ValueError(f"format={self.format}: expected columns with options and answer, or right")
        if not mapped and self.columns != ColumnsConfig():
            raise ValueError(f"columns: expected format=columns or hub, found format={self.format}")
        if self.max_rows < 0:
            raise ValueError(f"max_rows: expected 0 or more, found {self.max_rows}")


def name_source(source: SourceConfig) -> str:
    """The source's name, or the last part of its path without endings."""
    return source.name or source.path.rstrip("/").split("/")[-1].split(".")[0]


@dataclass(frozen=True)
class QualityConfig:
    """What a question of a built set must be like."""

    # share of a source's rows that may be dropped as unusable; more stop the build
    max_dropped: float = 0.5
    # wrong options that a source must give; those that are missing are found among other questions
    min_wrong: int = 0
    max_prompt_chars: int = 2000
    max_option_chars: int = 1000
    # the right option is too easy to see when it is longer than the usual wrong one by this factor …
    max_length_ratio: float = 2.5
    # … and by this many characters
    max_surplus_chars: int = 40
    # in generated sources the longest option is the right one in 20% of the questions, give or take this
    longest_tolerance: float = 0.05

    def __post_init__(self) -> None:
        for name in ("max_dropped", "longest_tolerance"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class DuplicatesConfig:
    """What counts as the same question, within the set and between it and the evaluation sets."""

    # Jaccard similarity of word triples (question + options) from which the later row goes
    near_duplicate: float = 0.8
    # look for rewordings too, with all-MiniLM-L6-v2 (some 300 questions a second on two cores); else by words
    paraphrases: bool = True
    # its cosine from which the later row goes
    min_cosine: float = 0.97

    def __post_init__(self) -> None:
        if not 0.5 <= self.near_duplicate <= 1:
            raise ValueError(f"near_duplicate: expected 0.5 to 1, found {self.near_duplicate}")
        if not 0 < self.min_cosine <= 1:
            raise ValueError(f"min_cosine: expected 0 to 1, found {self.min_cosine}")


@dataclass(frozen=True)
class AugmentConfig:
    """What is done to the questions that are kept."""

    # how often each question stands in the set, its options in another order every time
    permutations: int = 1
    # share of the questions that get other wrong options than they came with
    swap_share: float = 0.0
    # given: contexts as they came; retrieved: found by a search; mixed: the given one among found ones
    contexts: Literal["given", "retrieved", "mixed"] = "given"
    # index that is searched: data/index/NAME
    index: str = ""
    # contexts a question
    max_contexts: int = 3
    # share of the questions that lose their contexts, so that the reader learns to do without
    context_dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.max_contexts < 1:
            raise ValueError(f"max_contexts: expected at least 1, found {self.max_contexts}")
        if not 1 <= self.permutations <= 5:
            raise ValueError(f"permutations: expected 1 to 5, found {self.permutations}")
        if self.contexts != "given" and not self.index:
            raise ValueError(f"index: expected data/index/NAME with contexts={self.contexts}, found none")
        for name in ("swap_share", "context_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class QuestionsConfig:
    """One question file, taken as it is."""

    # question file: the competition's CSV (id,prompt,A,B,C,D,E,answer; optional context) or JSON lines
    path: str = "data/sample/sample.jsonl"
    # name of the set, the folder below data/questions; the file's stem when empty
    name: str = ""
    # number of folds
    folds: int = 5
    # Jaccard similarity of word triples (question + options) from which two rows share a fold
    near_duplicate: float = 0.5
    # seed of the fold assignment
    seed: int = 0
    # replace a set of the same name made from another file or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"folds: expected at least 2, found {self.folds}")
        if not 0 < self.near_duplicate <= 1:
            raise ValueError(f"near_duplicate: expected 0 to 1, found {self.near_duplicate}")


@dataclass(frozen=True)
class BuildConfig:
    """A set built from many sources: checked, freed of repeats and leaks, balanced, augmented."""

    sources: tuple[SourceConfig, ...] = ()
    # question files, or sets below data/questions, whose questions the built set must not hold in any wording
    evaluation: tuple[str, ...] = ()
    quality: QualityConfig = field(default_factory=QualityConfig)
    duplicates: DuplicatesConfig = field(default_factory=DuplicatesConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    # name of the set, the folder below data/questions; the config's name when empty
    name: str = ""
    # number of folds; questions that overlap by half (word triples of question + options) share one
    folds: int = 5
    # seed of all draws
    seed: int = 0
    # replace a set of the same name built from other sources or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ValueError(f"seed: expected 0 or more, found {self.seed}")
        names = [name_source(source) for source in self.sources]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"sources: expected different names, found {twice[0]!r} twice; give name: …")
        if "" in names:
            raise ValueError("sources: expected a path, or a name, for each, found neither")
        if self.folds < 2:
            raise ValueError(f"folds: expected at least 2, found {self.folds}")
