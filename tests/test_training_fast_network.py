import pytest
import torch
from fast_networks import (
    differentiate_by_autograd,
    differentiate_in_packs,
    find_largest_error,
    load_trained,
    make_examples,
    plan_of,
    save_base,
)
from torch.nn import functional

from science_exam.training.fast.network import TARGETS_AT_ONCE, Network, differentiate_loss
from science_exam.training.fast.packing import NO_TARGET
from science_exam.training.fast.rows import group_rows

BASES = {
    "llama": ("llama", {}),
    "llama with biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama-3.1": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500_000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral": ("mistral", {"head_dim": 32}),  # heads that are wider together than the stream
    "qwen2": ("qwen2", {}),
    "tied": ("qwen2", {"tie_word_embeddings": True}),
    "one block": ("llama", {"num_hidden_layers": 1, "num_key_value_heads": 4}),
}


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Folders of tiny random models."""
    return {
        name: save_base(tmp_path_factory.mktemp(architecture), architecture, **settings)
        for name, (architecture, settings) in BASES.items()
    }


@pytest.mark.parametrize(
    ("base", "quantization", "lora"),
    [
        ("llama", "none", {}),
        ("llama", "nf4", {}),
        ("llama", "fp4", {}),
        ("llama", "none", {"rslora": True, "r": 8}),
        ("llama", "none", {"targets": ("q_proj", "v_proj")}),
        ("llama", "nf4", {"targets": ("gate_proj",)}),
        ("llama", "none", {"targets": ("down_proj", "k_proj")}),
        ("llama with biases", "none", {}),
        ("llama-3.1", "none", {}),
        ("mistral", "none", {}),
        ("mistral", "nf4", {"rslora": True}),
        ("qwen2", "none", {}),
        ("qwen2", "nf4", {"targets": ("q_proj", "v_proj")}),
        ("tied", "none", {}),
        ("one block", "none", {}),
    ],
)
def test_loss_and_gradients_are_those_of_autograd_row_by_row(bases, base, quantization, lora):
    model, examples = load_trained(bases[base], quantization, **lora), make_examples()
    expected_loss, expected = differentiate_by_autograd(model, examples)
    network = Network(model, torch.float32)
    for share_prefixes in (False, True):
        loss, gradients = differentiate_in_packs(network, model, group_rows(examples, share_prefixes))
        assert loss == pytest.approx(expected_loss, rel=1e-6)
        assert find_largest_error(gradients, expected) < 1e-4
        assert all(gradient.abs().max() > 0 for gradient in gradients.values())


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("base", ["llama", "mistral", "qwen2"])
def test_in_bf16_loss_and_gradients_are_as_near_as_bf16_allows(bases, base, quantization):
    model = load_trained(bases[base], quantization, dtype="bf16", deviation=0.05)
    examples = make_examples()
    expected_loss, expected = differentiate_by_autograd(model, examples)
    loss, gradients = differentiate_in_packs(Network(model, torch.bfloat16), model, group_rows(examples))
    assert loss == pytest.approx(expected_loss, rel=1e-3)
    for name, gradient in expected.items():
        assert functional.cosine_similarity(gradients[name].flatten(), gradient.flatten(), dim=0) > 0.999


@pytest.mark.parametrize("share_prefixes", [False, True])
def test_many_packs_add_up_to_what_one_gives(bases, share_prefixes):
    model = load_trained(bases["llama"])
    network, groups = Network(model, torch.float32), group_rows(make_examples(8), share_prefixes)
    loss, gradients = differentiate_in_packs(network, model, groups)
    for max_tokens in (1, 100, 200):
        parts_loss, parts = differentiate_in_packs(network, model, groups, max_tokens)
        assert parts_loss == pytest.approx(loss, rel=1e-6)
        assert find_largest_error(parts, gradients) < 5e-6


def test_the_order_of_the_rows_in_a_pack_does_not_matter(bases):
    model = load_trained(bases["llama"])
    network, groups = Network(model, torch.float32), group_rows(make_examples(6))
    loss, gradients = differentiate_in_packs(network, model, groups)
    other_loss, other = differentiate_in_packs(network, model, groups[::-1])
    assert other_loss == pytest.approx(loss, rel=1e-6)
    assert find_largest_error(other, gradients) < 5e-6


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_recomputed_blocks_and_expanded_weights_change_no_number(bases, dropout):
    model = load_trained(bases["llama"], "nf4", dropout=dropout)
    network, groups = Network(model, torch.float32), group_rows(make_examples())
    loss, gradients = differentiate_in_packs(network, model, groups, seed=5)
    for plan in (plan_of(1), plan_of(3), plan_of(2, 1), plan_of(0, 3), plan_of(on_host=True), plan_of()):
        network.follow(plan)
        again_loss, again = differentiate_in_packs(network, model, groups, seed=5)
        assert again_loss == loss
        assert all(torch.equal(again[name], gradient) for name, gradient in gradients.items())


def test_the_first_token_of_a_pack_can_predict(bases):
    # Padded targets stand at the first token too, and must not undo its gradient.
    examples = [{"input_ids": [5, 6, 7], "completion_mask": [0, 1, 1]}]
    model = load_trained(bases["llama"])
    expected_loss, expected = differentiate_by_autograd(model, examples)
    loss, gradients = differentiate_in_packs(Network(model, torch.float32), model, group_rows(examples))
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert find_largest_error(gradients, expected) < 1e-4


def test_classes_restrict_the_loss_to_a_few_tokens(bases):
    classes, examples = [3, 0, 4, 1, 2], make_examples(n_classes=5)
    model = load_trained(bases["llama"])
    expected_loss, expected = differentiate_by_autograd(model, examples, classes)
    network = Network(model, torch.float32, classes)
    loss, gradients = differentiate_in_packs(network, model, group_rows(examples), classes=classes)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert find_largest_error(gradients, expected) < 1e-4


def test_the_peft_model_follows_the_network(bases):
    model, examples = load_trained(bases["llama"]), make_examples()
    network = Network(model, torch.float32)
    network.adapters.weights.mul_(1.5)
    network.adapters.refresh()
    expected_loss, expected = differentiate_by_autograd(model, examples)
    loss, gradients = differentiate_in_packs(network, model, group_rows(examples))
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    assert find_largest_error(gradients, expected) < 1e-4


def test_making_a_network_changes_no_answer_of_the_peft_model(bases):
    model, ids = load_trained(bases["qwen2"]), torch.arange(20)[None]
    with torch.no_grad():
        before = model(ids).logits
        Network(model, torch.float32)
        assert torch.equal(model(ids).logits, before)


@pytest.mark.parametrize("n_targets", [1, TARGETS_AT_ONCE, TARGETS_AT_ONCE + 1, 2 * TARGETS_AT_ONCE + 7])
def test_the_loss_and_its_gradient_are_those_of_cross_entropy(n_targets):
    torch.manual_seed(0)
    normal, head = torch.randn(n_targets, 8, requires_grad=True), torch.randn(11, 8)
    targets = torch.randint(11, (n_targets,))
    targets[n_targets // 2 + 1 :: 3] = NO_TARGET
    expected = functional.cross_entropy(normal @ head.T, targets, ignore_index=NO_TARGET, reduction="sum") / 4
    expected.backward()
    loss, gradient = differentiate_loss(normal.detach(), head, targets, torch.tensor(0.25))
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(gradient, normal.grad)


def test_a_measured_network_has_the_sizes_of_its_model(bases):
    sizes = Network(load_trained(bases["llama"], "nf4"), torch.float32).measure()
    # Width 64, 4 heads and 2 key-value heads of 16, feed-forward 192, fp32.
    assert sizes.n_blocks == 3
    assert sizes.block_weights == 64 * (64 + 32 + 32) + 64 * 64 + 64 * 2 * 192 + 192 * 64
    assert sizes.expanded_bytes == 4 * sizes.block_weights
    assert sizes.largest_expanded_bytes == 4 * 64 * 2 * 192
    # What a block keeps: input, states, attention's output, middle, gate and up, x A of seven adapters.
    assert sizes.kept_token_bytes == 4 * (64 + 128 + 64 + 64 + 2 * 192 + 7 * 4)
    assert sizes.input_token_bytes == 4 * 64
    plain = Network(load_trained(bases["llama"]), torch.float32).measure()
    assert plain.expanded_bytes == 0
