"""The base as others load it, and the script that makes it."""

import copy

import torch
from conftest import LLAMA, ROOT

from science_exam.pretraining.checkpoints import save_base
from science_exam.pretraining.config import ModelConfig
from science_exam.pretraining.reader import build_llama

SHAPE = ModelConfig(hidden_size=32, intermediate_size=64, layers=2)
SMALL = (
    "model.vocab_size=600 model.hidden_size=32 model.intermediate_size=64 model.layers=2 model.heads=2 "
    "model.kv_heads=1 tokens_per_pack=1024 steps=2"
)


def test_a_saved_base_loads_as_any_llama_and_gives_the_same_logits(bases, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, out = bases[LLAMA].tokenizer, tmp_path / "base"
    out.mkdir()
    (out / "MODEL_CARD.md").write_text("by hand")
    llama = build_llama(tokenizer, SHAPE, seed=3)
    rounded = copy.deepcopy(llama).eval()
    for weight in rounded.parameters():
        weight.data = weight.data.bfloat16().float()
    rounded.set_attn_implementation("sdpa")
    save_base(llama, tokenizer, out)

    assert (out / "MODEL_CARD.md").read_text() == "by hand"
    assert AutoModelForCausalLM.from_pretrained(out).dtype == torch.bfloat16
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    text = "At 5.37 km the answer is\noption_3"
    ids = AutoTokenizer.from_pretrained(out)(text)["input_ids"]
    assert ids == tokenizer(text)["input_ids"]
    with torch.no_grad():
        assert torch.equal(loaded(torch.tensor([ids])).logits, rounded(torch.tensor([ids])).logits)


def test_the_script_makes_a_base_once_from_corpus_and_questions(work, run_script, capsys):
    articles, questions = (ROOT / "data" / "sample" / name for name in ("articles.jsonl", "sample.jsonl"))
    assert run_script("corpus", f"sources=[{articles}]", "name=sample") == 0
    assert run_script("questions", f"path={questions}", "name=sample") == 0
    (work / "configs" / "pretrain").mkdir()
    phases = "phases=[{share: 1, text: 1, tasks: 1, questions: 1}]"
    words = ["questions=data/questions/sample", phases, *SMALL.split()]
    assert run_script("pretrain_base", *words, "budget_seconds=1e-9") == 0
    assert "step 1 of 2" in capsys.readouterr().out
    assert not (work / "models").exists()
    assert run_script("pretrain_base", *words) == 0
    assert "parameters" in capsys.readouterr().out
    assert (work / "models" / "defaults" / "model.safetensors").is_file()
    assert (work / "data" / "pretrain" / "defaults" / "manifest.json").is_file()
    assert run_script("pretrain_base", *words) == 0
    assert "already made" in capsys.readouterr().out


def test_asking_questions_without_a_question_set_is_refused(work, run_script, capsys):
    assert run_script("pretrain_base", "phases=[{questions: 1.0}]") == 2
    assert "names no question set" in capsys.readouterr().err
