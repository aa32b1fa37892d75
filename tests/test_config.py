"""Settings: defaults, YAML, key=value words, and what is refused."""

import dataclasses
import importlib
from dataclasses import dataclass, field
from typing import Literal

import pytest

from science_exam.config import describe, load_config
from science_exam.errors import UserError


@dataclass(frozen=True)
class Lora:
    # rank of
    # the update
    r: int = 16
    targets: tuple[str, ...] = ()
    kind: Literal["nf4", "none"] = "nf4"


@dataclass(frozen=True)
class Stage:
    """A stage."""

    lora: Lora = field(default_factory=Lora)
    # where the: questions are
    path: str = "data/sample"
    rate: float = 2e-4  # the peak
    rows: int = 4
    fast: bool = True
    seed: int | None = None
    sizes: tuple[int, ...] = (1, 2)
    schedule: Literal["linear", "cosine"] = "linear"

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"rows: expected at least 1, found {self.rows}")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text("# a comment\nrows: 2\nlora:\n  r: 8\n")
    (tmp_path / "large-1.5b.yaml").write_text("rows: 64\n")
    return tmp_path


def load(folder, *words, name=None):
    return load_config(Stage, name, list(words), folder)


def refusal(folder, *words, name=None):
    with pytest.raises(UserError) as caught:
        load(folder, *words, name=name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def refusal_of_yaml(folder, text):
    (folder / "bad.yaml").write_text(text)
    return refusal(folder, name="bad")


def test_without_a_name_the_defaults_hold(folder):
    assert load(folder) == Stage()


def test_a_yaml_file_holds_departures_from_the_defaults(folder):
    assert load(folder, name="small") == Stage(rows=2, lora=Lora(r=8))


def test_words_come_after_the_yaml_file(folder):
    assert load(folder, "rows=3", name="small") == Stage(rows=3, lora=Lora(r=8))


def test_the_last_of_two_equal_words_holds(folder):
    assert load(folder, "rows=3", "rows=5").rows == 5


def test_a_nested_word_leaves_its_neighbours_alone(folder):
    assert load(folder, "lora.kind=none", name="small").lora == Lora(r=8, kind="none")


def test_a_name_may_be_a_path_and_may_hold_dots(folder):
    assert load(folder, name=str(folder / "small.yaml")).rows == 2
    assert load(folder, name="large-1.5b").rows == 64


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_yaml_file_is_all_defaults(folder, text):
    (folder / "empty.yaml").write_text(text)
    assert load(folder, name="empty") == Stage()


def test_an_unknown_config_names_the_nearest_and_all(folder):
    message = refusal(folder, name="smal")
    assert str(folder / "smal.yaml") in message
    assert "did you mean 'small'?" in message
    assert "large-1.5b, small" in message


def test_an_unknown_config_of_a_stage_without_configs_says_that_there_are_none(tmp_path):
    message = refusal(tmp_path / "nowhere", name="small")
    assert "no such config" in message
    assert not message.endswith(": ")


@pytest.mark.parametrize(
    ("word", "unknown", "nearest"),
    [("row=1", "row", "rows"), ("lora.rr=1", "lora.rr", "r"), ("lroa.r=1", "lroa", "lora")],
)
def test_an_unknown_key_names_the_nearest_and_the_known_ones(folder, word, unknown, nearest):
    message = refusal(folder, word)
    assert f"unknown key {unknown!r}" in message
    assert f"did you mean {nearest!r}?" in message or f"did you mean 'lora.{nearest}'?" in message
    assert "known keys: " in message


def test_a_key_like_no_other_names_no_nearest_one(folder):
    assert "did you mean" not in refusal(folder, "zzzzzz=1")


def test_an_unknown_key_in_a_yaml_file_is_named_with_the_file(folder):
    message = refusal_of_yaml(folder, "lora:\n  rank: 8\n")
    assert str(folder / "bad.yaml") in message
    assert "unknown key 'lora.rank'" in message


@pytest.mark.parametrize("text", ["1: 2\n", "null: 2\n", "true: 1\n"])
def test_a_key_that_is_no_text_is_unknown(folder, text):
    assert "unknown key" in refusal_of_yaml(folder, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2e-4", 2e-4), ("1", 1.0), ("0.5", 0.5), ("1.0e-3", 1e-3), ("1E5", 1e5), ("-3", -3.0)],
)
def test_a_number_is_read_in_every_usual_writing(folder, text, value):
    (folder / "bad.yaml").write_text(f"rate: {text}\n")
    for settings in (load(folder, f"rate={text}"), load(folder, name="bad")):
        assert settings.rate == value
        assert type(settings.rate) is float


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("rows", "1.5", "int"),
        ("rows", "2.0", "int"),
        ("rows", "abc", "int"),
        ("rows", "true", "int"),
        ("rows", "null", "int"),
        ("rows", "[1]", "int"),
        ("rate", "fast", "float"),
        ("rate", "true", "float"),
        ("rate", "[1]", "float"),
        ("fast", "1", "bool"),
        ("fast", "maybe", "bool"),
        ("path", "[a]", "str"),
        ("path", "{a: b}", "str"),
        ("sizes", "[1, x]", "int"),
        ("seed", "x", "int"),
        ("lora.r", "8.5", "int"),
        ("lora", "8", "keys and values"),
        ("lora", "null", "keys and values"),
    ],
)
def test_a_value_of_the_wrong_type_is_named_by_its_key(folder, key, text, expected):
    *parents, last = key.split(".")
    (folder / "bad.yaml").write_text("".join(f"{p}:\n  " for p in parents) + f"{last}: {text}\n")
    message = refusal(folder, name="bad")
    assert str(folder / "bad.yaml") in message
    assert f"key {key}: expected {expected}, found " in message


def test_a_wrong_word_is_blamed_on_the_word_and_not_on_the_file(folder):
    message = refusal(folder, "rows=many", name="small")
    assert "rows=many" in message
    assert "small.yaml" not in message


def test_a_choice_outside_the_list_names_the_list(folder):
    assert "expected one of linear, cosine, found 'step'" in refusal(folder, "schedule=step")
    assert "expected one of nf4, none, found None" in refusal(folder, "lora.kind=null")


def test_none_written_as_a_word_is_a_choice_and_not_null(folder):
    assert load(folder, "lora.kind=none").lora.kind == "none"


@pytest.mark.parametrize(
    ("text", "value"),
    [("[3]", (3,)), ("[3, 4]", (3, 4)), ("3", (3,)), ("[]", ())],
)
def test_a_tuple_is_a_list_or_one_item(folder, text, value):
    assert load(folder, f"sizes={text}").sizes == value


@dataclass(frozen=True)
class Library:
    # what is read
    shelves: tuple[Lora, ...] = ()


def test_a_list_of_groups_is_read_group_by_group(folder):
    (folder / "two.yaml").write_text("shelves:\n  - r: 4\n  - kind: none\n    targets: [q, v]\n")
    two = (Lora(r=4), Lora(kind="none", targets=("q", "v")))
    assert load_config(Library, "two", [], folder) == Library(two)
    word = "shelves=[{r: 4}, {kind: none, targets: [q, v]}]"
    assert load_config(Library, None, [word], folder) == Library(two)


def test_an_unknown_key_in_a_list_of_groups_is_named(folder):
    with pytest.raises(UserError, match=r"unknown key 'shelves\.s', did you mean 'shelves\.r'"):
        load_config(Library, None, ["shelves=[{s: 4}]"], folder)


def test_the_settings_of_a_list_of_groups_are_described():
    assert "shelves: r=16\n      rank of the update" in describe(Library)


def test_a_tuple_in_a_nested_setting_is_read_alike(folder):
    assert load(folder, "lora.targets=[q_proj, v_proj]").lora.targets == ("q_proj", "v_proj")
    assert load(folder, "lora.targets=q_proj").lora.targets == ("q_proj",)


def test_nothing_behind_the_equals_sign_is_an_empty_tuple_or_an_empty_text(folder):
    assert load(folder, "path=").path == ""
    assert load(folder, "lora.targets=").lora.targets == ()


def test_null_is_none_where_that_is_allowed(folder):
    assert load(folder, "seed=7").seed == 7
    assert load(folder, "seed=null").seed is None


@pytest.mark.parametrize("text", ["true", "yes", "on"])
def test_yaml_says_what_is_true(folder, text):
    assert load(folder, "fast=false", f"fast={text}").fast is True


@pytest.mark.parametrize(
    "text",
    [
        "a=b.csv",
        "data/train.csv",
        "kaggle:owner/model",
        "007",
        "1_000",
        "1.10",
        "12:30",
        "my #1.csv",
        "on",
        "%x",
    ],
)
def test_text_is_kept_to_the_letter(folder, text):
    # `make train RUN=007` writes data/runs/007, and `make predict RUN=007` must find it there.
    assert load(folder, f"path={text}").path == text


def test_text_that_looks_like_a_number_survives_a_run_folder(folder):
    # What a run writes as config.yaml is read again by predict.
    import yaml

    (folder / "config.yaml").write_text(yaml.safe_dump({"path": "007"}))
    assert load(folder, name="config").path == "007"


@pytest.mark.parametrize("word", ["rows", "small", "--rows"])
def test_a_word_without_equals_sign_says_what_is_expected(folder, word):
    assert f"'{word}': expected key=value" in refusal(folder, word)


def test_a_word_that_is_no_yaml_says_so(folder):
    message = refusal(folder, "sizes=[1, 2")
    assert "'sizes=[1, 2'" in message
    assert "not valid YAML" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"rows: [1\n", "not valid YAML"),
        (b"- rows\n- 3\n", "expected keys and values, found a list"),
        (b"rows\n", "expected keys and values, found a str"),
        (b"path: caf\xe9\n", "not valid YAML"),
        (b"\tpath: x\n", "not valid YAML"),
    ],
)
def test_a_broken_yaml_file_is_one_line_with_its_name(folder, content, expected):
    (folder / "bad.yaml").write_bytes(content)
    message = refusal(folder, name="bad")
    assert str(folder / "bad.yaml") in message
    assert expected in message


def test_what_the_stage_itself_refuses_comes_as_an_error_for_the_user(folder):
    assert "rows: expected at least 1, found 0" in refusal(folder, "rows=0", name="small")


def test_values_pass_through_a_yaml_file_unchanged(folder):
    import yaml

    settings = load(folder, "rate=1.5e-4", "sizes=[3]", "lora.targets=[a]", "path=x y")
    plain = dataclasses.asdict(settings)
    plain["sizes"], plain["lora"]["targets"] = list(plain["sizes"]), list(plain["lora"]["targets"])
    (folder / "copy.yaml").write_text(yaml.safe_dump(plain))
    assert load(folder, name="copy") == settings


def test_help_shows_every_key_its_default_and_its_comment():
    lines = [line.strip() for line in describe(Stage).splitlines()]
    shown = dict(zip(lines[::2], lines[1::2], strict=True))
    assert shown["lora.r=16"] == "rank of the update"
    assert shown["path=data/sample"] == "where the: questions are"
    assert shown["rate=0.0002"] == "the peak"
    assert shown["fast=True"] == ""
    assert len(shown) == 3 + 7


STAGES = {
    "questions": "QuestionsConfig",
    "training": "TrainConfig",
    "answering": "PredictConfig",
    "evaluation": "EvaluateConfig",
    "pretraining": "PretrainConfig",
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_setting_of_every_stage_is_explained_in_its_help(stage):
    kind = getattr(importlib.import_module(f"science_exam.{stage}.config"), STAGES[stage])
    lines = [line.strip() for line in describe(kind).splitlines()]
    silent = [key for key, comment in zip(lines[::2], lines[1::2], strict=True) if not comment]
    assert silent == []
