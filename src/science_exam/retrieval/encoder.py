"""Texts -> unit vectors with a sentence-transformers model.

The library loads the model; batching is our own. Its `encode` tokenizes each batch while the GPU
waits, which is most of the time for a small model: here a whole part is tokenized at once by all
cores, sorted by length and cut into batches of about equal numbers of tokens.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from science_exam.errors import UserError
from science_exam.files import write_text

# Padded tokens of one forward pass. On one H200 MiniLM in fp16 does 29,000 texts/s with 16,384 and 36,000
# from 65,536 on, in 0.7 GB.
BATCH_TOKENS = {"cpu": 4_096, "cuda": 65_536}

Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class EncoderSettings:
    """All that decides a vector; written beside the vectors, so that queries are encoded alike."""

    name: str
    query_prompt: str
    passage_prompt: str
    max_tokens: int
    precision: str

    def save(self, path: Path) -> None:
        write_text(path, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "EncoderSettings":
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise UserError(
                f"{path}: expected the encoder's settings ({error}); make the vectors again with: make index "
                f"(overwrite=true)"
            ) from None


class Encoder:
    """A loaded model with its settings on one device."""

    def __init__(self, model, settings: EncoderSettings) -> None:
        self.model = model
        self.settings = settings
        self.device = model.device
        self.dim = model.get_embedding_dimension()

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (texts, dim)."""
        return self.forward(self.tokenize(texts, self.settings.passage_prompt))

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (texts, dim)."""
        return self.forward(self.tokenize(texts, self.settings.query_prompt))

    def tokenize(self, texts: Sequence[str], prompt: str) -> list[list[int]]:
        """Token ids of prompt + text, cut at the model's limit; uses all cores."""
        if not texts:  # the library's tokenizers do not take none
            return []
        os.environ["TOKENIZERS_PARALLELISM"] = "true"
        encoded = self.model.tokenizer(
            [prompt + text for text in texts],
            truncation=True,
            max_length=self.settings.max_tokens,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        return encoded["input_ids"]

    def forward(
        self, ids: list[list[int]], report: Callable[[int], object] = lambda n_texts: None
    ) -> np.ndarray:
        """Unit vectors, float32 (texts, dim), of tokenized texts; `report` hears of each batch."""
        import torch

        order, found = [], []
        with torch.inference_mode():
            for batch in batch_by_tokens([len(text) for text in ids], BATCH_TOKENS[self.device.type]):
                order += batch
                # Not fetched yet: on a GPU the next batch is prepared while this one runs.
                found.append(self._pool_or_halve([ids[number] for number in batch]))
                report(len(batch))
            if not found:
                return np.empty((0, self.dim), dtype=np.float32)
            # Half precision does not give unit norm: normalised once more in fp32.
            vectors = torch.nn.functional.normalize(torch.cat(found).float(), dim=1)  # (texts, dim)
        sorted_vectors = vectors.cpu().numpy()
        result = np.empty_like(sorted_vectors)
        result[order] = sorted_vectors
        return result

    def _pool_or_halve(self, ids: list[list[int]]):
        """The same as `_pool`, in halves where the memory does not hold the whole batch."""
        import torch

        try:
            return self._pool(ids)
        except torch.cuda.OutOfMemoryError:
            if len(ids) == 1:
                raise
        torch.cuda.empty_cache()
        middle = len(ids) // 2
        return torch.cat([self._pool_or_halve(ids[:middle]), self._pool_or_halve(ids[middle:])])

    def _pool(self, ids: list[list[int]]):
        """The model's vectors of one batch, (texts, dim), on its device."""
        import torch

        width = max(map(len, ids))
        tokens = np.full((len(ids), width), self.model.tokenizer.pad_token_id or 0, dtype=np.int64)
        mask = np.zeros((len(ids), width), dtype=np.int64)
        for row, text in enumerate(ids):
            tokens[row, : len(text)] = text
            mask[row, : len(text)] = 1
        features = {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
        if self.device.type == "cuda":  # a copy from pinned memory does not wait for the batch before
            features = {
                name: value.pin_memory().to(self.device, non_blocking=True)
                for name, value in features.items()
            }
        return self.model(features)["sentence_embedding"]


def batch_by_tokens(lengths: Sequence[int], max_tokens: int) -> Iterator[list[int]]:
    """Positions in batches of at most `max_tokens` padded tokens, longest texts first.

    Longest first, so that a batch too large for the memory shows at the start.

    Example:
        >>> list(batch_by_tokens([2, 5, 3], max_tokens=6))
        [[1], [2, 0]]
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batch and lengths[batch[0]] * (len(batch) + 1) > max_tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
