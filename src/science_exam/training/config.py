"""Settings of the training stage."""

from dataclasses import dataclass, field
from math import factorial, inf
from typing import Literal

Quantization = Literal["nf4", "fp4", "int8", "none"]
Dtype = Literal["auto", "bf16", "fp16", "fp32"]
# What changes the pace of a run and not its result.
UNDECISIVE = ("answer_batch_size", "memory_budget_gb", "report_to")
MAX_PERMUTATIONS = factorial(5)
Optimizer = Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "paged_adamw_32bit"]


@dataclass(frozen=True)
class BaseConfig:
    """The pretrained model: one that writes (Llama, …) or an encoder (DeBERTa, …), as its files tell."""

    # local folder, hub id (owner/model), package:name/folder inside an installed Python package, or
    # kaggle:owner/model/framework/variation/version
    path: str = "models/tiny-science-llama"
    # how a 16-bit checkpoint is quantised at load; a pre-quantised one stays as it was made, and an encoder
    # is never quantised
    quantization: Quantization = "nf4"
    # quantise the quantisation constants too (nf4, fp4): 0.4 bits a weight less
    double_quantization: bool = True
    # compute type: auto is bf16 on Ampere and later, fp16 on older GPUs, fp32 on the CPU
    dtype: Dtype = "auto"


@dataclass(frozen=True)
class LoraConfig:
    """The adapter."""

    # rank of the update
    r: int = 16
    # the update is scaled by alpha / r
    alpha: int = 16
    # scale by alpha / sqrt(r) instead, so that large ranks learn as fast as small ones (rsLoRA)
    rslora: bool = False
    # learn the length of each weight row apart from its direction (DoRA): often better at small ranks,
    # slower; on every base but int8
    dora: bool = False
    # how A starts (B starts at 0): Kaiming uniform, or gaussian with a standard deviation of 1 / r
    init: Literal["default", "gaussian"] = "default"
    # learning rate of B over that of A, which has learning_rate (LoRA+); 1 is plain LoRA, its authors
    # recommend 16 with a smaller learning rate
    plus_ratio: float = 1.0
    # dropout on the adapter's input
    dropout: float = 0.0
    # names of the linear layers to adapt; empty: every linear layer but the output head
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.r < 1:
            raise ValueError(f"lora.r: expected at least 1, found {self.r}")
        if self.alpha < 1:
            raise ValueError(f"lora.alpha: expected at least 1, found {self.alpha}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"lora.dropout: expected 0 or more, less than 1, found {self.dropout}")
        if not 1 <= self.plus_ratio < inf:
            raise ValueError(f"lora.plus_ratio: expected at least 1, found {self.plus_ratio}")


@dataclass(frozen=True)
class EncoderConfig:
    """What is trained of an encoder, which gets no adapter: all of it, but for what is frozen here."""

    # learning rate of each layer over that of the layer above it; 1 is the same for all
    layer_decay: float = 1.0
    # the lowest layers, so many, stay as they are
    frozen_layers: int = 0
    # embeddings (of positions too) stay as they are
    frozen_embeddings: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.layer_decay <= 1:
            raise ValueError(
                f"encoder.layer_decay: expected more than 0, at most 1, found {self.layer_decay}"
            )
        if self.frozen_layers < 0:
            raise ValueError(f"encoder.frozen_layers: expected 0 or more, found {self.frozen_layers}")


@dataclass(frozen=True)
class TrainConfig:
    """One adapter or encoder: trained on all folds but one, scored on that one."""

    base: BaseConfig = field(default_factory=BaseConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    # folder of the question set (make questions)
    questions: str = "data/questions/sample"
    # folder of retrieved contexts (make retrieve); those that came with the questions when empty
    contexts: str = ""
    # the fold that is held out
    fold: int = 0
    # JSON lines with prompt and completion (and group) to train on instead of questions; what is said of
    # questions, contexts, folds and their options then counts for nothing
    data: str = ""
    # share of the rows of data that is held out and scored, whole groups
    held_out_fraction: float = 0.1
    # the run's name, its folder below data/runs; the config's name when empty
    run: str = ""
    # context passages a question, best first; 0 is closed book
    max_contexts: int = 5
    # tokens of prompt + answer; contexts are shortened to fit, a longer question is an error (of the
    # official 200, the longest has 755 in Llama-3's tokens)
    max_tokens: int = 1024
    # orders of its options that each question is trained in, the order given first; engine=fast reads
    # what they have in common once
    permutations: int = 1
    # what the loss asks for: completion is every token of the answer, out of the whole vocabulary; options
    # the one token that decides, out of the five; binary a yes or no behind each option (the last two
    # with engine=fast)
    objective: Literal["completion", "options", "binary"] = "completion"
    # fast packs rows, computes gradients by hand and replays whole steps on a GPU (Llama, Mistral, Qwen2; for
    # others it says why not and takes trl); trl is the library's own training loop
    engine: Literal["fast", "trl"] = "fast"
    # GPU memory that engine=fast may take in all, in GB; 0 is what is free when it starts
    memory_budget_gb: float = 0.0
    # passes over the training rows
    epochs: float = 1.0
    # stop after that many optimizer steps instead (0: after the epochs)
    max_steps: int = 0
    # rows that go through the model at once; engine=fast takes what fits into its memory budget instead,
    # and batch_size x accumulation_steps are the rows of its optimizer steps too
    batch_size: int = 4
    # batches an optimizer step
    accumulation_steps: int = 2
    # peak learning rate
    learning_rate: float = 2e-4
    # how the learning rate falls after the warm-up
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    # optimizer steps over which the learning rate rises from 0
    warmup_steps: int = 5
    # pull of AdamW towards 0
    weight_decay: float = 0.01
    # gradients are scaled down to this norm
    max_grad_norm: float = 1.0
    # AdamW, with 8-bit states and with states that are paged to the CPU's memory when the GPU's is full
    optimizer: Optimizer = "adamw_8bit"
    # recompute activations in the backward pass: less memory, about a third more time (engine=fast
    # recomputes as little as its memory budget allows)
    gradient_checkpointing: bool = True
    # share of the training groups set aside to choose the best checkpoint; the held-out fold is
    # never used for that; 0 keeps the last step
    validation_fraction: float = 0.0
    # optimizer steps between checkpoints (and validations, where there are any)
    checkpoint_steps: int = 50
    # stop after that many validations without a better MAP@3 (0: never)
    patience: int = 0
    # rows a batch when answering
    answer_batch_size: int = 8
    # where the curves go beside metrics.jsonl
    report_to: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    # of the adapter's start, the order of the rows and the dropout
    seed: int = 3407
    # replace a run of the same name made with other settings or inputs
    overwrite: bool = False

    def __post_init__(self) -> None:
        if "/" in self.run:
            raise ValueError(f"run: expected a name without /, found {self.run!r} (the fold follows)")
        if self.lora.dora and self.base.quantization == "int8":
            raise ValueError("lora.dora: expected base.quantization nf4, fp4 or none, found int8")
        if self.data and self.validation_fraction:
            raise ValueError(f"validation_fraction: expected 0 with data, found {self.validation_fraction}")
        if self.data and self.objective != "completion":
            raise ValueError(f"objective: expected completion with data, found {self.objective}")
        if not 0 < self.held_out_fraction < 1:
            raise ValueError(
                f"held_out_fraction: expected more than 0, less than 1, found {self.held_out_fraction}"
            )
        if self.objective != "completion" and self.engine == "trl":
            raise ValueError(f"objective: expected completion with engine=trl, found {self.objective}")
        if self.objective == "binary" and self.permutations > 1:
            raise ValueError(f"permutations: expected 1 with objective=binary, found {self.permutations}")
        if not 1 <= self.permutations <= MAX_PERMUTATIONS:
            raise ValueError(f"permutations: expected 1 to {MAX_PERMUTATIONS}, found {self.permutations}")
        if not 0 <= self.memory_budget_gb < inf:
            raise ValueError(f"memory_budget_gb: expected 0 or more, found {self.memory_budget_gb}")
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(f"validation_fraction: expected 0 to 1, found {self.validation_fraction}")
        if self.patience and not self.validation_fraction:
            raise ValueError("patience: expected validation_fraction above 0 too, found 0")
        for name in ("batch_size", "accumulation_steps", "checkpoint_steps", "answer_batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")


@dataclass(frozen=True)
class MergeConfig:
    """A trained adapter and its base made one model."""

    # folder of the trained run
    run: str = "data/runs/demo/fold0"
    # the base in 16 bits, when the run was trained on a pre-quantised one, or where it is now
    base: str = ""
    # folder to write; data/merged/<run>-<fold> when empty
    out: str = ""
    # replace a model that is there
    overwrite: bool = False
