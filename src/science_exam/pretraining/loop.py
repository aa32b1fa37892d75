"""The training loop: next-token loss on everything, with the answers' tokens counted once more."""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from science_exam.pretraining.batches import Batch, Examples, load_batches
from science_exam.pretraining.checkpoints import load_checkpoint, save_checkpoint
from science_exam.pretraining.config import PretrainConfig
from science_exam.pretraining.tokenizer import find_decision
from science_exam.pretraining.words import Article

AMPERE = (8, 0)  # the first compute capability with bf16 in hardware
LAST_RATE = 0.1  # the learning rate ends at that share of its peak
BETAS = (0.9, 0.95)
N_SUMS = 4  # of `score_batch`


def build_model(tokenizer: PreTrainedTokenizerBase, config: PretrainConfig) -> LlamaForCausalLM:
    """A Llama with random fp32 weights, on the GPU where there is one; the seed decides them."""
    torch.manual_seed(config.seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.kv_heads,
            max_position_embeddings=config.max_position_embeddings,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            attn_implementation="sdpa",
        )
    )
    return model.to("cuda" if torch.cuda.is_available() else "cpu").train()


def train_base(
    articles: Sequence[Article],
    tokenizer: PreTrainedTokenizerBase,
    config: PretrainConfig,
    folder: Path,
    on_log: Callable[[list[dict]], None],
) -> tuple[LlamaForCausalLM, list[dict]]:
    """Train from the last checkpoint in `folder`, or from nothing, until the steps or the time end.

    Args:
        articles: what examples are made from.
        tokenizer: made from the same articles.
        config: the stage's settings.
        folder: the run's; checkpoints stand there.
        on_log: gets the whole log so far each time it grows.

    Returns:
        The model and the log; the last entry's step is below `config.steps` when the time was over.
    """
    model = build_model(tokenizer, config)
    optimizer = _build_optimizer(model, config)
    step, log = load_checkpoint(folder, model, optimizer)
    batches = load_batches(Examples(articles, tokenizer, config), tokenizer.pad_token_id, config, step)
    loop = _Loop(model, optimizer, tokenizer, config)
    started = time.monotonic()
    for batch in tqdm(batches, "pretraining", total=config.steps, initial=step, unit="step"):
        loop.train_step(batch, step)
        step += 1
        over = 0 < config.budget_seconds < time.monotonic() - started
        if step % config.log_steps == 0 or step == config.steps or over:
            log.append({"step": step, **loop.read_metrics()})
            tqdm.write(format_metrics(log[-1]))
            on_log(log)
        if step % config.checkpoint_steps == 0 or step == config.steps or over:
            save_checkpoint(folder, step, model, optimizer, log)
        if over:
            break
    return model, log


class _Loop:
    """Model, optimizer and the sums of what was measured since the last line of metrics."""

    def __init__(self, model, optimizer, tokenizer, config: PretrainConfig) -> None:
        self.model, self.optimizer, self.config = model, optimizer, config
        self.pad_id = tokenizer.pad_token_id
        self.forward = torch.compile(model) if config.compile else model
        self.deciding_ids = torch.tensor(find_decision(tokenizer).deciding_ids, device=model.device)
        self._reset()

    def train_step(self, batch: Batch, step: int) -> None:
        """One optimizer step; nothing here waits for the GPU."""
        ids = batch.ids.to(self.model.device, non_blocking=True)  # (rows, tokens)
        places = batch.places.to(self.model.device, non_blocking=True)  # (rows,)
        if self.config.compile:
            torch._dynamo.mark_dynamic(ids, 1)  # one compilation for all lengths
        with _autocast(self.model.device):
            logits = self.forward(input_ids=ids, use_cache=False).logits  # (rows, tokens, vocab)
        sums = score_batch(logits, ids, places, self.pad_id, self.deciding_ids)
        text_loss, answer_loss = sums[0], sums[1] / sums[3].clamp(min=1)
        (text_loss + self.config.answer_weight * answer_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(step, self.config)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.sums += sums.detach()
        self.n_steps += 1
        self.n_tokens += batch.n_tokens

    def read_metrics(self) -> dict[str, float]:
        """Means since the last call."""
        text_loss, answer_loss, n_right, n_tasks = self.sums.tolist()
        metrics = {
            "lm_loss": round(text_loss / self.n_steps, 4),
            "answer_loss": round(answer_loss / max(n_tasks, 1), 4),
            "answer_accuracy": round(n_right / max(n_tasks, 1), 4),
            "tokens_per_second": round(self.n_tokens / (time.perf_counter() - self.since)),
        }
        self._reset()
        return metrics

    def _reset(self) -> None:
        self.sums = torch.zeros(N_SUMS, device=self.model.device)
        self.n_steps, self.n_tokens, self.since = 0, 0, time.perf_counter()


def score_batch(
    logits: torch.Tensor,
    ids: torch.Tensor,
    places: torch.Tensor,
    pad_id: int,
    deciding_ids: torch.Tensor,
) -> torch.Tensor:
    """(4,): mean loss of all tokens, summed loss of the answers, right answers, answers.

    Args:
        logits: (rows, tokens, vocab).
        ids: (rows, tokens); padding carries no loss.
        places: (rows,) of the answers' deciding tokens, 0 on rows without one.
        pad_id: of the padding.
        deciding_ids: (5,) tokens that name the options.
    """
    rows = torch.arange(len(ids), device=ids.device)
    is_task = places > 0  # (rows,)
    text_loss = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), ignore_index=pad_id
    )
    wanted = ids[rows, places]  # (rows,)
    deciding = logits[rows, (places - 1).clamp(min=0)].float()  # (rows, vocab)
    losses = functional.cross_entropy(deciding, wanted, reduction="none") * is_task
    chosen = deciding_ids[deciding[:, deciding_ids].argmax(dim=1)]  # (rows,)
    n_right = ((chosen == wanted) & is_task).sum()
    return torch.stack([text_loss, losses.sum(), n_right.float(), is_task.sum().float()])


def rate_at(step: int, config: PretrainConfig) -> float:
    """The learning rate of a step, counted from 0: a line up, then half a cosine down."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * (LAST_RATE + (1 - LAST_RATE) * cosine)


def format_metrics(metrics: dict[str, float]) -> str:
    """One line of the log for people."""
    return (
        f"step {metrics['step']:>6}   lm loss {metrics['lm_loss']:.3f}   "
        f"answer loss {metrics['answer_loss']:.3f}   accuracy {metrics['answer_accuracy']:.3f}   "
        f"{metrics['tokens_per_second']:,} tokens/s"
    )


def _build_optimizer(model: LlamaForCausalLM, config: PretrainConfig) -> torch.optim.AdamW:
    """AdamW that lets norms (vectors) be and pulls matrices towards 0."""
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=BETAS, fused=torch.cuda.is_available())


def _autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """bf16 where the hardware has it; fp32 elsewhere (fp16 would need loss scaling)."""
    if device.type == "cuda" and torch.cuda.get_device_capability(device) >= AMPERE:
        return torch.autocast("cuda", torch.bfloat16)
    return contextlib.nullcontext()
