"""Encoding a corpus: a shard a part, and the same bytes however often it was interrupted."""

import multiprocessing
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from process_server import SERVER, start
from small_library import DIM, save_encoder, write_passages

from science_exam.retrieval import dense, encoder_loading
from science_exam.retrieval.dense import ENCODER_FILE, encode_corpus, settle_encoder
from science_exam.retrieval.encoder import EncoderSettings
from science_exam.retrieval.encoder_loading import reload_encoder
from science_exam.retrieval.passages import PassageStore
from science_exam.retrieval.vectors import VectorShards

PARTS = [
    ["Ice melts.", "Neutrinos hardly interact with anything.", "", "Osmosis " * 90],
    [],
    ["p = mv", "Enzymes lower the activation energy."],
    ["The blue whale is a mammal."],
    ["Ice melts.", "Basalt is a rock.", "Quartz is a mineral."],
]
TEXTS = [text for texts in PARTS for text in texts]


@pytest.fixture(autouse=True)
def no_model_in_memory():
    encoder_loading._load_model.cache_clear()


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> EncoderSettings:
    name = save_encoder(tmp_path_factory.mktemp("encoder"))
    return EncoderSettings(
        name, query_prompt="ask: ", passage_prompt="told: ", max_tokens=40, precision="float32"
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> PassageStore:
    return write_passages(tmp_path_factory.mktemp("corpus"), *PARTS)


@pytest.fixture(scope="module")
def expected(tmp_path_factory, store, settings) -> dict[str, bytes]:
    """The files of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    encode_corpus(store, folder, settings)
    return read_files(folder)


def read_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stamp_files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}


# --------------------------------------------------------------------------------------- whole


def test_every_passage_has_its_vector_and_every_part_its_shard(tmp_path, store, settings):
    encode_corpus(store, tmp_path, settings)
    shards = VectorShards(tmp_path)
    assert shards.sizes == store.sizes == [len(part) for part in PARTS]
    assert shards.dim == DIM
    expected = reload_encoder(settings, "cpu").encode_passages(TEXTS)
    found = np.concatenate([shards.load(number) for number in range(len(PARTS))])
    np.testing.assert_allclose(found, expected, atol=1e-3)  # half precision


def test_passages_are_encoded_with_the_passages_prompt(tmp_path, store, settings):
    encode_corpus(store, tmp_path, settings)
    plain = reload_encoder(replace(settings, passage_prompt=""), "cpu")
    expected = plain.encode_passages([f"told: {text}" for text in PARTS[2]])
    np.testing.assert_allclose(VectorShards(tmp_path).load(2), expected, atol=1e-3)


def test_the_settings_lie_beside_the_vectors(tmp_path, store, settings):
    encode_corpus(store, tmp_path, settings)
    assert EncoderSettings.read(tmp_path / ENCODER_FILE) == settings
    assert {path.name for path in tmp_path.iterdir()} == {
        "encoder.json", *(f"part-{number:08d}.npy" for number in range(len(PARTS)))
    }  # fmt: skip


def test_every_passage_is_reported_once(tmp_path, store, settings):
    reported = []
    encode_corpus(store, tmp_path, settings, report=reported.append)
    assert sum(reported) == len(TEXTS)


def test_a_corpus_without_passages_has_no_vectors(tmp_path, settings):
    encode_corpus(write_passages(tmp_path / "corpus", []), tmp_path / "dense", settings)
    assert len(VectorShards(tmp_path / "dense")) == 0


# --------------------------------------------------------------------------------- interrupted


@pytest.mark.parametrize("n_done", range(len(PARTS)))
def test_interrupted_after_any_part_it_ends_with_the_same_bytes(
    tmp_path, store, settings, expected, monkeypatch, n_done
):
    written = []

    def write_some(vectors, path):
        if len(written) == n_done:
            raise KeyboardInterrupt
        written.append(path.name)
        write_shard(vectors, path)

    write_shard = dense.write_shard
    with monkeypatch.context() as patch:
        patch.setattr(dense, "write_shard", write_some)
        with pytest.raises(KeyboardInterrupt):
            encode_corpus(store, tmp_path, settings)
    before = stamp_files(tmp_path)
    assert sorted(before) == written

    reported = []
    encode_corpus(store, tmp_path, settings, report=reported.append)
    assert read_files(tmp_path) == expected
    assert sum(reported) == len(TEXTS)
    assert reported[0] == sum(len(part) for part in PARTS[:n_done])
    after = stamp_files(tmp_path)
    assert {name: after[name] for name in before} == before  # finished parts are not made again


def test_a_finished_corpus_is_not_encoded_again(tmp_path, store, settings, monkeypatch):
    encode_corpus(store, tmp_path, settings)
    before = stamp_files(tmp_path)
    monkeypatch.setattr(dense, "reload_encoder", None)  # not even loaded
    reported = []
    encode_corpus(store, tmp_path, settings, report=reported.append)
    assert stamp_files(tmp_path) == before
    assert reported == [len(TEXTS)]


@pytest.mark.parametrize("kept_bytes", [0, 60, -1])
def test_a_damaged_shard_is_made_again(tmp_path, store, settings, expected, kept_bytes):
    encode_corpus(store, tmp_path, settings)
    damaged = tmp_path / "part-00000002.npy"
    damaged.write_bytes(damaged.read_bytes()[:kept_bytes])
    encode_corpus(store, tmp_path, settings)
    assert read_files(tmp_path) == expected


def test_a_shard_with_another_number_of_rows_is_made_again(tmp_path, store, settings, expected):
    encode_corpus(store, tmp_path, settings)
    (tmp_path / "part-00000002.npy").write_bytes((tmp_path / "part-00000003.npy").read_bytes())
    encode_corpus(store, tmp_path, settings)
    assert read_files(tmp_path) == expected


def encode_slowly(corpus, folder, settings):
    """Encode with a pause before every shard."""

    def write_slowly(vectors, path):
        time.sleep(0.3)
        write_shard(vectors, path)

    write_shard, dense.write_shard = dense.write_shard, write_slowly
    encode_corpus(PassageStore(corpus), folder, settings)


@pytest.mark.slow
def test_killed_by_the_system_it_ends_with_the_same_bytes(tmp_path, store, settings, expected):
    corpus, folder = store.parts[0].parent, tmp_path / "dense"
    process = start(encode_slowly, corpus, folder, settings, log=tmp_path / "log.txt")
    while not (folder / "part-00000001.npy").exists():
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (folder / "part-00000004.npy").exists()
    encode_corpus(store, folder, settings)
    assert read_files(folder) == expected


# ------------------------------------------------------------------------------------ settings


@pytest.fixture
def settle(settings, tmp_path, monkeypatch):
    """Settle the encoder of a folder on a machine where one precision is the faster."""

    def settle(faster, **changes):
        def measure(model):
            return 1 if str(next(model.parameters()).dtype) == f"torch.{faster}" else 2

        monkeypatch.setattr(encoder_loading, "_time_batch", measure)
        asked = {"query_prompt": None, "passage_prompt": None, "max_tokens": 0, "precision": "auto"}
        return settle_encoder(tmp_path, settings.name, **{**asked, **changes})

    return settle


def test_a_new_folder_gets_the_settings_that_are_asked_for(settle, settings):
    assert settle("float32") == EncoderSettings(settings.name, "", "", 64, "float32")
    asked = {"query_prompt": "ask: ", "passage_prompt": "told: ", "max_tokens": 40, "precision": "float32"}
    assert settle("bfloat16", **asked) == settings


def test_a_folder_keeps_the_precision_it_was_begun_with(settle, store, tmp_path):
    begun = settle("bfloat16")
    assert begun.precision == "bfloat16"
    encode_corpus(store, tmp_path, begun)
    assert settle("float32") == begun  # resumed on another machine


# ------------------------------------------------------------------------------ several devices


@pytest.mark.slow
def test_one_encoder_a_gpu_gives_the_same_vectors(tmp_path, store, settings, expected, monkeypatch):
    # Two processes, as with two GPUs; each finds none of its own and encodes on the CPU.
    monkeypatch.setattr(multiprocessing, "get_context", lambda method: SERVER)
    monkeypatch.setattr(dense, "list_gpus", lambda: ["cuda:0", "cuda:1"])
    monkeypatch.setattr(dense, "PARTS_A_SHARE", 2)
    reported = []
    encode_corpus(store, tmp_path, settings, report=reported.append)
    assert read_files(tmp_path) == expected
    assert sum(reported) == len(TEXTS)


@pytest.mark.slow
def test_a_cluster_gives_the_same_vectors(tmp_path, store, settings, expected, monkeypatch, ray_cluster):
    asked = []

    def run_without_gpus(*arguments, gpus_a_task):
        asked.append(gpus_a_task)
        return run_tasks(*arguments)

    run_tasks = dense.run_tasks
    monkeypatch.setattr(dense, "run_tasks", run_without_gpus)
    reported = []
    encode_corpus(store, tmp_path, settings, cluster=True, report=reported.append)
    assert read_files(tmp_path) == expected
    assert sum(reported) == len(TEXTS)
    assert asked == [1]  # one encoder, one GPU
