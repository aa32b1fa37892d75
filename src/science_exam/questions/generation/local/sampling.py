"""Drawing tokens so that a reply depends on its request and the seed, and not on the batch it is in."""

import hashlib
from collections.abc import Sequence


def derive_seed(seed: int, prompt: Sequence[int]) -> int:
    """A seed of its own for every prompt, 0 to 2^63 - 1."""
    digest = hashlib.sha256(f"{seed} {list(prompt)}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


class RowSampling:
    """A logits processor of transformers after which the likeliest token is a random draw.

    Adding Gumbel noise to log-probabilities and taking the largest draws from the softmax (Gumbel 1954;
    the "Gumbel-max trick"). Each row has a random generator of its own.
    """

    def __init__(self, temperature: float, seeds: Sequence[int], device) -> None:
        import torch

        self._temperature = temperature
        self._generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids, scores):
        """`scores` (rows, vocabulary) over the temperature, plus noise."""
        import torch

        waits = torch.empty_like(scores)
        for row, generator in zip(waits, self._generators, strict=True):
            row.exponential_(generator=generator)
        # A GPU may draw a zero, whose noise is infinite and would lift what is forbidden.
        waits.clamp_(min=torch.finfo(waits.dtype).tiny)
        return scores / self._temperature - waits.log()  # -log of an exponential variable is a Gumbel one
