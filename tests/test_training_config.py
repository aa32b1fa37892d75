import pytest

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.training.config import TrainConfig


def refusal(tmp_path, *words) -> str:
    with pytest.raises(UserError) as caught:
        load_config(TrainConfig, None, list(words), tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("word", "expected", "found"),
    [
        ("lora.r=0", "at least 1", "0"),
        ("lora.alpha=-2", "at least 1", "-2"),
        ("lora.dropout=1", "0 or more, less than 1", "1.0"),
        ("lora.dropout=.nan", "0 or more, less than 1", "nan"),
        ("lora.plus_ratio=0.5", "at least 1", "0.5"),
        ("lora.plus_ratio=.inf", "at least 1", "inf"),
        ("permutations=0", "1 to 120", "0"),
        ("permutations=121", "1 to 120", "121"),
        ("memory_budget_gb=-1", "0 or more", "-1.0"),
        ("memory_budget_gb=.nan", "0 or more", "nan"),
        ("batch_size=0", "at least 1", "0"),
        ("validation_fraction=1", "0 to 1", "1.0"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_what_is_expected(tmp_path, word, expected, found):
    key = word.partition("=")[0]
    assert f"{key}: expected {expected}, found {found}" in refusal(tmp_path, word)


@pytest.mark.parametrize("init", ["orthogonal", "pissa", "olora"])
def test_starts_that_a_quantised_base_cannot_have_are_no_choice(tmp_path, init):
    assert f"expected one of default, gaussian, found {init!r}" in refusal(tmp_path, f"lora.init={init}")


def test_dora_on_an_int8_base_is_refused(tmp_path):
    message = refusal(tmp_path, "lora.dora=true", "base.quantization=int8")
    assert "lora.dora: expected base.quantization nf4, fp4 or none, found int8" in message


@pytest.mark.parametrize("objective", ["options", "binary"])
def test_other_objectives_than_completion_need_the_fast_engine(tmp_path, objective):
    message = refusal(tmp_path, f"objective={objective}", "engine=trl")
    assert f"objective: expected completion with engine=trl, found {objective}" in message
    loaded = load_config(TrainConfig, None, [f"objective={objective}", "engine=fast"], tmp_path)
    assert loaded.objective == objective
