import pytest
from fast_networks import save_base
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

from science_exam.training.config import BaseConfig, LoraConfig, TrainConfig
from science_exam.training.fast.support import find_obstacle
from science_exam.training.model import add_adapter, load_base


@pytest.fixture
def ask(tmp_path):
    """The obstacle for a tiny model of an architecture, with these settings of model and adapter."""

    def asked(architecture="llama", quantization="none", lora=None, row=100, **settings):
        path = save_base(tmp_path / architecture, architecture, **settings)
        config = TrainConfig(
            base=BaseConfig(path=path, quantization=quantization), lora=lora or LoraConfig(r=4)
        )
        model = add_adapter(load_base(config.base), config.lora, seed=0)
        return find_obstacle(model, row)

    return asked


@pytest.mark.parametrize("architecture", ["llama", "mistral", "qwen2"])
@pytest.mark.parametrize("quantization", ["none", "nf4", "fp4"])
def test_the_three_architectures_have_no_obstacle(ask, architecture, quantization):
    assert ask(architecture, quantization) is None


def test_a_few_adapted_layers_are_enough(ask):
    assert ask(lora=LoraConfig(r=4, targets=("down_proj",), rslora=True, dropout=0.1, plus_ratio=4.0)) is None


def test_another_architecture_is_named(tmp_path):
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    GPTNeoXForCausalLM(GPTNeoXConfig(vocab_size=50, **sizes)).save_pretrained(tmp_path)
    config = TrainConfig(base=BaseConfig(path=str(tmp_path), quantization="none"), lora=LoraConfig(r=4))
    model = add_adapter(load_base(config.base), config.lora, seed=0)
    assert find_obstacle(model, 10) == "the base is a gpt_neox, not one of llama, mistral, qwen2"


def test_another_activation_is_named(ask):
    assert ask(hidden_act="gelu") == "the base's feed-forward has gelu, not silu"


def test_a_window_shorter_than_a_row_is_an_obstacle_and_a_longer_one_is_none(ask):
    assert ask("mistral", sliding_window=64, row=65) == "the base attends to 64 tokens, and a row has 65"
    assert ask("mistral", sliding_window=64, row=64) is None
    # Qwen2's own switch: a window that is not used.
    assert ask("qwen2", sliding_window=64, use_sliding_window=False, row=65) is None


def test_eight_bits_are_an_obstacle(ask):
    assert ask(quantization="int8") == "the base is in 8 bits, whose product takes outliers apart"


def test_dora_is_an_obstacle(ask):
    assert ask(lora=LoraConfig(r=4, dora=True)) == "DoRA changes what an adapter computes"


def test_biases_that_train_are_an_obstacle(tmp_path):
    import peft

    config = TrainConfig(base=BaseConfig(path=save_base(tmp_path, "qwen2"), quantization="none"))
    targets = ["q_proj", "v_proj"]
    trained = peft.LoraConfig(r=4, target_modules=targets, bias="lora_only", task_type="CAUSAL_LM")
    model = peft.get_peft_model(load_base(config.base), trained)
    assert find_obstacle(model, 10) == "the adapter trains biases"


def test_an_adapter_outside_of_the_blocks_is_an_obstacle(tmp_path):
    import peft

    config = TrainConfig(base=BaseConfig(path=save_base(tmp_path, "llama"), quantization="none"))
    model = peft.get_peft_model(
        load_base(config.base), peft.LoraConfig(r=4, target_modules=["lm_head"], task_type="CAUSAL_LM")
    )
    assert find_obstacle(model, 10) == "no linear layer inside the blocks is adapted"


def test_a_rotary_embedding_that_changes_with_the_length_is_an_obstacle(ask):
    rope = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}
    obstacle = ask(rope_parameters=rope)
    assert obstacle == "the base's rotary embedding is dynamic, which changes with the length of a row"
