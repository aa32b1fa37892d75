"""Settings of the questions stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QuestionsConfig:
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
