"""Settings of the corpus stage."""

from dataclasses import dataclass, field

from science_exam.corpus.filters import ArticleFilter


@dataclass(frozen=True)
class PassagesConfig:
    # tokens of a passage, title and section path included
    max_tokens: int = 200
    # tokens that neighbouring passages share, in whole sentences
    overlap_tokens: int = 40
    # folder or hub id of the tokenizer that counts; empty counts words and signs
    tokenizer: str = ""
    # overlap of word triples (Jaccard) from which a passage counts as repeated and is left out; 0 keeps all
    near_duplicate: float = 0.8

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or not 0 <= self.overlap_tokens < self.max_tokens:
            raise ValueError(
                f"overlap_tokens: expected less than {self.max_tokens}, found {self.overlap_tokens}"
            )
        if not 0 <= self.near_duplicate <= 1:
            raise ValueError(f"near_duplicate: expected 0 to 1, found {self.near_duplicate}")


@dataclass(frozen=True)
class CorpusConfig:
    """A corpus: articles from dumps and text files, and the passages cut from them."""

    # files and folders of articles; their formats are recognised
    sources: tuple[str, ...] = ("data/sample/articles.jsonl",)
    # folder below data/corpus; the config's name when empty
    name: str = ""
    filter: ArticleFilter = field(default_factory=ArticleFilter)
    passages: PassagesConfig = field(default_factory=PassagesConfig)
    # bytes of a source that one worker reads and cleans at a time
    block_bytes: int = 32_000_000
    # processes; 0 is one a core
    workers: int = 0
    # run on a Ray cluster (the folders must be shared by its machines)
    cluster: bool = False
    # replace a corpus of the same name made from other sources or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources: expected at least one file or folder, found none")
        if self.block_bytes < 1:
            raise ValueError(f"block_bytes: expected at least 1, found {self.block_bytes}")
        if self.workers < 0:
            raise ValueError(f"workers: expected 0 (one a core) or more, found {self.workers}")
