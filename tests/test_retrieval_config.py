"""Settings of the index, retrieve and search stages: what is refused, and with which words."""

import pytest

from science_exam.config import describe, load_config
from science_exam.errors import UserError
from science_exam.retrieval.config import EncoderConfig, IndexConfig, RetrieveConfig, SearchConfig


def load(kind, *words):
    return load_config(kind, None, list(words), None)


def test_words_become_settings():
    config = load(
        RetrieveConfig, "retriever=lexical", "queries=[question,each_option]", "k=3", "lexical_weight=1"
    )
    assert (config.retriever, config.queries, config.k, config.lexical_weight) == (
        "lexical", ("question", "each_option"), 3, 1.0
    )  # fmt: skip
    assert load(RetrieveConfig, "queries=each_option").queries == ("each_option",)


def test_the_encoders_settings_are_a_group():
    encoder = load(IndexConfig, "encoder.name=intfloat/e5-base-v2", "encoder.max_tokens=256").encoder
    assert encoder == EncoderConfig(name="intfloat/e5-base-v2", max_tokens=256)


def test_a_prompt_may_be_the_models_own_or_none_at_all():
    assert load(IndexConfig).encoder.query_prompt is None
    assert load(IndexConfig, "encoder.query_prompt=").encoder.query_prompt == ""
    assert load(IndexConfig, 'encoder.query_prompt="query: "').encoder.query_prompt == "query: "


def test_the_encoder_may_be_left_out():
    assert load(IndexConfig, "encoder.name=").encoder.name == ""


@pytest.mark.parametrize(
    ("kind", "word", "complaint"),
    [
        (RetrieveConfig, "queries=[question,options]", "all_options, each_option, found options"),
        (RetrieveConfig, "queries=[]", "queries: expected at least one of question, all_options"),
        (RetrieveConfig, "lexical_weight=1.5", "lexical_weight: expected 0 to 1, found 1.5"),
        (RetrieveConfig, "lexical_weight=-0.1", "lexical_weight: expected 0 to 1, found -0.1"),
        (RetrieveConfig, "lexical_weight=.nan", "lexical_weight: expected 0 to 1, found nan"),
        (RetrieveConfig, "k=0", "k: expected at least 1, found 0"),
        (RetrieveConfig, "depth=0", "depth: expected at least 1, found 0"),
        (RetrieveConfig, "rerank_depth=-1", "rerank_depth: expected at least 1, found -1"),
        (RetrieveConfig, "max_tokens=-1", "max_tokens: expected 0 or more, found -1"),
        (RetrieveConfig, "retriever=bm25", "expected one of fused, lexical, dense, tfidf, found 'bm25'"),
        (RetrieveConfig, "fusion=sum", "fusion: expected one of convex, reciprocal_rank, found 'sum'"),
        (RetrieveConfig, "k=many", "k: expected int, found 'many'"),
        (RetrieveConfig, "max_token=9", "did you mean 'max_tokens'?"),
        (IndexConfig, "shard_passages=0", "shard_passages: expected at least 1, found 0"),
        (IndexConfig, "approximate_gb=-1", "approximate_gb: expected 0 or more, found -1"),
        (IndexConfig, "encoder.max_tokens=-1", "encoder.max_tokens: expected 0 or more, found -1"),
        (IndexConfig, "encoder.precision=fp8", "encoder.precision: expected one of auto, float32"),
        (IndexConfig, "encoder.nam=x", "did you mean 'encoder.name'?"),
        (SearchConfig, "k=0", "k: expected at least 1, found 0"),
        (SearchConfig, "lexical_weight=2", "lexical_weight: expected 0 to 1, found 2"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_what_was_expected(kind, word, complaint):
    with pytest.raises(UserError) as caught:
        load(kind, word)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("word", ["lexical_weight=0", "lexical_weight=1", "max_tokens=0", "k=1", "depth=1"])
def test_the_borders_are_allowed(word):
    load(RetrieveConfig, word)


@pytest.mark.parametrize("kind", [IndexConfig, RetrieveConfig, SearchConfig])
def test_every_setting_is_explained(kind):
    lines = describe(kind).splitlines()
    assert [line for line in lines if not line.strip()] == []
