"""Reading prompts through a Llama as packed rows: without padding, and shared prefixes once."""

from collections.abc import Sequence

import numpy as np
import torch

from science_exam.answering.options import build_trie
from science_exam.answering.reading import Reading
from science_exam.training.fast.adapters import ADAPTER_NAME, stack_adapters
from science_exam.training.fast.llama import Llama, list_all_groups
from science_exam.training.fast.packing import Pack, find_longest, pack_groups
from science_exam.training.fast.rows import Group, Row, count_shared

Tokens = Sequence[int]


class PackedReader:
    """Scores the options behind each prompt, with one forward pass over many prompts.

    The same numbers as `decoding.score_options` gives one prompt at a time, up to rounding.
    """

    def __init__(self, model, options: Sequence[Tokens], dtype: torch.dtype) -> None:
        """
        Args:
            model: a Llama, Mistral or Qwen2, bare or PEFT's; see `support.find_reading_obstacle`.
            options: token ids of each option, closed by the end-of-text token; one token decides.
            dtype: the compute type.
        """
        self._forced, self._classes = build_trie(options).find_decision(len(options))
        self._model, self._dtype = model, dtype
        self._device = next(model.parameters()).device
        self._adapter = ADAPTER_NAME
        self._llama = self._build(dtype)

    def use(self, adapter: str) -> None:
        """Answer with that adapter of the model from now on; the base is shared by all."""
        self._adapter = adapter
        self._llama.adapt(self._stack(adapter, self._dtype))

    def group(self, prompts: Sequence[Tokens]) -> Group:
        """Prompts of one question, which begin alike, as they are read."""
        # Behind the deciding place a row of training has its target; here a 0 stands for it.
        rows = [Row([*prompt, *self._forced, 0], len(prompt) + len(self._forced)) for prompt in prompts]
        return Group(tuple(rows), count_shared(rows))

    def read(self, groups: Sequence[Group], exactly: bool = False) -> list[np.ndarray]:
        """Log-probabilities of the options for each group: (prompts, options) float64.

        Args:
            groups: of `group`; all of them go through the model together.
            exactly: in fp32, whatever the compute type.
        """
        return self.start(groups, exactly).finish()

    def start(self, groups: Sequence[Group], exactly: bool = False) -> Reading:
        """Begin what `read` does; a GPU works on it, behind what was begun before, until it is finished."""
        pack, shape = pack_groups(groups, scale=1.0, seed=0, class_of={0: 0})
        longest = find_longest(groups, len(pack.ids))
        llama = self._build(torch.float32) if exactly and self._dtype != torch.float32 else self._llama
        if self._device.type == "cuda":  # from pageable memory a copy can wait for all that was begun before
            pack = Pack(*(tensor.pin_memory() for tensor in pack))
        logits = llama.read(pack.move(self._device), shape, longest)
        return Reading(torch.log_softmax(logits.double(), dim=-1), lambda scores: _divide(scores, groups))

    def _build(self, dtype: torch.dtype) -> Llama:
        return Llama(self._model, self._stack(self._adapter, dtype), dtype, self._classes)

    def _stack(self, adapter: str, dtype: torch.dtype) -> list:
        return stack_adapters(list_all_groups(self._model), dtype, adapter)


def _divide(scores: np.ndarray, groups: Sequence[Group]) -> list[np.ndarray]:
    """The rows of a pack's targets back to their groups: rows alone come before those that share."""
    results: list[np.ndarray] = [np.empty(0)] * len(groups)
    start = 0
    for shares in (False, True):
        for number, group in enumerate(groups):
            if bool(group.n_shared) == shares:
                results[number] = scores[start : start + len(group.rows)]
                start += len(group.rows)
    return results
