"""Settings of the pretraining stage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PretrainConfig:
    """A small Llama base, trained from nothing on texts of articles."""

    # articles as JSON lines: article_id, title, sections (path, text)
    articles: str = "data/sample/articles.jsonl"
    # where the finished base goes; models/<the config's name> when empty
    out: str = ""
    # entries of the byte-level BPE vocabulary, special tokens included
    vocab_size: int = 2048
    # width of the model
    hidden_size: int = 256
    # width of the feed-forward layers
    intermediate_size: int = 704
    # number of blocks
    layers: int = 6
    # attention heads
    heads: int = 4
    # heads for keys and values (grouped-query attention)
    kv_heads: int = 2
    # tokens that the model may read at most; training itself goes up to max_tokens
    max_position_embeddings: int = 2048
    # share of the examples that are plain articles; the others are reading tasks
    text_fraction: float = 0.15
    # share of the reading tasks whose content words are replaced by others
    scramble_fraction: float = 0.6
    # share of the reading tasks whose wrong options come from the context itself
    same_context_fraction: float = 0.5
    # words of context a reading task has at least
    min_context_words: int = 60
    # and at most
    max_context_words: int = 220
    # tokens of an example at most; a reading task that is longer is made anew
    max_tokens: int = 768
    # optimizer steps of the whole schedule
    steps: int = 12_000
    # stop after that many seconds with a checkpoint; the same command goes on (0: never)
    budget_seconds: float = 0.0
    # examples an optimizer step
    batch_size: int = 128
    # peak learning rate; it falls along a cosine to a tenth
    learning_rate: float = 1.5e-3
    # optimizer steps over which the learning rate rises from 0
    warmup_steps: int = 300
    # on the matrices; norms are left alone
    weight_decay: float = 0.1
    # gradients are scaled down to this norm
    max_grad_norm: float = 1.0
    # weight of the answers' cross-entropy beside that of all tokens
    answer_weight: float = 1.0
    # processes that make examples; 0 makes them between the steps
    workers: int = 0
    # compile the model: a minute at the start, then faster steps
    compile: bool = False
    # optimizer steps between two lines of metrics
    log_steps: int = 50
    # optimizer steps between checkpoints
    checkpoint_steps: int = 1000
    # of the weights' start and of every example
    seed: int = 3407
    # replace a run of the same name made with other settings or inputs
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "log_steps", "checkpoint_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")
        for name in ("text_fraction", "scramble_fraction", "same_context_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {getattr(self, name)}")
        if self.max_tokens > self.max_position_embeddings:
            raise ValueError(f"max_tokens: expected at most max_position_embeddings, found {self.max_tokens}")
