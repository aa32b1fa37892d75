"""benchmarks/train_check.py and train_profile.py: references, distances, attention, groups of kernels."""

import json
import sys
from itertools import islice

import pytest
import torch
from conftest import ROOT
from fast_networks import load_trained, save_base

from science_exam.errors import UserError
from science_exam.training.fast.kernels import CpuKernel, Spans
from science_exam.training.fast.network import Network
from science_exam.training.fast.rows import Row

sys.path.insert(0, str(ROOT / "benchmarks"))

import train_check
import train_check_attention as plain
import train_check_gradients as gradients
import train_profile
import train_profile_kernels as profile

BASE = str(ROOT / "models" / "tiny-science-llama")
ROW = {
    "instruction": "Choose.",
    "input": "Which gas is lightest?\noption_1: helium\noption_2: hydrogen\noption_3: neon",
    "output": "option_2",
}


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(3 * (json.dumps(ROW) + "\n"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    return load_trained(save_base(tmp_path_factory.mktemp("base"), "llama"), quantization="nf4")


def make_questions():
    """Two questions, of one row and of two that begin alike."""
    return [[Row([3, 8, 1, 7, 5], 3)], [Row([*range(20, 40), 4, 9, 2], 21), Row([*range(20, 41), 6], 21)]]


def test_orders_of_the_options_keep_the_right_one():
    first, *others = islice(train_check.order_options(ROW), 6)
    assert first == ROW and len({row["input"] for row in others}) > 1
    for row in others:
        [line] = [line for line in row["input"].split("\n") if line.startswith(row["output"])]
        assert line.endswith(": hydrogen")
        assert sorted(line.partition(": ")[2] for line in row["input"].split("\n")[1:]) == [
            *("helium", "hydrogen", "neon")
        ]


def test_an_output_that_names_no_option_is_an_error():
    with pytest.raises(UserError, match=r"names an option \(option_1, option_2, option_3\), found 'helium'"):
        list(islice(train_check.order_options({**ROW, "output": "helium"}), 2))


def test_questions_come_in_one_to_three_orders(rows):
    tokenizer = train_check.load_tokenizer(BASE)
    questions = train_check.read_questions(rows, tokenizer, 3, 500)
    assert [len(orders) for orders in questions] == [1, 2, 3]
    shared = [group.n_shared for group in gradients.group_questions(questions, share_prefixes=True)]
    assert shared[0] == 0 and min(shared[1:]) > 10
    assert len(gradients.group_questions(questions, share_prefixes=False)) == 6
    with pytest.raises(UserError, match="expected 4 rows of at most 500 tokens, found 3"):
        train_check.read_questions(rows, tokenizer, 4, 500)


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("kernel", [None, "plain"])
@pytest.mark.parametrize("n_recomputed", [0, 3])
def test_in_fp32_the_engine_says_what_autograd_says(learner, share, kernel, n_recomputed):
    questions = make_questions()
    rows = [row for question in questions for row in question]
    reference = gradients.differentiate_plainly(learner, rows, torch.float32)
    with plain.use_kernel(kernel):
        network = Network(learner, torch.float32)
        for as_graphs in (False, True):  # the second is the optimizer's way, which has no graphs on a CPU
            found = gradients.differentiate_fast(learner, network, questions, share, n_recomputed, as_graphs)
            distance = gradients.compare(found, reference)
            assert distance.loss_error < 1e-5 and distance.worst_cosine > 0.99999 and not distance.n_zero
            assert distance.norm_ratios == pytest.approx((1, 1), abs=1e-3)


def test_16_bits_are_nearly_right_and_leave_no_trace_in_the_reference(learner):
    rows = [row for question in make_questions() for row in question]
    gradients.compute_in(learner, torch.bfloat16)  # as if loaded so: the base was written in fp32
    before, coarse, after = (
        gradients.differentiate_plainly(learner, rows, dtype)
        for dtype in (torch.float32, torch.bfloat16, torch.float32)
    )
    assert gradients.compare(after, before).loss_error == 0
    distance = gradients.compare(coarse, before)
    assert 0 < distance.loss_error < 0.02 and 0.98 < distance.worst_cosine < 1


def test_the_distance_is_that_of_the_worst_adapter():
    reference = gradients.Found(2.0, {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor([[1.0, 0.0]])})
    found = gradients.Found(1.5, {"a": torch.tensor([6.0, 8.0]), "b": torch.tensor([[1.0, 1.0]])})
    distance = gradients.compare(found, reference)
    # "a" is twice as long; "b" stands at 45 degrees and is longer by the root of 2
    assert distance.loss_error == 0.25 and distance.worst_adapter == "b" and distance.n_zero == 0
    assert distance.worst_cosine == pytest.approx(0.5**0.5)
    assert distance.norm_ratios == pytest.approx((2**0.5, 2))


def test_a_gradient_of_zero_or_no_number_is_never_right():
    reference = gradients.Found(2.0, {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor([1.0, 0.0])})
    exact = gradients.compare(reference, reference)
    assert train_check.is_right(exact, exact)
    for wrong in (0.0, torch.nan, torch.inf):
        found = gradients.Found(2.0, {**reference.gradients, "b": torch.tensor([wrong, 0.0])})
        distance = gradients.compare(found, reference)
        assert not train_check.is_right(distance, exact) and distance.worst_adapter == "b"
        assert distance.n_zero == (wrong == 0)


@pytest.mark.parametrize("causal", [False, True])
def test_plain_attention_is_the_librarys(causal):
    torch.manual_seed(0)
    query, gradient = torch.randn(2, 9, 4, 8)
    key, value = torch.randn(2, 9, 2, 8)
    queries = Spans(torch.tensor([0, 2, 9, 9], dtype=torch.int32), 7)
    keys = queries if causal else Spans(torch.tensor([0, 5, 6, 6], dtype=torch.int32), 5)
    results = []
    for kernel in (plain.PlainKernel(), CpuKernel()):
        out, normalizer = kernel.forward(query, key, value, queries, keys, causal)
        of = kernel.backward(gradient, query, key, value, out, normalizer, queries, keys, causal)
        results.append([out, normalizer, *of])
    torch.testing.assert_close(*results)


def test_kernels_of_a_gpu_are_refused_on_a_cpu():
    with pytest.raises(UserError, match="--kernel flash: expected a GPU"), plain.use_kernel("flash"):
        pass


def test_losses_of_every_step_are_kept(rows):
    questions = train_check.read_questions(rows, train_check.load_tokenizer(BASE), 2, 500)
    losses, n_skipped = train_check.train(BASE, questions, "float32", kernel=None, n_steps=3)
    assert len(losses) == 3 and losses[2] < losses[0] and n_skipped == 0


def make_event(category: str, name: str, milliseconds: float, number: int, **arguments) -> dict:
    arguments |= {"External id": number}
    return {"ph": "X", "cat": category, "name": name, "dur": milliseconds * 1e3, "args": arguments}


def test_the_time_of_a_product_is_divided_by_what_it_multiplies(tmp_path):
    base, lora, head = [[128, 64], [64, 192]], [[128, 64], [64, 16]], [[64, 64], [64, 700]]
    events = [
        *(
            make_event("cpu_op", "aten::mm", 1, n, **{"Input Dims": dims})
            for n, dims in enumerate([base, lora])
        ),
        make_event("cpu_op", "aten::mm", 1, 2, **{"Input Dims": head}),
        *(make_event("kernel", "nvjet_tile", of, number) for number, of in enumerate([6.0, 3.0, 1.0])),
        make_event("kernel", "_expand", 2.0, 9),
        {"ph": "M", "name": "process_name"},
    ]
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"traceEvents": events}), encoding="utf-8")
    shares = profile.find_product_shares(profile.read_trace(path), ranks={16, 48}, n_classes=700)
    assert shares == {"nvjet_tile": {profile.PRODUCTS: 0.6, profile.LORA: 0.3, profile.HEAD: 0.1}}
    steps = [
        profile.Kernel(name, of, frozenset()) for name, of in (("nvjet_tile", 20.0), ("ampere_gemm", 5.0))
    ]
    spent = profile.sum_groups(steps, shares)
    assert spent == pytest.approx({profile.PRODUCTS: 17, profile.LORA: 6, profile.HEAD: 2})
    table = profile.format_groups(spent, n_steps=2, step_milliseconds=20.0)
    assert "| matrix products | 8.50 | 42.5% |" in table and "| idle | 7.50 | 37.5% |" in table
    assert "| nvjet_tile | matrix products | 0 | 10.00 |" in profile.format_kernels(steps, 2, n_names=1)


def test_pytorchs_traces_hold_the_sizes_of_operations(tmp_path):
    with torch.profiler.profile(record_shapes=True) as profiler:
        torch.ones(5, 3) @ torch.ones(3, 7)
    profiler.export_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    [product] = [event for event in events if event["name"] == "aten::mm"]
    assert product["cat"] == "cpu_op" and "External id" in product["args"]
    assert product["args"]["Input Dims"] == [[5, 3], [3, 7]]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("void pytorch_flash::flash_fwd_kernel<Traits>", "attention forward"),
        ("void pytorch_flash::flash_bwd_convert_dq_kernel<Traits>", "attention backward"),
        ("fmha_cutlassB_f16_aligned_64x64_k128_sm75(Params)", "attention backward"),
        ("void cutlass::Kernel2<cutlass_80_wmma_tensorop_bf16>", profile.PRODUCTS),
        ("_expand", "NF4 expansion"),
        ("_differentiate", "SwiGLU"),
        ("triton_poi_fused__to_copy_mul_silu_split_0", "SwiGLU"),
        ("triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", "norms"),
        ("triton_poi_fused__to_copy_cat_slice_0", "rotary"),
        ("void kOptimizerStatic8bit2StateBlockwise<float>", "optimizer"),
        ("Memcpy HtoD (Pinned -> Device)", "copies"),
        ("void at::native::vectorized_elementwise_kernel<4, CUDAFunctor_add>", profile.REST),
    ],
)
def test_kernels_are_grouped_by_name(name, group):
    assert profile.find_group(name) == group


def test_profiling_without_a_gpu_says_so(rows, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_profile.py", BASE, str(rows)])
    with pytest.raises(SystemExit) as ended:
        train_profile.parse_arguments()
    assert ended.value.code == 2 and "expected a GPU, found none" in capsys.readouterr().err
