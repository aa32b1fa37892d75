"""Reading prompts through any causal model, padded on the left to the longest of them."""

from collections.abc import Sequence

import numpy as np
import torch

from science_exam.answering.decoding import pad_left
from science_exam.answering.options import build_trie
from science_exam.answering.reading import Reading
from science_exam.training.fast.rows import Group, Row

Tokens = Sequence[int]


class PaddedReader:
    """What `PackedReader` does, for architectures that it cannot read; prefixes are read with each prompt."""

    def __init__(self, model, options: Sequence[Tokens], pad_id: int) -> None:
        """
        Args:
            model: a causal language model in eval mode.
            options: token ids of each option, closed by the end-of-text token; one token decides.
            pad_id: any token id; padding is masked.
        """
        self._forced, self._classes = build_trie(options).find_decision(len(options))
        self._model, self._pad_id = model, pad_id

    def use(self, adapter: str) -> None:
        """Answer with that adapter of the model from now on."""
        use_adapter(self._model, adapter)

    def group(self, prompts: Sequence[Tokens]) -> Group:
        """Prompts of one question as they are read."""
        rows = (Row([*prompt, *self._forced, 0], len(prompt) + len(self._forced)) for prompt in prompts)
        return Group(tuple(rows), 0)

    def read(self, groups: Sequence[Group], exactly: bool = False) -> list[np.ndarray]:
        """Log-probabilities of the options for each group: (prompts, options) float64.

        `exactly` makes no difference here: the model computes in its own type.
        """
        return self.start(groups, exactly).finish()

    @torch.inference_mode()
    def start(self, groups: Sequence[Group], exactly: bool = False) -> Reading:
        """Begin what `read` does; a GPU works on it, behind what was begun before, until it is finished."""
        prompts = [row.ids[:-1] for group in groups for row in group.rows]
        inputs = pad_left(prompts, self._pad_id, self._model.device)
        logits = self._model(**inputs, use_cache=False, logits_to_keep=1).logits[:, -1, self._classes]
        bounds = np.cumsum([len(group.rows) for group in groups])[:-1]
        return Reading(torch.log_softmax(logits.double(), dim=-1), lambda scores: np.split(scores, bounds))


def use_adapter(model, adapter: str) -> None:
    """Let PEFT's own forward pass answer with that adapter; a base without any stays as it is."""
    if hasattr(model, "peft_config"):  # transformers' models have `set_adapter` even so
        model.set_adapter(adapter)
