"""Settings of the pretraining stage."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the Llama."""

    # entries of the byte-level BPE vocabulary, special tokens included
    vocab_size: int = 5120
    # width of the model
    hidden_size: int = 256
    # width of the feed-forward layers
    intermediate_size: int = 640
    # number of blocks
    layers: int = 9
    # attention heads
    heads: int = 4
    # heads for keys and values (grouped-query attention)
    kv_heads: int = 2
    # tokens that the model may read at most; training itself goes up to max_tokens
    max_position_embeddings: int = 2048


@dataclass(frozen=True)
class PhaseConfig:
    """A stretch of the schedule, and the weights of what its examples are drawn from."""

    # share of the steps
    share: float = 1.0
    # articles as they are
    text: float = 0.5
    # reading tasks made of articles
    tasks: float = 0.5
    # questions of the question set, with their retrieved contexts
    questions: float = 0.0
    # the same with contexts that state an answer, mostly another one, so that only reading helps
    stated: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.text, self.tasks, self.questions, self.stated)
        if self.share <= 0 or min(weights) < 0 or not sum(weights):
            raise ValueError(f"phases: expected a share above 0 and weights of 0 or more, found {self}")


@dataclass(frozen=True)
class PretrainConfig:
    """A small Llama base that reads its context, trained from nothing on articles and questions."""

    # folders of corpora (make corpus)
    corpora: tuple[str, ...] = ("data/corpus/sample",)
    # folder of a question set (make questions), asked beside the reading tasks; none when empty
    questions: str = ""
    # folder of retrieved contexts of that set (make retrieve); those that came with it when empty
    contexts: str = ""
    # share of the question set's groups that is never trained on, to watch the training by
    held_out_fraction: float = 0.03
    # how often questions of a source are drawn: its weight a question, 1 unless named here ("source=weight")
    source_weights: tuple[str, ...] = ()
    # question files whose contexts may not stand in the text: their sentences are taken out of the corpora
    evaluation: tuple[str, ...] = ()
    # where the finished base goes; models/<the config's name> when empty
    out: str = ""
    model: ModelConfig = field(default_factory=ModelConfig)
    # what is trained on, in order
    phases: tuple[PhaseConfig, ...] = (PhaseConfig(),)
    # share of the reading tasks whose content words are replaced by others
    scramble_fraction: float = 0.4
    # share of the reading tasks whose wrong options come from the context itself
    same_context_fraction: float = 0.5
    # words of context an example has at least
    min_context_words: int = 60
    # and at most
    max_context_words: int = 280
    # questions asked about one context that was made for them, at most
    max_questions: int = 5
    # tokens of an example at most
    max_tokens: int = 1024
    # tokens of a pack: examples one behind the other that go through the model at once
    tokens_per_pack: int = 65_536
    # packs of an optimizer step; several GPUs share them, so that their number decides nothing
    packs_per_step: int = 1
    # optimizer steps of the whole schedule
    steps: int = 12_000
    # stop after that many seconds with a checkpoint; the same command goes on (0: never)
    budget_seconds: float = 0.0
    # peak learning rate
    learning_rate: float = 3e-3
    # optimizer steps over which the learning rate rises from 0
    warmup_steps: int = 300
    # share of the steps, at the end, over which it falls to 0
    decay_fraction: float = 0.3
    # pull of the optimizer towards 0, on the matrices; norms are left alone
    weight_decay: float = 0.1
    # gradients are scaled down to this norm
    max_grad_norm: float = 1.0
    # weight of the answers' cross-entropy beside that of all tokens
    answer_weight: float = 1.0
    # weight of the option head's cross-entropy (see reader.py)
    option_weight: float = 1.0
    # processes that make examples; 0 makes them between the steps
    workers: int = 0
    # compile the blocks: half a minute at the start, then faster steps
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
        for name in ("steps", "log_steps", "checkpoint_steps", "max_questions", "packs_per_step"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")
        for name in ("scramble_fraction", "same_context_fraction", "decay_fraction", "held_out_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected 0 to 1, found {getattr(self, name)}")
        if self.max_tokens > self.model.max_position_embeddings:
            raise ValueError(
                f"max_tokens: expected at most model.max_position_embeddings, found {self.max_tokens}"
            )
        if self.max_tokens > self.tokens_per_pack:
            raise ValueError(f"tokens_per_pack: expected at least max_tokens, found {self.tokens_per_pack}")
        if not 0 < self.min_context_words <= self.max_context_words:
            raise ValueError(
                f"min_context_words: expected 1 to max_context_words, found {self.min_context_words}"
            )
        if self.held_out_fraction == 1:
            raise ValueError("held_out_fraction: expected less than 1, or nothing is left to train on")
        if any(phase.questions or phase.stated for phase in self.phases) and not self.questions:
            raise ValueError("phases: a phase asks questions, but questions= names no question set")
