"""A run's folder: what is compared, what is kept, and what the manifest means."""

import hashlib
import json
from dataclasses import dataclass

import pytest
import yaml

from science_exam.errors import UserError
from science_exam.runs import MANIFEST, Run, find_changed, open_run, read_manifest

SETTINGS = {"rows": 4, "lora": {"r": 16, "targets": ("q", "v")}, "name": None}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "questions.parquet"
    path.write_text("questions")
    return path


def finish(folder, inputs, settings=SETTINGS, **options):
    run = Run(folder, settings, inputs, **options)
    run.begin()
    (folder / "adapter").mkdir(exist_ok=True)
    (folder / "adapter" / "weights.bin").write_bytes(b"weights")
    run.finish({"map3": 0.5})
    return run


def refusal(folder, settings, inputs):
    with pytest.raises(UserError) as caught:
        Run(folder, settings, inputs)
    message = str(caught.value)
    assert message.startswith(f"{folder}: ")
    assert "overwrite=true" in message
    assert "\n" not in message
    return message


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_opening_a_run_writes_nothing(folder, source):
    run = Run(folder, SETTINGS, [source])
    assert not run.finished
    assert not folder.exists()


BEGUN = {"config.yaml", "inputs.json", "environment.json", "lock"}


def name_of(path):
    """How a run's folder names an input: its folder's name and its own."""
    return f"{path.parent.name}/{path.name}"


def test_begin_writes_settings_inputs_and_environment_but_no_manifest(folder, source):
    run = Run(folder, SETTINGS, [source])
    run.begin()
    assert {path.name for path in folder.iterdir()} == BEGUN
    assert yaml.safe_load((folder / "config.yaml").read_text()) == {
        "rows": 4,
        "lora": {"r": 16, "targets": ["q", "v"]},
        "name": None,
    }
    digest = hashlib.sha256(b"questions").hexdigest()
    assert json.loads((folder / "inputs.json").read_text()) == {name_of(source): digest}
    assert not run.finished


def test_the_manifest_holds_the_hash_of_every_file_and_the_results(folder, source):
    run = finish(folder, [source])
    assert run.finished
    manifest = read_manifest(folder)
    assert manifest["results"] == {"map3": 0.5}
    assert manifest["seconds"] >= 0
    files = {str(path): hashlib.sha256(content).hexdigest() for path, content in tree(folder).items()}
    del files[MANIFEST]
    assert manifest["outputs"] == files
    assert "adapter/weights.bin" in files


def test_the_same_run_finished_is_skipped_and_left_alone(folder, source):
    finish(folder, [source])
    before = tree(folder)
    assert Run(folder, SETTINGS, [source]).finished
    assert tree(folder) == before


def test_the_same_run_unfinished_goes_on_with_what_is_there(folder, source):
    Run(folder, SETTINGS, [source]).begin()
    (folder / "checkpoint").write_text("step 50")
    again = Run(folder, SETTINGS, [source])
    assert not again.finished
    again.begin()
    assert (folder / "checkpoint").read_text() == "step 50"


def test_a_list_is_the_same_as_the_tuple_it_was(folder, source):
    finish(folder, [source])
    assert Run(folder, {**SETTINGS, "lora": {"r": 16, "targets": ["q", "v"]}}, [source]).finished


@pytest.mark.parametrize("done", [True, False])
def test_other_settings_stop_with_the_difference(folder, source, done):
    run = Run(folder, SETTINGS, [source])
    run.begin()
    if done:
        run.finish({})
    before = tree(folder)
    message = refusal(folder, {**SETTINGS, "rows": 8, "lora": {"r": 32, "targets": ("q", "v")}}, [source])
    assert "rows 4 -> 8" in message
    assert "lora.r 16 -> 32" in message
    assert "targets" not in message
    assert tree(folder) == before


def test_a_setting_that_came_or_went_is_a_difference(folder, source):
    finish(folder, [source])
    assert "seed None -> 7" in refusal(folder, {**SETTINGS, "seed": 7}, [source])
    fewer = {key: value for key, value in SETTINGS.items() if key != "rows"}
    assert "rows 4 -> None" in refusal(folder, fewer, [source])


def test_an_input_that_changed_is_named(folder, source):
    finish(folder, [source])
    source.write_text("other questions")
    assert f"{name_of(source)} has changed" in refusal(folder, SETTINGS, [source])


def test_an_input_that_is_new_is_named(folder, source, tmp_path):
    finish(folder, [source])
    other = tmp_path / "articles.jsonl"
    other.write_text("articles")
    assert f"{name_of(other)} is new" in refusal(folder, SETTINGS, [source, other])


def test_an_input_that_is_gone_is_named(folder, source, tmp_path):
    other = tmp_path / "articles.jsonl"
    other.write_text("articles")
    finish(folder, [source, other])
    other.unlink()
    assert f"{name_of(other)} is gone" in refusal(folder, SETTINGS, [source, other])


def test_a_checkout_may_move(folder, source, tmp_path):
    finish(folder, [source])
    moved = tmp_path / "elsewhere" / source.parent.name / source.name
    moved.parent.mkdir(parents=True)
    moved.write_bytes(source.read_bytes())
    assert Run(folder, SETTINGS, [moved]).finished


def test_a_changed_input_is_found_by_its_name(folder, source):
    finish(folder, [source])
    assert find_changed(folder, [source]) is None
    source.write_text("other questions")
    assert find_changed(folder, [source]) == source


def test_a_second_process_is_kept_out_while_the_first_works(folder, source):
    working = Run(folder, SETTINGS, [source])
    working.begin()
    with pytest.raises(UserError, match="another process"):
        Run(folder, SETTINGS, [source]).begin()


def test_a_run_that_lost_an_output_is_begun_again_without_its_manifest(folder, source):
    finish(folder, [source])
    (folder / "adapter" / "weights.bin").unlink()
    run = Run(folder, SETTINGS, [source])
    assert not run.finished
    run.begin()
    assert not (folder / MANIFEST).exists()


def test_overwrite_throws_nothing_away_before_begin(folder, source):
    finish(folder, [source])
    before = tree(folder)
    run = Run(folder, {**SETTINGS, "rows": 8}, [source], overwrite=True)
    assert not run.finished
    assert tree(folder) == before
    run.begin()
    assert {path.name for path in folder.iterdir()} == BEGUN
    assert yaml.safe_load((folder / "config.yaml").read_text())["rows"] == 8


def test_overwrite_makes_the_same_run_again(folder, source):
    finish(folder, [source])
    assert not Run(folder, SETTINGS, [source], overwrite=True).finished
    finish(folder, [source], overwrite=True)
    assert Run(folder, SETTINGS, [source]).finished


def test_overwrite_does_not_delete_a_folder_that_holds_no_run(folder, source):
    # `predict out=. overwrite=true` must not delete the checkout.
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="run"):
        Run(folder, SETTINGS, [source], overwrite=True).begin()
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_manifest_without_the_settings_beside_it_is_no_finished_run(folder, source):
    # A deletion that was killed halfway leaves any of the files.
    finish(folder, [source])
    (folder / "config.yaml").unlink()
    (folder / "inputs.json").unlink()
    assert not Run(folder, {**SETTINGS, "rows": 8}, [source]).finished


def test_a_run_that_lost_an_output_is_made_again(folder, source):
    # Otherwise the next stage asks for the command that makes it, and that command skips.
    finish(folder, [source])
    (folder / "adapter" / "weights.bin").unlink()
    assert not Run(folder, SETTINGS, [source]).finished


def test_metrics_are_one_json_object_a_line(folder, source):
    run = Run(folder, SETTINGS, [source])
    run.begin()
    run.write_metrics([{"step": 1, "loss": 2.5}])
    run.write_metrics([{"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.0}])
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.0}]


def test_a_manifest_is_asked_for_in_vain_where_no_run_is(folder):
    with pytest.raises(UserError, match="not there"):
        read_manifest(folder)


def test_a_manifest_is_asked_for_in_vain_where_a_run_is_unfinished(folder, source):
    Run(folder, SETTINGS, [source]).begin()
    with pytest.raises(UserError, match="not finished"):
        read_manifest(folder)


@dataclass(frozen=True)
class Server:
    model: str = "a"
    price: float = 0.0


@dataclass(frozen=True)
class Settings:
    server: Server = Server()
    seed: int = 0
    workers: int = 1
    overwrite: bool = False


def test_settings_that_do_not_decide_the_result_may_change_nested_ones_too(tmp_path):
    def open_with(**changes):
        server = Server(**{key: value for key, value in changes.items() if key in ("model", "price")})
        own = {key: value for key, value in changes.items() if key in ("seed", "workers")}
        return open_run(tmp_path / "run", Settings(server, **own), [], without=("workers", "server.price"))

    run = open_with()
    run.begin()
    run.finish({})
    assert run.settings == {"server": {"model": "a"}, "seed": 0}
    assert open_with(price=3.0, workers=8).finished
    with pytest.raises(UserError, match=r"server\.model 'a' -> 'b'"):
        open_with(model="b")
