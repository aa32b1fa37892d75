"""Weights expanded by the GPU's kernel; TRITON_INTERPRET=1 runs it on the CPU, where Triton is installed."""

import os
from importlib.util import find_spec

import pytest
import torch

ON_GPU = torch.cuda.is_available()
IS_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
pytestmark = pytest.mark.skipif(
    not (find_spec("triton") and (ON_GPU or IS_INTERPRETED)),
    reason="needs Triton, with a GPU or interpreted",
)
DEVICE = "cuda" if ON_GPU and not IS_INTERPRETED else "cpu"
DTYPES = [torch.float32, torch.float16] + [torch.bfloat16] * (
    DEVICE == "cuda"
)  # the interpreter knows no bf16 products
SHAPES = [(70, 128), (64, 64), (5, 320)]


def quantize(rows: int, columns: int, **settings):
    """A random weight in 4 bits: packed, its state, and what it stands for in fp32."""
    from bitsandbytes import functional

    torch.manual_seed(rows)
    weight = torch.randn(rows, columns, device=DEVICE)
    settings = {"blocksize": 64, "compress_statistics": True, "quant_type": "nf4"} | settings
    packed, state = functional.quantize_4bit(weight, **settings)
    return packed, state, functional.dequantize_4bit(packed, state)


def test_other_formats_are_not_the_kernels():
    from science_exam.training.fast import four_bits

    for settings in ({"compress_statistics": False}, {"blocksize": 128}):
        _, state, _ = quantize(64, 128, **settings)
        assert not four_bits.fits_kernel(state)
    assert not four_bits.fits_kernel(quantize(64, 96)[1])  # a block that crosses rows


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_the_kernel_expands_as_the_library_does(shape, kind):
    from science_exam.training.fast import four_bits

    packed, state, expected = quantize(*shape, quant_type=kind)
    assert four_bits.fits_kernel(state)
    out = torch.empty(shape, device=DEVICE)
    four_bits.expand_weight(packed, state, out)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_ranks", [4, 16, 40])
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_adapter_is_added_and_the_sum_is_rounded_once(shape, n_ranks, dtype):
    from science_exam.training.fast import four_bits

    packed, state, weight = quantize(*shape)
    up = torch.randn(shape[0], 2 * n_ranks, device=DEVICE, dtype=dtype)[:, :n_ranks]  # part of a wider one
    down = torch.randn(n_ranks, shape[1], device=DEVICE, dtype=dtype)
    out = torch.empty(shape, device=DEVICE, dtype=dtype)
    four_bits.expand_adapted(packed, state, out, up, down)
    expected = weight.double() + up.double() @ down.double()
    rounding = torch.finfo(dtype).eps / 2
    assert ((out - expected).abs() <= rounding * expected.abs() * 1.01 + 2e-5).all()
