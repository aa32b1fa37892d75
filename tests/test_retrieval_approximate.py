"""An approximate index finds nearly what exact search finds, and survives kills and damage."""

import dataclasses
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from small_library import write_vectors

from science_exam.errors import UserError
from science_exam.retrieval import approximate, approximate_build
from science_exam.retrieval.approximate import ApproximateIndex, RandomRows
from science_exam.retrieval.approximate_build import build_approximate_index, draw_sample, group_shards
from science_exam.retrieval.exact import search_exact
from science_exam.retrieval.hits import NO_ROW
from science_exam.retrieval.index_plan import choose_index, list_plans, plan_inverted_file

DIM = 64
SIZES = (2_000, 0, 1_500, 2_500)
N_VECTORS = sum(SIZES)
KINDS = ["SQfp16", "RaBitQ2", "RaBitQ"]
FILES = ["index.faiss", "lists.ivfdata"]


def draw_clustered(n_vectors, seed):
    """Unit vectors around 300 centres, three parts of four in common with theirs."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((300, DIM))
    rng = np.random.default_rng(seed)
    vectors = 0.87 * centres[rng.integers(0, 300, n_vectors)] + 0.5 * rng.standard_normal((n_vectors, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def plan_kind(kind, n_vectors=N_VECTORS, dim=DIM):
    return next(plan for plan in list_plans(n_vectors, dim) if plan.factory.split(",")[-1] == kind)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write_vectors(tmp_path_factory.mktemp("vectors"), draw_clustered(N_VECTORS, seed=1), *SIZES)


@pytest.fixture(scope="module")
def built(shards, tmp_path_factory):
    """Folder of the finished index, by kind."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in KINDS}
    for kind, folder in folders.items():
        build_approximate_index(shards, plan_kind(kind), folder)
    return folders


@pytest.fixture
def copied(built, tmp_path):
    """An index that a test may damage."""
    return shutil.copytree(built["RaBitQ"], tmp_path / "index")


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(approximate_build, "PART_VECTORS", 1_000)


def read_files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# The plan


def test_up_to_two_million_vectors_every_one_is_compared():
    plan = choose_index(1_000_000, 384, 10**9)
    assert (plan.factory, plan.nlist, plan.nprobe, plan.refine_factor) == ("SQfp16", 0, 0, 0)
    assert (plan.bytes_per_vector, plan.total_bytes) == (768, 768_000_000)
    assert choose_index(1_953_125, 384, 10**11).factory == "SQfp16"  # 1.5 GB
    assert choose_index(1_953_126, 384, 10**11).factory.endswith(",RaBitQ2")


def test_fewer_vectors_get_codes_when_the_memory_is_short():
    plan = choose_index(1_000_000, 384, 767_999_999)
    assert plan.factory == "IVF4000,RaBitQ2"  # 4 sqrt(n)
    assert (plan.nlist, plan.nprobe, plan.refine_factor, plan.training_vectors) == (4_000, 250, 5, 200_000)
    # 48 bytes of signs, as many of second bits, 20 of factors, 8 of the row number; fp32 centroids
    assert plan.bytes_per_vector == 124
    assert plan.total_bytes == 1_000_000 * 124 + 4_000 * 384 * 4


@pytest.mark.parametrize(
    ("memory_bytes", "factory", "bytes_per_vector"),
    [
        (10**12, "IVF16384,RaBitQ2", 124),
        (40_000_000 * 124 + 16_384 * 384 * 4, "IVF16384,RaBitQ2", 124),
        (40_000_000 * 124 + 16_384 * 384 * 4 - 1, "IVF16384,RaBitQ", 64),
        (40_000_000 * 64 + 16_384 * 384 * 4, "IVF16384,RaBitQ", 64),
    ],
)
def test_many_vectors_get_the_best_codes_that_fit(memory_bytes, factory, bytes_per_vector):
    plan = choose_index(40_000_000, 384, memory_bytes)
    assert (plan.factory, plan.bytes_per_vector) == (factory, bytes_per_vector)
    assert plan.total_bytes <= memory_bytes
    assert (plan.nprobe, plan.training_vectors) == (1_024, 819_200)


def test_too_little_memory_names_what_would_do():
    with pytest.raises(
        UserError, match=r"does not fit into 2\.585 GB: IVF16384,RaBitQ2 4\.985 GB, "
    ) as error:
        choose_index(40_000_000, 384, 40_000_000 * 64 + 16_384 * 384 * 4 - 1)
    assert "IVF16384,RaBitQ 2.585 GB; allow more (approximate_gb=…)" in str(error.value)


@pytest.mark.parametrize("n_vectors", [1, 49, 50, 120, 1_000])
def test_few_vectors_have_few_clusters(n_vectors):
    plan = plan_kind("RaBitQ", n_vectors)
    assert plan.nlist == max(1, n_vectors // 50)
    assert plan.nprobe == min(plan.nlist, 8)
    assert plan.training_vectors <= n_vectors


@pytest.mark.parametrize("dim", [33, 64, 384, 768])
@pytest.mark.parametrize("kind", KINDS)
def test_bytes_of_a_plan_are_those_of_faiss(kind, dim):
    import faiss

    plan = plan_kind(kind, dim=dim)
    index = faiss.index_factory(dim, plan.factory, faiss.METRIC_INNER_PRODUCT)
    assert plan.bytes_per_vector == index.code_size + (8 if plan.nlist else 0)


# Search


@pytest.mark.parametrize("kind", KINDS)
def test_nine_of_ten_neighbours_are_found(shards, built, kind):
    queries = draw_clustered(200, seed=2)
    hits = ApproximateIndex.open(built[kind], shards).search(queries, 10)
    truth = search_exact(shards, queries, 10)
    found = [len(set(rows) & set(best)) for rows, best in zip(hits.rows, truth.rows, strict=True)]
    assert np.mean(found) / 10 >= (1 if kind == "SQfp16" else 0.9)
    assert hits.rows.dtype == np.int64
    assert hits.scores.dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_fp16_vectors(shards, built, kind):
    queries = draw_clustered(20, seed=3)
    hits = ApproximateIndex.open(built[kind], shards).search(queries, 7)
    vectors = np.concatenate([shards.load(number) for number in range(len(SIZES))]).astype(np.float32)
    np.testing.assert_allclose(hits.scores, np.einsum("qd,qkd->qk", queries, vectors[hits.rows]), atol=1e-6)
    assert (np.diff(hits.scores, axis=1) <= 0).all()


def test_with_all_clusters_and_candidates_it_is_exact_search(shards, built):
    index = ApproximateIndex.open(built["RaBitQ2"], shards)
    index.index.nprobe = index.plan.nlist
    index.plan = dataclasses.replace(index.plan, refine_factor=len(shards))
    queries = draw_clustered(3, seed=4)
    np.testing.assert_array_equal(index.search(queries, 25).rows, search_exact(shards, queries, 25).rows)


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_vectors_than_hits_are_filled_up(tmp_path, kind):
    few = write_vectors(tmp_path / "vectors", draw_clustered(30, seed=5), 10, 20)
    build_approximate_index(few, plan_kind(kind, 30), tmp_path / "index")
    hits = ApproximateIndex.open(tmp_path / "index", few).search(draw_clustered(4, seed=6), 40)
    assert hits.rows.shape == hits.scores.shape == (4, 40)
    assert (np.sort(hits.rows[:, :30]) == np.arange(30)).all()
    assert (hits.rows[:, 30:] == NO_ROW).all()
    assert (hits.scores[:, 30:] == -np.inf).all()


def test_equal_scores_are_ordered_by_row(tmp_path):
    vectors = draw_clustered(60, seed=7)
    vectors[[50, 7, 31]] = vectors[20]
    same = write_vectors(tmp_path / "vectors", vectors, 40, 20)
    build_approximate_index(same, plan_kind("RaBitQ", 60), tmp_path / "index")
    hits = ApproximateIndex.open(tmp_path / "index", same).search(vectors[20:21], 4)
    assert hits.rows.tolist() == [[7, 20, 31, 50]]


def test_results_do_not_depend_on_how_queries_are_cut(shards, built, monkeypatch):
    index, queries = ApproximateIndex.open(built["RaBitQ"], shards), draw_clustered(9, seed=8)
    whole = index.search(queries, 5)
    monkeypatch.setattr(approximate, "REFINED_BYTES", 2 * 200 * DIM * 4)  # two queries
    cut = index.search(queries, 5)
    np.testing.assert_array_equal(cut.rows, whole.rows)
    np.testing.assert_allclose(cut.scores, whole.scores, atol=1e-6)


def test_a_query_without_candidates_has_no_hits(shards, built, monkeypatch):
    index = ApproximateIndex.open(built["RaBitQ"], shards)
    nothing = np.full((2, 200), -1)
    index.index = SimpleNamespace(search=lambda queries, k: (np.zeros((2, 200)), nothing))
    hits = index.search(draw_clustered(2, seed=9), 3)
    assert hits.rows.tolist() == [[NO_ROW] * 3] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_query_has_no_hits(shards, built, kind):
    hits = ApproximateIndex.open(built[kind], shards).search(np.empty((0, DIM), dtype=np.float32), 3)
    assert hits.rows.shape == hits.scores.shape == (0, 3)


def test_rows_are_fetched_from_more_shards_than_may_be_open(tmp_path, monkeypatch):
    monkeypatch.setattr(approximate, "OPEN_SHARDS", 2)
    vectors = draw_clustered(500, seed=10)
    shards = write_vectors(tmp_path, vectors, 100, 0, 150, 150, 0, 100)
    reader = RandomRows(shards)
    for rows in ([0, 99, 100, 249, 250, 399, 400, 499], [3], [], list(range(500))):
        fetched = reader.fetch(np.array(rows, dtype=np.int64))
        np.testing.assert_array_equal(fetched, vectors[rows].astype(np.float16).astype(np.float32))


# Building


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads_and_parts(
    shards, built, tmp_path, small_parts
):
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        build_approximate_index(shards, plan_kind("RaBitQ2"), tmp_path)
    finally:
        faiss.omp_set_num_threads(threads)
    assert read_files(tmp_path) == read_files(built["RaBitQ2"])


def test_another_seed_gives_other_clusters(shards, built, tmp_path):
    build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path, seed=1)
    assert (tmp_path / "index.faiss").read_bytes() != (built["RaBitQ"] / "index.faiss").read_bytes()


@pytest.mark.parametrize("interrupted", ["_train", "_build_part", "_merge_parts", "_write_index"])
def test_a_build_that_was_interrupted_goes_on(shards, built, tmp_path, monkeypatch, small_parts, interrupted):
    work, calls = getattr(approximate_build, interrupted), []

    def stop_at_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2 or interrupted in {"_train", "_merge_parts"}:
            raise KeyboardInterrupt
        return work(*arguments)

    monkeypatch.setattr(approximate_build, interrupted, stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path)
    monkeypatch.setattr(approximate_build, interrupted, work)
    with pytest.raises(UserError, match="no finished index there; make it with: make index"):
        ApproximateIndex.open(tmp_path, shards)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/*.faiss")}
    seen = []

    def look(parts):
        seen.append({path: path.stat().st_mtime_ns for path in before})
        return parts

    build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path, progress=look)
    assert seen == [before]  # what was whole is kept
    assert read_files(tmp_path) == read_files(built["RaBitQ"])


def test_a_part_that_is_half_written_is_made_again(shards, built, tmp_path, monkeypatch, small_parts):
    import faiss

    write = faiss.write_index

    def break_off(index, path):
        write(index, path)
        if "part-00001" in path:
            raise KeyboardInterrupt

    monkeypatch.setattr(faiss, "write_index", break_off)
    with pytest.raises(KeyboardInterrupt):
        build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path)
    monkeypatch.setattr(faiss, "write_index", write)
    build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path)
    assert read_files(tmp_path) == read_files(built["RaBitQ"])


def test_a_finished_index_is_left_alone(shards, built, monkeypatch):
    monkeypatch.delattr(approximate_build, "_build_inverted_file")
    before = read_files(built["RaBitQ"])
    build_approximate_index(shards, plan_kind("RaBitQ"), built["RaBitQ"])
    assert read_files(built["RaBitQ"]) == before


def test_nothing_but_the_index_is_left(built):
    assert sorted(read_files(built["RaBitQ"])) == [*FILES[:1], "index.json", *FILES[1:], "recipe.json"]
    assert sorted(read_files(built["SQfp16"])) == ["index.json", "recipe.json"]


def test_an_index_says_nothing_of_where_it_was_made(built):
    for content in read_files(built["RaBitQ"]).values():
        assert str(built["RaBitQ"].parent).encode() not in content


def test_an_index_may_be_moved(shards, built, copied):
    queries = draw_clustered(5, seed=11)
    here, there = (ApproximateIndex.open(folder, shards) for folder in (built["RaBitQ"], copied))
    np.testing.assert_array_equal(here.search(queries, 5).rows, there.search(queries, 5).rows)


def test_a_folder_with_another_plan_or_seed_is_refused(shards, copied):
    for plan, seed in ((plan_kind("RaBitQ2"), 0), (plan_kind("RaBitQ"), 1)):
        with pytest.raises(UserError, match="holds an index of other vectors or another plan; delete it"):
            build_approximate_index(shards, plan, copied, seed)


def test_a_full_disk_is_told_before_it_happens(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1_000))
    with pytest.raises(UserError, match=r"the index takes [\d,]+ bytes more, the disk has 1,000; make room"):
        build_approximate_index(shards, plan_kind("RaBitQ"), tmp_path)


def test_shards_are_grouped_to_parts():
    assert group_shards([4, 4, 4, 4, 4], 8) == [range(2), range(2, 4), range(4, 5)]
    assert group_shards([0, 9, 1, 0], 8) == [range(2), range(2, 4)]
    assert group_shards([3], 8) == [range(1)]


def test_the_sample_takes_each_shard_at_its_share_and_no_vector_twice(shards):
    sample = draw_sample(shards, 1_200, seed=0)
    vectors = np.concatenate([shards.load(number) for number in range(len(SIZES))]).astype(np.float32)
    rows = [np.flatnonzero((vectors == vector).all(axis=1)).item() for vector in sample]
    assert len(set(rows)) == 1_200
    assert np.histogram(rows, bins=shards.starts[:1] + shards.starts[2:])[0].tolist() == [400, 300, 500]
    np.testing.assert_array_equal(sample, draw_sample(shards, 1_200, seed=0))


# Damage


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: b"", None])
def test_a_damaged_index_is_not_opened(shards, copied, name, change):
    if change:
        (copied / name).write_bytes(change((copied / name).read_bytes()))
    else:
        (copied / name).unlink()
    with pytest.raises(
        UserError, match=rf"{name}: the index is damaged .*; delete its folder and run make index"
    ):
        ApproximateIndex.open(copied, shards)


@pytest.mark.parametrize("place", [0, 40, -40])
def test_a_flipped_bit_of_the_centroids_is_seen(shards, copied, place):
    content = bytearray((copied / "index.faiss").read_bytes())
    content[place] ^= 1
    (copied / "index.faiss").write_bytes(content)
    with pytest.raises(UserError, match="the index is damaged"):
        ApproximateIndex.open(copied, shards)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_record_is_told(shards, copied, text):
    (copied / "index.json").write_text(text)
    with pytest.raises(UserError, match=r"index\.json: the index is damaged"):
        ApproximateIndex.open(copied, shards)


def test_a_damaged_recipe_is_told(shards, copied):
    (copied / "recipe.json").write_text("{")
    with pytest.raises(UserError, match="holds an index of other vectors or another plan"):
        build_approximate_index(shards, plan_kind("RaBitQ"), copied)


@pytest.mark.parametrize("sizes", [(6_000,), (3_000, 2_999)])
def test_other_vectors_than_it_was_made_of_are_refused(copied, tmp_path, sizes):
    other = write_vectors(tmp_path / "other", draw_clustered(sum(sizes), seed=12), *sizes)
    with pytest.raises(UserError, match="made of 6,000 vectors of 64 numbers, found"):
        ApproximateIndex.open(copied, other)


def test_the_record_holds_the_plan(built):
    record = json.loads((built["RaBitQ"] / "index.json").read_text())
    assert record["recipe"]["plan"] == dataclasses.asdict(plan_kind("RaBitQ"))
    assert plan_inverted_file("RaBitQ", 16, 20, N_VECTORS, DIM) == plan_kind("RaBitQ")
