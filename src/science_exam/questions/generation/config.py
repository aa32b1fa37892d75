"""Settings of generation: which engine writes questions, about which passages."""

import math
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class LocalConfig:
    """A language model on this machine, through transformers."""

    # local folder or hub id of an instruction-tuned model
    path: str = "meta-llama/Llama-3.1-8B-Instruct"
    # weights in 4 bits (nf4, on a GPU) or in 16
    quantization: Literal["none", "nf4"] = "none"
    # requests a batch at first; halved whenever memory runs out
    batch_size: int = 8
    # tokens of a reply at most; the longest that the form allows takes some 400 in English
    max_new_tokens: int = 512
    # 0 takes the likeliest token
    temperature: float = 0.7

    def __post_init__(self) -> None:
        for name in ("batch_size", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, found {getattr(self, name)}")
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature: expected 0 or more, found {self.temperature}")


@dataclass(frozen=True)
class EndpointConfig:
    """A server that speaks OpenAI's chat completions: vLLM, llama.cpp, a paid service."""

    # up to and including the version: http://localhost:8000/v1
    url: str = "http://localhost:8000/v1"
    # name under which the server knows the model
    model: str = ""
    # environment variable that holds the key; the key itself is never written anywhere; unset: none is sent
    key_variable: str = "OPENAI_API_KEY"
    # requests under way at a time, at most; fewer for a while when the server is busy
    concurrency: int = 16
    # seconds that one request may take
    timeout_seconds: float = 120.0
    # how often a request is tried before its passage is given up
    max_tries: int = 6
    # tokens of a reply at most, a reasoning model's thoughts among them
    max_new_tokens: int = 400
    # 0 takes the likeliest token
    temperature: float = 0.7
    # how the reply's form is asked for: by schema, as any JSON object, or by the prompt alone
    reply_format: Literal["json_schema", "json_object", "text"] = "json_schema"
    # US dollars a million tokens, read and written
    price_in: float = 0.0
    price_out: float = 0.0
    # stop before more than this is spent on the run, over all its starts; 0 is no limit
    budget_usd: float = 0.0
    # the same in tokens, read and written
    budget_tokens: int = 0

    def __post_init__(self) -> None:
        for name in ("concurrency", "max_tries", "max_new_tokens", "timeout_seconds"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}: expected more than 0, found {getattr(self, name)}")
        for name in ("temperature", "price_in", "price_out", "budget_usd", "budget_tokens"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}: expected 0 or more, found {getattr(self, name)}")
        if self.budget_usd and not (self.price_in or self.price_out):
            raise ValueError("budget_usd: expected prices to count by; set price_in and price_out")


@dataclass(frozen=True)
class GenerateConfig:
    """Questions made from the passages of a corpus."""

    # folder of the corpus
    corpus: str = "data/corpus/sample"
    # folder below data/generated; the config's name when empty
    name: str = ""
    # rules: from patterns in the text, without a model; local: a model on this machine; endpoint: a server
    engine: Literal["rules", "local", "endpoint"] = "rules"
    # passages drawn at random; 0 takes all
    max_passages: int = 0
    # questions asked for from one passage
    per_passage: int = 1
    # seed of all draws
    seed: int = 0
    local: LocalConfig = field(default_factory=LocalConfig)
    endpoint: EndpointConfig = field(default_factory=EndpointConfig)
    # processes of the rules engine; 0 is one a core
    workers: int = 0
    # replace questions of the same name made with other settings
    overwrite: bool = False

    def __post_init__(self) -> None:
        for name, least in (("max_passages", 0), ("per_passage", 1), ("seed", 0), ("workers", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, found {getattr(self, name)}")
