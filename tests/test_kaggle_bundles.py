"""Bundles: what goes into them, and what may not."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from small_kernel import (
    BASE,
    CONFIG,
    CONTEXTS,
    CORPUS,
    INDEX,
    NAME,
    RUN,
    write_all,
    write_contexts,
    write_run,
)

from science_exam.config import load_config
from science_exam.errors import UserError
from science_exam.kaggle.config import ExamConfig
from science_exam.kaggle.manifest import MARKER, read_manifest, restore_tree
from science_exam.kaggle.packing import run_files
from science_exam.kaggle.packing.bundles import check_bundle, flatten_name, list_bundles, write_bundle
from science_exam.kaggle.packing.kernel import make_kernel, plan_kernel
from science_exam.training.config import BaseConfig
from science_exam.training.trained import read_training


@pytest.fixture
def made(work):
    """Make the kernel of what there is, with some settings changed."""
    write_all()

    def make(overwrite=False, **changes) -> Path:
        return make_kernel(plan_kernel(replace(CONFIG, **changes)), overwrite)

    return make


def places(kernel, bundle):
    return {member.path for member in read_manifest(kernel / "bundles" / bundle / MARKER).files}


def read_exam(kernel):
    return load_config(ExamConfig, str(kernel / "bundles" / "code" / "exam.yaml"), [], kernel)


def test_a_kernel_holds_what_the_notebook_needs_and_no_more(made):
    kernel = made()
    assert list(list_bundles(kernel)) == ["code", "wheels", "runs", "index"]
    assert places(kernel, "code") == {"code/exam.yaml", "code/science_exam-0.1.0-py3-none-any.whl"}
    assert places(kernel, "wheels") == {
        "wheels/bitsandbytes-0.50.2-py3-none-manylinux_2_24_x86_64.whl",
        "wheels/pystemmer-3.1.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "wheels/pystemmer-3.1.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    }
    records = {f"runs/small/fold0/{name}" for name in ("config.yaml", "inputs.json", "manifest.json")}
    adapter = {f"runs/small/fold0/adapter/adapter_{name}" for name in ("config.json", "model.safetensors")}
    base = {f"base/small/{name}" for name in ("config.json", "tokenizer.json", "model.safetensors")}
    assert places(kernel, "runs") == records | adapter | base
    lexical = {"config.yaml", "index.json", "inputs.json", "manifest.json", "shard-00000.postings"}
    passages = {"manifest.json", "part-00000-000000.parquet"}
    assert places(kernel, "index") == {f"index/wiki/lexical/{name}" for name in lexical} | {
        f"corpus/wiki/passages/{name}" for name in passages
    }


def test_bundles_are_flat_and_take_no_room_twice(made):
    folder = made() / "bundles" / "index"
    assert all(path.is_file() for path in folder.iterdir())
    postings = "shard-00000.postings"
    assert (folder / f"wiki__lexical__{postings}").samefile(INDEX / "lexical" / postings)


def test_the_restored_tree_is_read_like_the_runs_own_folder(made, tmp_path):
    kernel, tree = made(), tmp_path / "tree"
    for folder in list_bundles(kernel).values():
        restore_tree(folder, read_manifest(folder / MARKER), tree, set())
    exam = read_exam(kernel)
    assert exam.runs == ("runs/small/fold0",)
    settings = read_training(tree / exam.runs[0], str(tree / exam.base))
    assert settings.base.path == str(tree / "base" / "small")
    assert (tree / exam.retrieve.index / "lexical" / "index.json").is_file()
    assert (tree / exam.retrieve.corpus / "passages" / "manifest.json").is_file()


def test_a_base_that_is_not_the_runs_own_is_refused(made):
    (BASE / "model.safetensors").write_text("other weights")
    with pytest.raises(UserError, match="not the base"):
        made()


def test_all_finished_folds_answer_or_the_one_that_is_named(made):
    write_run(1)
    assert read_exam(made()).runs == ("runs/small/fold0", "runs/small/fold1")
    assert read_exam(made(runs=(f"{RUN}/fold1",), overwrite=True)).runs == ("runs/small/fold1",)


def test_a_run_is_not_named_twice(made):
    with pytest.raises(UserError, match="named twice"):
        made(runs=(str(RUN), f"{RUN}/fold0"))


def test_adapters_of_two_bases_do_not_answer_together(made):
    other = write_run(1, base=BaseConfig(path="models/other"))
    shutil.copytree(other, "data/runs/other/fold1")
    with pytest.raises(UserError, match="expected adapters of one base"):
        made(runs=(f"{RUN}/fold0", "data/runs/other"))


def test_folds_that_were_trained_differently_are_not_one_run(made):
    write_run(1, max_tokens=300)
    with pytest.raises(UserError, match=r"fold1: trained with other settings than .*fold0 \(max_tokens\)"):
        made()


def test_no_run_is_an_error(made):
    with pytest.raises(UserError, match="found none"):
        made(runs=())


def test_a_base_on_kaggle_is_not_uploaded(made):
    source = "owner/model/transformers/8b/1"
    kernel = made(base_source=source)
    assert not any(place.startswith("base/") for place in places(kernel, "runs"))
    assert read_exam(kernel).base == ""
    assert json.loads((kernel / "kernel-metadata.json").read_text())["model_sources"] == [source]


def test_a_run_that_was_trained_on_a_kaggle_model_names_it(made):
    write_run(0, base=BaseConfig(path="kaggle:owner/model/transformers/8b/1"))
    metadata = json.loads((made() / "kernel-metadata.json").read_text())
    assert metadata["model_sources"] == ["owner/model/transformers/8b/1"]


def test_a_large_base_is_not_uploaded_unasked(made, monkeypatch):
    monkeypatch.setattr(run_files, "MAX_BASE_BYTES", 10)
    with pytest.raises(UserError, match="base_source=owner/model"):
        made()


def test_closed_book_has_no_index_and_needs_no_stemmer(made):
    kernel = made(index="")
    assert list(list_bundles(kernel)) == ["code", "wheels", "runs"]
    assert len(places(kernel, "wheels")) == 1
    assert read_exam(kernel).retrieve.index == ""


def test_runs_that_read_no_contexts_get_no_index(made):
    write_run(0, max_contexts=0)
    assert "index" not in list_bundles(made())


def test_passages_are_found_as_the_runs_own_were(made):
    contexts = write_contexts(queries=("question",), k=7, lexical_weight=0.3, index="data/index/elsewhere")
    write_run(0, contexts=contexts)
    retrieve = read_exam(made()).retrieve
    assert (retrieve.queries, retrieve.k, retrieve.lexical_weight) == (("question",), 7, 0.3)
    assert retrieve.index == "index/wiki"


def test_a_weight_that_was_chosen_stays_chosen(made):
    write_run(0, contexts=write_contexts(tune=True, results={"lexical_weight": 0.65}))
    retrieve = read_exam(made()).retrieve
    assert (retrieve.tune, retrieve.lexical_weight) == (False, 0.65)


def test_runs_whose_contexts_came_about_differently_are_not_mixed(made):
    write_run(0, contexts=write_contexts(k=5))
    other = write_run(1, contexts=write_contexts(CONTEXTS.with_name("other"), k=6))
    shutil.copytree(other, "data/runs/other/fold1")
    with pytest.raises(UserError, match="retrieved with different settings"):
        made(runs=(f"{RUN}/fold0", "data/runs/other"))


def test_an_index_of_other_passages_is_refused(made):
    (CORPUS / "passages" / "manifest.json").write_text('{"outputs": {"part-00000-000000.parquet": 1}}')
    with pytest.raises(UserError, match="not made of the passages"):
        made()


def test_an_encoder_from_the_hub_travels_with_its_vectors(made):
    dense = INDEX / "dense"
    dense.mkdir()
    encoder = Path("models/encoder")
    (encoder / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "1_Pooling/config.json", "onnx.bin"):
        (encoder / name).write_text("encoder")
    settings = {"query_prompt": "", "passage_prompt": "", "max_tokens": 8, "precision": "float32"}
    (dense / "encoder.json").write_text(json.dumps({"name": str(encoder), **settings}))
    (dense / "inputs.json").write_text("{}")
    (dense / "manifest.json").write_text(json.dumps({"outputs": {"encoder.json": "", "inputs.json": ""}}))
    from science_exam.kaggle.packing.index_files import pack_retrieval

    packed = pack_retrieval(replace(plan_kernel(replace(CONFIG, index="")).exam.retrieve, index=str(INDEX)))
    carried = {place for place in packed.files if "/dense/encoder/" in place}
    prefix = "index/wiki/dense/encoder"
    assert carried == {f"{prefix}/{n}" for n in ("config.json", "model.safetensors", "1_Pooling/config.json")}
    assert packed.packages == ("pystemmer", "sentence-transformers", "faiss-cpu")


def test_the_same_again_writes_the_large_bundles_only_once(made):
    kernel = made()
    before = (kernel / "bundles" / "runs" / MARKER).stat().st_mtime_ns
    hashes = {name: (folder / MARKER).read_bytes() for name, folder in list_bundles(made()).items()}
    assert (kernel / "bundles" / "runs" / MARKER).stat().st_mtime_ns == before
    again = list_bundles(made(overwrite=True)).items()
    assert {name: (folder / MARKER).read_bytes() for name, folder in again} == hashes


def test_another_run_under_the_same_name_must_be_asked_for(made):
    made()
    write_run(1)
    with pytest.raises(UserError, match="overwrite=true"):
        made()


def test_what_is_in_no_large_bundle_changes_without_asking(made):
    made()
    changes = {"hours": 4, "views": 2, "owner": "me", "machine_shape": "None", "title": "Science Exam Test"}
    kernel = made(**changes)
    assert read_exam(kernel).hours == 4
    assert json.loads((kernel / "kernel-metadata.json").read_text())["machine_shape"] == "None"


def test_the_commit_is_written_down(made):
    assert isinstance(yaml.safe_load((made() / "bundles" / "code" / "exam.yaml").read_text())["commit"], str)


def test_flat_names_lose_the_bundles_own_folder_and_strange_signs():
    assert flatten_name("runs/demo/fold0/config.yaml", "runs") == "demo__fold0__config.yaml"
    assert flatten_name("base/small/a b+c.json", "runs") == "base__small__a-b-c.json"


def test_two_files_of_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"would both be a__b\.yaml"):
        write_bundle(NAME, "runs", {"runs/a/b.yaml": b"1", "runs/a__b.yaml": b"2"}, tmp_path / "runs")


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "runs"
    write_bundle(NAME, "runs", {"runs/a/config.yaml": b"a: 1", "runs/a/w.safetensors": b"w"}, folder)
    return folder


def test_a_sound_bundle_has_no_problems(bundle):
    assert check_bundle(bundle) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda folder: (folder / "a__w.safetensors").write_bytes(b"v"), "has other contents"),
        (lambda folder: (folder / "a__w.safetensors").unlink(), "is missing"),
        (lambda folder: (folder / "a__config.yaml").write_bytes(b""), "is empty"),
        (lambda folder: (folder / "notes.yaml").write_text("x"), "a stray file"),
        (lambda folder: (folder / "folder").mkdir(), "a stray folder"),
        (lambda folder: (folder / MARKER).unlink(), "expected the manifest"),
    ],
)
def test_a_spoilt_bundle_is_found(bundle, spoil, expected):
    spoil(bundle)
    assert any(expected in problem for problem in check_bundle(bundle))


def test_a_wheel_that_was_cut_off_is_found(tmp_path):
    write_bundle(NAME, "code", {"code/a-1-py3-none-any.whl": b"not all of it"}, tmp_path / "code")
    (tmp_path / "code" / "a-1-py3-none-any.whl").write_bytes(b"not all")
    [problem] = check_bundle(tmp_path / "code")
    assert "has 7 bytes instead of 13" in problem


def test_a_link_is_not_uploaded(bundle):
    (bundle / "a__w.safetensors").rename(bundle.parent / "elsewhere")
    (bundle / "a__w.safetensors").symlink_to(bundle.parent / "elsewhere")
    assert any("found a link" in problem for problem in check_bundle(bundle))


def test_kinds_of_files_that_are_not_allowed_are_found(tmp_path):
    write_bundle(NAME, "runs", {"runs/a/weights.pickle": b"x"}, tmp_path / "runs")
    assert any("not for upload" in problem for problem in check_bundle(tmp_path / "runs"))


def test_a_secret_in_a_bundle_is_found(tmp_path):
    text = b"token: KGAT" + b"_0123456789abcdefABCDEF"
    write_bundle(NAME, "runs", {"runs/a/config.yaml": text}, tmp_path / "runs")
    assert any("a Kaggle token" in problem for problem in check_bundle(tmp_path / "runs"))
