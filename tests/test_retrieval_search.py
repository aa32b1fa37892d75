"""One index searched in several ways, and what is said when index and corpus do not fit."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_library import (
    ARTICLES,
    ASKED,
    build_library,
    list_hits,
    make_hits,
    make_questions,
    save_encoder,
    write_passages,
)

from science_exam.errors import UserError
from science_exam.retrieval.fusion import fuse_hits
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.queries import QUERY_FORMS
from science_exam.retrieval.search import (
    DENSE,
    LEXICAL,
    Ranking,
    find_passages,
    fuse_rankings,
    open_library,
    search_questions,
)

BOTH = (LEXICAL, DENSE)
INDEX = Path("data/index/tiny")
OPTIONS = ["blue sky", "red lava", "salt water", "green plants", "two cells"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A working folder with a corpus and its two indexes."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        build_library(save_encoder(folder / "encoder"))
    return folder


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def copy(made, tmp_path, monkeypatch):
    """A copy of the working folder that a test may damage, and the process in it."""
    shutil.copytree(made / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def library(here):
    return open_library(INDEX, BOTH)


# ------------------------------------------------------------------------------------- opening


def test_a_library_holds_the_passages_and_what_searches_them(library):
    assert list(library.indexes) == [LEXICAL, DENSE]
    titles = [
        title
        for number in range(len(library.store.parts))
        for title in library.store.read_part(number)["title"]
    ]
    assert titles == list(ARTICLES)
    assert len(library.store.parts) > 1


@pytest.mark.parametrize("kind", BOTH)
def test_only_the_kinds_that_are_wanted_are_opened(here, kind):
    assert list(open_library(INDEX, (kind,)).indexes) == [kind]


def test_an_index_without_vectors_is_searched_lexically(copy):
    shutil.rmtree(INDEX / DENSE)
    library = open_library(INDEX, BOTH)
    assert list(library.indexes) == [LEXICAL]
    found, _ = find_passages(library, ASKED[0], k=1, lexical_weight=0.4)
    assert found["title"].tolist() == ["Rayleigh scattering"]


def test_unfinished_vectors_are_refused_and_not_left_out(copy):
    (INDEX / DENSE / "manifest.json").unlink()
    with pytest.raises(
        UserError, match="dense: this run is not finished; run the command that makes it again"
    ):
        open_library(INDEX, BOTH)


def test_no_index_at_all_says_how_to_make_it(here):
    with pytest.raises(UserError, match="no finished lexical or dense index there; make it with: make index"):
        open_library(Path("data/index/other"), BOTH)


def test_an_index_without_the_kind_that_is_asked_for_is_refused(copy):
    shutil.rmtree(INDEX / DENSE)
    with pytest.raises(UserError, match="no finished dense index there"):
        open_library(INDEX, (DENSE,))


def test_a_corpus_that_has_moved_can_be_named(copy):
    Path("data/corpus/tiny").rename("elsewhere")
    with pytest.raises(UserError, match="no table there; make them with: make corpus"):
        open_library(INDEX, BOTH)
    assert len(open_library(INDEX, BOTH, corpus="elsewhere").store) == len(ARTICLES)


@pytest.mark.parametrize("kind", BOTH)
def test_another_corpus_is_refused(here, tmp_path, kind):
    write_passages(tmp_path / "other", ["one", "two", "three"])
    with pytest.raises(UserError) as caught:
        open_library(INDEX, (kind,), corpus=str(tmp_path / "other"))
    assert str(caught.value) == (
        f"{INDEX / kind}: made of other passages than those in {tmp_path}/other/passages; make it again "
        "with: make index (overwrite=true)"
    )


def damage_shortened_vectors():
    path = INDEX / DENSE / "part-00000001.npy"
    path.write_bytes(path.read_bytes()[:-2])


def damage_lost_vectors():
    (INDEX / DENSE / "part-00000000.npy").unlink()


def damage_all_vectors_lost():
    for path in (INDEX / DENSE).glob("*.npy"):
        path.unlink()


def damage_lost_settings_of_the_encoder():
    (INDEX / DENSE / "encoder.json").unlink()


def damage_lost_shard_of_the_lexical_index():
    next((INDEX / LEXICAL).glob("shard-*")).unlink()


def damage_shortened_shard_of_the_lexical_index():
    path = next((INDEX / LEXICAL).glob("shard-*"))
    path.write_bytes(path.read_bytes()[:-1])


def damage_unfinished_corpus():
    Path("data/corpus/tiny/passages/manifest.json").unlink()


DAMAGES = [function for name, function in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__[7:])
def test_what_is_damaged_is_named_with_the_command_that_mends_it(copy, damage):
    damage()
    with pytest.raises(UserError, match=r"^data/(index|corpus)/tiny/.*make (index|corpus)"):
        open_library(INDEX, BOTH)


# ----------------------------------------------------------------------------------- searching


@pytest.fixture
def questions():
    return make_questions(*ASKED, options=OPTIONS)


def test_each_kind_and_form_has_its_ranking(library, questions):
    rankings = search_questions(library.indexes, questions, QUERY_FORMS, depth=5)
    assert [(r.kind, r.form) for r in rankings] == [(kind, form) for kind in BOTH for form in QUERY_FORMS]
    assert all(r.hits.rows.shape == (len(ASKED), 5) for r in rankings)


def test_forms_searched_together_are_ranked_as_each_by_itself(library, questions):
    together = search_questions(library.indexes, questions, QUERY_FORMS, depth=5)
    alone = [
        ranking
        for kind in BOTH
        for form in QUERY_FORMS
        for ranking in search_questions({kind: library.indexes[kind]}, questions, [form], depth=5)
    ]
    for a, b in zip(together, alone, strict=True):
        assert (a.kind, a.form) == (b.kind, b.form)
        np.testing.assert_array_equal(a.hits.rows, b.hits.rows)
        np.testing.assert_allclose(a.hits.scores, b.hits.scores, atol=1e-5)


def test_a_question_is_ranked_the_same_in_any_company(library, questions):
    together = search_questions(library.indexes, questions, QUERY_FORMS, depth=5)
    for number in (0, 3, 7):
        own = search_questions(library.indexes, questions.iloc[number : number + 1], QUERY_FORMS, depth=5)
        for a, b in zip(together, own, strict=True):
            np.testing.assert_array_equal(a.hits.rows[number], b.hits.rows[0])


def test_each_option_counts_by_its_best_query(library, questions):
    (ranking,) = search_questions({LEXICAL: library.indexes[LEXICAL]}, questions, ["each_option"], depth=8)
    flat = [f"{ASKED[0]} {option}" for option in OPTIONS]
    scores = library.indexes[LEXICAL].search(flat, 8)
    best = {}
    for row, score in zip(scores.rows.ravel().tolist(), scores.scores.ravel().tolist(), strict=True):
        if row != NO_ROW:
            best[row] = max(score, best.get(row, 0))
    found = dict(zip(ranking.hits.rows[0].tolist(), ranking.hits.scores[0].tolist(), strict=True))
    found.pop(NO_ROW, None)
    assert found == pytest.approx(best)


def test_depth_is_how_many_are_looked_at(library, questions):
    for ranking in search_questions(library.indexes, questions, ["question"], depth=2):
        assert ranking.hits.rows.shape == (len(ASKED), 2)


# -------------------------------------------------------------------------------------- fusing

A, B, C = [(1, 3), (2, 2), (3, 1)], [(2, 9), (4, 1)], [(5, 4), (1, 2)]


def test_the_forms_of_one_kind_share_its_weight():
    rankings = [
        Ranking(LEXICAL, "question", make_hits(A)),
        Ranking(LEXICAL, "all_options", make_hits(C)),
        Ranking(DENSE, "question", make_hits(B)),
        Ranking(DENSE, "all_options", make_hits(B)),
    ]
    fused = fuse_rankings(rankings, lexical_weight=0.6, k=9)
    # Lexical .3 each: 1 gets .3 · 1 + .3 · 0, 2 .3 · .5, 5 .3 · 1; dense .2 each: 2 gets .4, 4 nothing.
    assert list_hits(fused) == [[2, 1, 5, 3, 4]]
    np.testing.assert_allclose(fused.scores[0][:5], [0.55, 0.3, 0.3, 0, 0], atol=1e-6)


def test_a_single_kind_takes_all_the_weight():
    rankings = [Ranking(LEXICAL, "question", make_hits(A)), Ranking(LEXICAL, "all_options", make_hits(C))]
    expected = fuse_hits([make_hits(A), make_hits(C)], [1, 1], 9)
    for weight in (0, 0.4, 1):
        fused = fuse_rankings(rankings, weight, 9)
        np.testing.assert_array_equal(fused.rows, expected.rows)
        np.testing.assert_array_equal(fused.scores, expected.scores)


RANKED = st.dictionaries(st.integers(0, 12), st.integers(-9, 9), max_size=8).map(
    lambda scores: sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
)
WHOLE_WEIGHT = pytest.mark.parametrize(("weight", "kept"), [(1, LEXICAL), (0, DENSE)])


@WHOLE_WEIGHT
@pytest.mark.parametrize("method", ["convex", "reciprocal_rank"])
@settings(deadline=None)
@given(lexical=RANKED, dense=RANKED)
def test_the_whole_weight_on_one_kind_is_its_order_alone(weight, kept, method, lexical, dense):
    lists = {LEXICAL: lexical, DENSE: dense}
    rankings = [Ranking(kind, "question", make_hits(pairs, k=8)) for kind, pairs in lists.items()]
    assert list_hits(fuse_rankings(rankings, weight, 8, method)) == [[row for row, _ in lists[kept]]]


def test_the_method_is_passed_on():
    rankings = [Ranking(LEXICAL, "question", make_hits(A)), Ranking(DENSE, "question", make_hits(B))]
    fused = fuse_rankings(rankings, 0.5, 2, "reciprocal_rank")
    assert list_hits(fused) == [[2, 1]]
    np.testing.assert_allclose(fused.scores, [[0.5 / 12 + 0.5 / 11, 0.5 / 11]], atol=1e-6)


# --------------------------------------------------------------------------------- one question


@pytest.mark.parametrize(("question", "title"), list(zip(ASKED, ARTICLES, strict=True)))
def test_a_question_finds_its_article(library, question, title):
    found, scores = find_passages(library, question, k=3, lexical_weight=0.9)
    assert found["title"].iloc[0] == title
    assert found["text"].iloc[0].startswith(f"{title}\n")
    assert len(found) == len(scores) == 3
    assert scores == sorted(scores, reverse=True)


def test_passages_and_scores_are_those_of_the_fusion(library):
    rankings = search_questions(library.indexes, make_questions(ASKED[2]), ["question"], depth=100)
    fused = fuse_rankings(rankings, 0.3, 4)
    found, scores = find_passages(library, ASKED[2], k=4, lexical_weight=0.3)
    assert found.index.tolist() == fused.rows[0].tolist()
    assert scores == pytest.approx(fused.scores[0].tolist(), abs=1e-5)


def test_nothing_found_is_an_empty_table(here):
    found, scores = find_passages(open_library(INDEX, (LEXICAL,)), "xylophone", k=3, lexical_weight=0.4)
    assert isinstance(found, pd.DataFrame)
    assert found.empty
    assert scores == []
