"""Articles -> passages by parts: what is written, what is left out, and what an interruption leaves."""

import random
from contextlib import contextmanager

import pandas as pd
import pytest

from science_exam.corpus import splitting
from science_exam.corpus.articles import Article, Section, tabulate_articles
from science_exam.corpus.passages import split_article
from science_exam.corpus.splitting import split_parts
from science_exam.errors import UserError
from science_exam.overlap import measure_overlap, word_triples
from science_exam.tables import ARTICLES, PASSAGES, REPEATED, read_table, write_table

SETTINGS = {"max_tokens": 60, "overlap_tokens": 10, "tokenizer": "", "near_duplicate": 0.8}


def invent_text(seed, n_sentences=12):
    generator = random.Random(seed)
    sentences = (" ".join(f"w{generator.randrange(10**6)}" for _ in range(9)) for _ in range(n_sentences))
    return " ".join(f"{sentence.capitalize()}." for sentence in sentences)


def make_article(number, text=None, **changes):
    sections = (Section("", text or invent_text(number)), Section("Uses", invent_text(number + 0.5, 3)))
    values = {"article_id": f"s:{number}", "title": "Title", "sections": sections, "source": "s"}
    return Article(**{**values, **changes})


def short_article(number, text, **changes):
    """An article of one passage."""
    return make_article(number, sections=(Section("", text),), **changes)


PARTS = [[make_article(number) for number in numbers] for numbers in ([1, 2, 3], [4], [5, 6])]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "passages"


@pytest.fixture
def write_parts(tmp_path):
    def write(parts):
        paths = [tmp_path / "articles" / f"part-00000-{n:06d}.parquet" for n in range(len(parts))]
        for articles, path in zip(parts, paths, strict=True):
            write_table(tabulate_articles(articles), ARTICLES, path)
        return paths

    return write


def split(paths, folder, n_workers=1, cluster=False, progress=iter, **changes):
    return split_parts(
        paths, folder, **{**SETTINGS, **changes}, n_workers=n_workers, cluster=cluster, progress=progress
    )


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_parts(folder):
    return pd.concat(
        [read_table(PASSAGES, path) for path in sorted(folder.glob("part-*.parquet"))], ignore_index=True
    )


def passages_of(parts):
    return [
        passage for articles in parts for article in articles for passage in split_article(article, 60, 10)
    ]


# ----------------------------------------------------------------------------- what is written


def test_every_part_of_articles_becomes_a_part_of_passages_and_nothing_else_stays(write_parts, folder):
    paths = write_parts(PARTS)
    counts = split(paths, folder)
    assert sorted(tree(folder)) == [*(path.name for path in paths), "repeated.parquet"]
    assert list(folder.iterdir()) and not (folder / "split").exists()
    for articles, path in zip(PARTS, paths, strict=True):
        expected = passages_of([articles])
        table = read_table(PASSAGES, folder / path.name)
        assert table.to_dict("records") == [vars(passage) for passage in expected]
    assert counts == {"passages": len(passages_of(PARTS)), "repeated": 0}
    assert len(read_table(REPEATED, folder / "repeated.parquet")) == 0


def test_the_tokenizer_that_is_asked_for_counts(write_parts, folder, monkeypatch):
    asked = []

    def count_characters(tokenizer):
        asked.append(tokenizer)
        return len

    monkeypatch.setattr(splitting, "_load_counter", count_characters)
    split(write_parts([[short_article(1, "Ice melts.", title="Ice")]]), folder, tokenizer="some/base")
    assert asked == ["some/base"]
    assert read_parts(folder)["n_tokens"].tolist() == [3 + 10]


def test_the_progress_sees_every_part(write_parts, folder):
    seen = []
    split(write_parts(PARTS), folder, progress=lambda parts: (seen.append(part) or part for part in parts))
    assert len(seen) == 3


def test_parts_without_articles_are_empty_and_count_no_rows(write_parts, folder):
    text = invent_text(0, 4)
    parts = [[], [short_article(1, text)], [], [short_article(2, text)], []]
    assert split(write_parts(parts), folder) == {"passages": 1, "repeated": 1}
    sizes = [len(read_table(PASSAGES, path)) for path in sorted(folder.glob("part-*.parquet"))]
    assert sizes == [0, 1, 0, 0, 0]
    assert read_table(REPEATED, folder / "repeated.parquet")["row"].tolist() == [1]


def test_articles_without_any_text_make_no_passages(write_parts, folder):
    parts = [[make_article(1, sections=())], [short_article(2, " ")]]
    assert split(write_parts(parts), folder) == {"passages": 0, "repeated": 0}


def test_a_part_that_is_no_articles_table_is_named(write_parts, folder):
    paths = write_parts(PARTS)
    paths[1].write_bytes(b"PAR1 half a file")
    with pytest.raises(UserError, match=r"part-00000-000001\.parquet: expected a Parquet file"):
        split(paths, folder)


# ------------------------------------------------------------------------------- repeated ones


def test_passages_that_repeat_an_earlier_one_are_left_out_and_listed(write_parts, folder):
    # Part 0: rows 0 and 1; part 1: rows 2 (repeats 0) and 3; part 2: rows 4 (repeats 3) and 5 (repeats 0).
    one, other = invent_text("one", 5), invent_text("other", 5)
    changed = one.replace(one.split()[20], "Changed")
    parts = [
        [short_article(0, one), short_article(1, invent_text("a", 5))],
        [short_article(2, changed), short_article(3, other)],
        [short_article(4, f"{other} More."), short_article(5, one)],
    ]
    all_passages = passages_of(parts)
    assert len(all_passages) == 6
    overlap = measure_overlap(word_triples(all_passages[0].text), word_triples(all_passages[2].text))
    assert 0.8 < overlap < 1

    assert split(write_parts(parts), folder) == {"passages": 3, "repeated": 3}
    kept = [read_table(PASSAGES, path) for path in sorted(folder.glob("part-*.parquet"))]
    assert [table["article_id"].tolist() for table in kept] == [["s:0", "s:1"], ["s:3"], []]
    assert pd.concat(kept).to_dict("records") == [vars(all_passages[row]) for row in (0, 1, 3)]

    repeated = read_table(REPEATED, folder / "repeated.parquet")
    ids = [passage.passage_id for passage in all_passages]
    assert repeated.to_dict("records") == [
        {"row": 2, "passage_id": ids[2], "article_id": "s:2", "kept_id": ids[0]},
        {"row": 4, "passage_id": ids[4], "article_id": "s:4", "kept_id": ids[3]},
        {"row": 5, "passage_id": ids[5], "article_id": "s:5", "kept_id": ids[0]},
    ]


def test_the_threshold_decides_and_0_keeps_all(write_parts, folder, tmp_path):
    one = invent_text("one", 5)
    changed = one.replace(one.split()[20], "Changed")  # 3 of 44 triples: 41 of 47
    paths = write_parts([[short_article(0, one)], [short_article(1, changed)], [short_article(2, one)]])
    for threshold, n_repeated in {0.5: 2, 0.8: 2, 0.9: 1, 1: 1, 0: 0}.items():
        counts = split(paths, tmp_path / str(threshold), near_duplicate=threshold)
        assert counts == {"passages": 3 - n_repeated, "repeated": n_repeated}, threshold
    assert sorted(path.name for path in (tmp_path / "0").iterdir()) == sorted(
        [*(path.name for path in paths), "repeated.parquet"]
    )


def test_without_a_threshold_nothing_is_signed(write_parts, folder, monkeypatch):
    monkeypatch.setattr(splitting, "BANDING", None)
    split(write_parts(PARTS), folder, near_duplicate=0)


def test_the_same_passage_twice_in_a_part_is_one_row(write_parts, folder):
    # Of two articles with the same title, and of one section that says the same again and again.
    text = invent_text("one", 5)
    twice = [short_article(1, text), short_article(2, text)]
    again = short_article(3, " ".join(["Fact one is here now and always."] * 40))
    assert split(write_parts([[*twice, again]]), folder, near_duplicate=0)["repeated"] == 0
    table = read_parts(folder)
    assert table["passage_id"].is_unique
    assert table["article_id"].tolist().count("s:1") == 1
    assert table["article_id"].tolist().count("s:2") == 0


def test_the_same_passage_in_two_parts_is_repeated_by_itself(write_parts, folder):
    # The same article in two sources, or twice in one.
    text = invent_text("one", 5)
    parts = [[short_article(1, text)], [short_article(2, text)]]
    assert split(write_parts(parts), folder) == {"passages": 1, "repeated": 1}
    [row] = read_table(REPEATED, folder / "repeated.parquet").to_dict("records")
    assert row["passage_id"] == row["kept_id"] == read_parts(folder)["passage_id"][0]


# -------------------------------------------------------------------------------- how it runs

REPEATING = [*PARTS, [make_article(7, invent_text(2)), make_article(8)], [make_article(9)]]


def test_two_processes_write_the_same_files_as_one(write_parts, folder, tmp_path):
    paths = write_parts(REPEATING)
    counts = split(paths, folder)
    assert counts["repeated"] > 0
    assert split(paths, tmp_path / "two", n_workers=2) == counts
    assert tree(tmp_path / "two") == tree(folder)


@pytest.mark.slow
def test_a_cluster_writes_the_same_files_as_one_process(write_parts, folder, tmp_path, ray_cluster):
    paths = write_parts(REPEATING)
    counts = split(paths, folder)
    assert split(paths, tmp_path / "ray", cluster=True) == counts
    assert tree(tmp_path / "ray") == tree(folder)


class Interrupted(BaseException):
    """Stands for a kill: nothing in the package catches it."""


def interrupt(monkeypatch, name, call):
    """Have the `call`-th call of a function of `splitting` be interrupted."""
    real, calls = getattr(splitting, name), []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == call:
            raise Interrupted
        return real(*arguments, **options)

    monkeypatch.setattr(splitting, name, interrupted)


# Five parts: each has its signatures and its passages written; then the list; then the final parts.
MOMENTS = [
    ("split_article", 1),  # in the first article
    ("split_article", 8),  # in the last part
    ("_write_array", 3),  # before the signatures of a part
    ("write_table", 3),  # between them and its passages
    ("_list_repeated", 1),  # all parts split
    ("find_repeated", 1),
    ("write_table", 6),  # before the list is written
    ("_keep_rest", 1),  # and behind that
    ("whole_file", 6),  # before the first final part (five are of signatures)
    ("whole_file", 9),  # before the one that loses rows
]


@pytest.mark.parametrize(("name", "call"), MOMENTS)
def test_after_an_interruption_the_same_command_makes_the_same_files(
    write_parts, folder, tmp_path, monkeypatch, name, call
):
    paths = write_parts(REPEATING)
    counts = split(paths, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt(patch, name, call)
        with pytest.raises(Interrupted):
            split(paths, folder)
    assert split(paths, folder) == counts
    assert tree(folder) == tree(tmp_path / "whole")


@pytest.mark.parametrize("call", [6, 9, 10])
def test_a_kill_between_writing_a_file_and_naming_it_leaves_nothing_behind(
    write_parts, folder, tmp_path, monkeypatch, call
):
    paths = write_parts(REPEATING)
    counts = split(paths, tmp_path / "whole")
    real, calls = splitting.whole_file, []

    @contextmanager
    def killed(path):
        calls.append(path)
        with real(path) as partial:
            yield partial
            if len(calls) == call:
                raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(splitting, "whole_file", killed)
        with pytest.raises(Interrupted):
            split(paths, folder)
    assert list(folder.glob("*.partial"))
    assert split(paths, folder) == counts
    assert tree(folder) == tree(tmp_path / "whole")


@pytest.mark.parametrize("n_deleted", [0, 3])
def test_a_kill_while_it_clears_up_or_before_its_run_is_closed_is_made_good(
    write_parts, folder, tmp_path, monkeypatch, n_deleted
):
    # The hashes that close a run of a large corpus take minutes.
    paths = write_parts(REPEATING)
    counts = split(paths, tmp_path / "whole")

    def killed(split_folder, **_):
        for path in sorted(split_folder.iterdir())[:n_deleted]:
            path.unlink()
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(splitting.shutil, "rmtree", killed)
        with pytest.raises(Interrupted):
            split(paths, folder)
    assert split(paths, folder) == counts
    assert tree(folder) == tree(tmp_path / "whole")


def test_what_is_done_is_not_done_again(write_parts, folder, monkeypatch):
    paths = write_parts(REPEATING)
    counts, before = split(paths, folder), tree(folder)
    monkeypatch.setattr(splitting, "run_tasks", None)
    assert split(paths, folder) == counts
    assert tree(folder) == before


@pytest.mark.parametrize(
    "lost", ["part-00000-000000.parquet", "part-00000-000003.parquet", "repeated.parquet"]
)
def test_a_file_that_was_lost_is_made_again(write_parts, folder, lost):
    paths = write_parts(REPEATING)
    counts, before = split(paths, folder), tree(folder)
    (folder / lost).unlink()
    assert split(paths, folder) == counts
    assert tree(folder) == before
