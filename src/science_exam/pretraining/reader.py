"""The model in training: a Llama, with a head that helps it to read.

The answer is one token behind five options: a weak signal for a circuit that has to compare each of
them with the context. The option head asks for the comparison itself. From the hidden state behind
each option, at two thirds of the depth, it scores the option; the five scores are trained to name
the right one. Only then has the answering token something to attend to. The head is not saved.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from science_exam.pretraining import attention
from science_exam.pretraining.config import ModelConfig
from science_exam.pretraining.packing import NO_ANSWER, Pack

N_OPTIONS = 5


class Scores(NamedTuple):
    """Means over a pack, and what was chosen."""

    text_loss: torch.Tensor  # (): mean over all tokens
    answer_loss: torch.Tensor  # (): mean over all questions
    option_loss: torch.Tensor  # (): likewise, of the option head
    right: torch.Tensor  # (answers,) True where the right option was chosen


def build_llama(tokenizer: PreTrainedTokenizerBase, config: ModelConfig, seed: int) -> LlamaForCausalLM:
    """A Llama with random fp32 weights that attends within documents; the seed decides them."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
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
            attn_implementation=attention.NAME,
        )
    )


class Reader(nn.Module):
    """Scores packs of documents, with gradients for the Llama in `llama`."""

    def __init__(self, llama: LlamaForCausalLM, deciding_ids: tuple[int, ...], max_tokens: int) -> None:
        """
        Args:
            llama: of `build_llama`.
            deciding_ids: the five tokens that name the options.
            max_tokens: no document of a pack is longer.
        """
        super().__init__()
        self.llama = llama
        self.option_head = nn.Linear(llama.config.hidden_size, 1)
        self.read_after = 2 * len(llama.model.layers) // 3
        self.max_tokens = max_tokens
        self.register_buffer("deciding_ids", torch.tensor(deciding_ids), persistent=False)

    def forward(self, pack: Pack) -> Scores:
        """Losses and answers of one pack."""
        hidden, halfway = self.run_blocks(pack)
        text_loss = self.score_text(hidden, pack.ids, pack.positions)
        is_answer = pack.right != NO_ANSWER  # (answers,)
        n_answers = is_answer.sum().clamp(min=1)
        behind = halfway.index_select(0, pack.options.flatten())  # (answers * 5, width)
        scores = self.option_head(behind).view(-1, N_OPTIONS)  # (answers, 5)
        option_losses = functional.cross_entropy(
            scores.float(), pack.right, ignore_index=NO_ANSWER, reduction="sum"
        )
        before = hidden.index_select(0, (pack.places - 1).clamp(min=0))  # (answers, width)
        deciding = self.llama.lm_head(before).float()  # (answers, vocab)
        wanted = self.deciding_ids[pack.right.clamp(min=0)]  # (answers,)
        answer_losses = functional.cross_entropy(deciding, wanted, reduction="none") * is_answer
        right = deciding[:, self.deciding_ids].argmax(dim=1) == pack.right  # (answers,)
        return Scores(text_loss, answer_losses.sum() / n_answers, option_losses / n_answers, right)

    def run_blocks(self, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden states of all tokens, (tokens, width): behind the last block, and at two thirds."""
        llama = self.llama.model
        hidden = llama.embed_tokens(pack.ids)[None]  # (1, tokens, width)
        positions = llama.rotary_emb(hidden, pack.positions[None])
        halfway = hidden
        for number, block in enumerate(llama.layers, start=1):
            hidden = block(hidden, position_embeddings=positions, ends=pack.ends, max_tokens=self.max_tokens)
            if number == self.read_after:
                halfway = hidden
        return llama.norm(hidden)[0], halfway[0]

    def score_text(self, hidden: torch.Tensor, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy of every token but a document's first, given those before it."""
        logits = self.llama.lm_head(hidden[:-1])  # (tokens - 1, vocab)
        targets = ids.masked_fill(positions == 0, NO_ANSWER)[1:]
        return functional.cross_entropy(logits.float(), targets, ignore_index=NO_ANSWER)
