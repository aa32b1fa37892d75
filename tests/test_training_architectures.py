"""Every architecture that is named in the README: loaded, adapted, trained for two steps, asked, merged."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from conftest import GPT2, LLAMA, SENTENCEPIECE

from science_exam.answering.decoding import decode_greedy, score_options
from science_exam.prompt import encode_completions, join_contexts
from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.engine import train_adapter
from science_exam.training.examples import build_examples
from science_exam.training.merge_check import check_merged
from science_exam.training.merging import check_layers, list_shards, load_merger, write_merged
from science_exam.training.model import add_adapter, find_linear_layers, load_adapter, load_base

PLAIN = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
# Name -> kind of tokenizer, linear layers, what sets it apart.
ARCHITECTURES = {
    "Llama": (LLAMA, PLAIN, {"tie_word_embeddings": True}),
    # a window much shorter than the prompts
    "Mistral": (SENTENCEPIECE, PLAIN, {"sliding_window": 48}),
    # scores capped before the softmax, a window in every other layer
    "Gemma2": (
        SENTENCEPIECE,
        PLAIN,
        {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 48, "attn_logit_softcapping": 2.0},
    ),
    # query, key and value in one matrix, gate and up in another
    "Phi3": (LLAMA, ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"], {}),
    # biases on query, key and value; no opening token
    "Qwen2": (GPT2, PLAIN, {"tie_word_embeddings": True}),
}


@pytest.fixture(scope="module")
def tiny(bases, tmp_path_factory):
    """(folder, tokenizer) of a random model of each architecture."""
    made = {}
    for name, (kind, _, settings) in ARCHITECTURES.items():
        folder, tokenizer = tmp_path_factory.mktemp(name), bases[kind].tokenizer
        tokenizer.save_pretrained(folder)
        sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 1024}
        ids = {
            f"{token}_token_id": getattr(tokenizer, f"{token}_token_id") for token in ("bos", "eos", "pad")
        }
        config = getattr(transformers, f"{name}Config")(
            vocab_size=len(tokenizer) + 24,  # padded, as published ones are
            initializer_range=0.2,
            **sizes,
            **heads,
            **ids,
            **settings,
        )
        torch.manual_seed(0)
        getattr(transformers, f"{name}ForCausalLM")(config).save_pretrained(folder)
        made[name] = folder, tokenizer
    return made


def make_prompts(question_set, tokenizer, n_rows):
    asked = join_contexts(question_set.questions.head(n_rows), question_set.contexts, 1)
    rows = build_examples(asked, tokenizer, 600)
    return rows, [row["input_ids"][: row["completion_mask"].index(1)] for row in rows]


@pytest.mark.parametrize("quantization", ["nf4", "none"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_adapted_trained_and_asked(tiny, question_set, tmp_path, name, quantization):
    folder, tokenizer = tiny[name]
    base = BaseConfig(path=str(folder), quantization=quantization)
    model = load_base(base)
    assert find_linear_layers(model) == ARCHITECTURES[name][1]
    assert {m.weight.dtype == torch.uint8 for m in model.modules() if type(m).__name__ == "Linear4bit"} == (
        {True} if quantization == "nf4" else set()
    )
    model = add_adapter(model, LoraConfig(r=4), seed=0)
    rows, prompts = make_prompts(question_set, tokenizer, 4)
    completions = encode_completions(tokenizer)
    before = score_options(model.eval(), prompts, completions, batch_size=4, pad_id=tokenizer.pad_token_id)

    config = TrainConfig(
        base=base, engine="trl", batch_size=2, accumulation_steps=1, max_steps=2, warmup_steps=0,
        learning_rate=1e-2, report_to="none",
    )  # fmt: skip
    log = []
    train_adapter(model, tokenizer, rows, config, tmp_path, log.extend)
    losses = [record["loss"] for record in log if "loss" in record]
    assert np.isfinite(losses).all()

    model.eval()
    together = score_options(model, prompts, completions, batch_size=4, pad_id=tokenizer.pad_token_id)
    alone = score_options(model, prompts, completions, batch_size=1, pad_id=tokenizer.pad_token_id)
    np.testing.assert_allclose(together, alone, atol=1e-4)  # whatever the padding
    assert np.abs(together - before).max() > 1e-3
    greedy = decode_greedy(model, prompts, completions, batch_size=4, pad_id=tokenizer.pad_token_id)
    assert greedy.tolist() == (together.argmax(axis=1) + 1).tolist()
    loaded = load_adapter(load_base(base), tmp_path / "adapter")
    np.testing.assert_allclose(score_options(loaded, prompts, completions), alone, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_its_adapter_is_merged(tiny, tmp_path, name):
    folder = tiny[name][0]
    model = add_adapter(load_base(BaseConfig(path=str(folder), quantization="none")), LoraConfig(r=4), seed=0)
    for parameter_name, parameter in model.named_parameters():
        if "lora_B" in parameter_name:
            parameter.data += 0.05
    adapter, merged = Path(tmp_path / "adapter"), Path(tmp_path / "merged")
    model.save_pretrained(adapter)
    merged.mkdir()
    merger = load_merger(adapter)
    check_layers(merger, list_shards(folder))
    write_merged(merger, folder, merged)
    assert check_merged(str(folder), adapter, merged) < 1e-4


def test_scores_that_are_capped_before_the_softmax_are_capped(tiny):
    """Fused kernels leave the cap out, and the answers are then another model's."""
    model = load_base(BaseConfig(path=str(tiny["Gemma2"][0]), quantization="none"))
    ids = torch.arange(3, 40)[None]
    with torch.no_grad():
        capped = model(ids).logits
        for layer in model.model.layers:
            layer.self_attn.attn_logit_softcapping = None
        assert not torch.allclose(model(ids).logits, capped, atol=1e-2)


@pytest.mark.parametrize("name", ["Llama", "Mistral", "Phi3", "Qwen2"])
def test_others_have_fused_attention(tiny, name):
    assert load_base(BaseConfig(path=str(tiny[name][0]))).config._attn_implementation == "sdpa"
