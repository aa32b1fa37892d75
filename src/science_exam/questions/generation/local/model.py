"""A language model on this machine, asked in batches; replies cannot leave the form asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from science_exam.errors import UserError
from science_exam.questions.generation.asking import Failure, Messages, Reply
from science_exam.questions.generation.config import LocalConfig
from science_exam.questions.generation.local.checkpoint import load_checkpoint
from science_exam.questions.generation.local.constrained import (
    SchemaConstraint,
    compile_schema,
    wrap_tokenizer,
)
from science_exam.questions.generation.local.sampling import RowSampling, derive_seed

WINDOW_BATCHES = 8  # that are sorted by length together; replies wait for their window


class LocalModel:
    """Loads once, then answers; an `Asker`."""

    def __init__(self, config: LocalConfig, seed: int = 0) -> None:
        """Load the model.

        Args:
            config: which model and how it decodes.
            seed: of the draws, where the temperature is above 0.

        Raises:
            UserError: the model cannot be loaded, or its tokenizer cannot be held to a form.
        """
        self._config = config
        self._seed = seed
        self._batch_size = config.batch_size
        self._model, self._tokenizer = load_checkpoint(config)
        self._eos_ids = _list_eos(self._model, self._tokenizer)
        text_config = self._model.config.get_text_config()
        self._max_tokens = getattr(text_config, "max_position_embeddings", None)
        self._wrapped = wrap_tokenizer(self._tokenizer, text_config.vocab_size, self._eos_ids)

    def ask(
        self,
        requests: Sequence[Messages],
        schema: dict[str, Any] | None,
        progress: Callable[[Iterable], Iterable] = iter,
    ) -> Iterator[Reply | Failure]:
        """Replies to the requests, in their order.

        A reply depends on its request and the seed; the batch it was in changes it no more than rounding
        does.

        Args:
            requests: the messages of one chat each.
            schema: JSON schema that the replies follow to the letter; None for any text.
            progress: wraps the iterator over outcomes (tqdm).

        Raises:
            UserError: the schema cannot be followed, or not even one request fits into memory.
        """
        yield from progress(self._reply_all(requests, schema))

    def _reply_all(self, requests: Sequence[Messages], schema: dict | None) -> Iterator[Reply | Failure]:
        matcher = compile_schema(self._wrapped, schema) if schema is not None else None
        window = WINDOW_BATCHES * self._config.batch_size
        for start in range(0, len(requests), window):
            prompts = [self._encode(messages) for messages in requests[start : start + window]]
            yield from self._reply_window(prompts, matcher)

    def _reply_window(self, prompts: list[list[int]], matcher) -> list[Reply | Failure]:
        """Longest first, so that rows of a batch are alike and a batch too large fails at once."""
        outcomes: list[Reply | Failure] = [Failure("passage too long")] * len(prompts)
        waiting = [row for row in range(len(prompts)) if self._fits(prompts[row])]
        waiting.sort(key=lambda row: -len(prompts[row]))
        while waiting:
            rows = waiting[: self._batch_size]
            replies = self._try_batch([prompts[row] for row in rows], matcher)
            if replies is None:
                self._halve_batch()
                continue
            for row, reply in zip(rows, replies, strict=True):
                outcomes[row] = reply
            waiting = waiting[len(rows) :]
        return outcomes

    def _encode(self, messages: Messages) -> list[int]:
        """Token ids by the model's chat template; a model without one continues plain text."""
        if self._tokenizer.chat_template is None:
            text = "\n\n".join(message["content"] for message in messages) + "\n\nReply:\n"
            return self._tokenizer(text)["input_ids"]
        text = self._tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # for templates that ask; the form leaves no room for thoughts
        )
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]

    def _fits(self, prompt: list[int]) -> bool:
        return self._max_tokens is None or len(prompt) + self._config.max_new_tokens <= self._max_tokens

    def _try_batch(self, prompts: list[list[int]], matcher) -> list[Reply] | None:
        """Replies, or None where memory ran out."""
        import torch

        try:
            return self._reply_batch(prompts, matcher)
        except torch.OutOfMemoryError:
            return None

    def _halve_batch(self) -> None:
        import torch

        if self._batch_size == 1:
            raise UserError(
                f"local.path {self._config.path!r}: one request does not fit into the GPU's memory; use "
                f"local.quantization=nf4 or a smaller model"
            )
        self._batch_size //= 2
        torch.cuda.empty_cache()

    def _reply_batch(self, prompts: list[list[int]], matcher) -> list[Reply]:
        import torch
        from transformers import GenerationConfig

        inputs = self._tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(self._model.device)
        decoding = GenerationConfig(
            max_new_tokens=self._config.max_new_tokens,
            do_sample=False,  # the draws are in the scores, see RowSampling
            eos_token_id=self._eos_ids,
            pad_token_id=self._tokenizer.pad_token_id,
        )
        with torch.inference_mode():
            written = self._model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                generation_config=decoding,
                logits_processor=self._make_processors(prompts, matcher),
            )[:, inputs["input_ids"].shape[1] :]  # (rows, new tokens)
        return [self._decode(len(prompt), row) for prompt, row in zip(prompts, written.tolist(), strict=True)]

    def _make_processors(self, prompts: list[list[int]], matcher):
        from transformers import LogitsProcessorList

        processors = LogitsProcessorList()
        if matcher is not None:
            processors.append(SchemaConstraint(matcher, len(prompts), self._wrapped.vocab_size))
        if self._config.temperature > 0:
            seeds = [derive_seed(self._seed, prompt) for prompt in prompts]
            processors.append(RowSampling(self._config.temperature, seeds, self._model.device))
        return processors

    def _decode(self, tokens_in: int, written: list[int]) -> Reply:
        """The tokens before the one that ends the reply; without such a one it was cut off."""
        ends = [place for place, token in enumerate(written) if token in self._eos_ids]
        n_tokens = ends[0] if ends else len(written)
        text = self._tokenizer.decode(
            written[:n_tokens], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return Reply(text, tokens_in, n_tokens, truncated=not ends)


def _list_eos(model, tokenizer) -> list[int]:
    """Tokens that end a reply: the tokenizer's, and those the model's own settings name."""
    named = model.generation_config.eos_token_id
    ids = [tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])]
    return list(dict.fromkeys(token for token in ids if token is not None))
