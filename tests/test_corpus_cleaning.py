"""Sources -> articles: parts, counts, what an interruption leaves, and what a damaged source does."""

import bz2
import json
import signal
import time

import pandas as pd
import pytest
from small_dumps import write

from science_exam.corpus import cleaning
from science_exam.corpus.articles import restore_articles
from science_exam.corpus.cleaning import clean_sources
from science_exam.corpus.filters import ArticleFilter
from science_exam.errors import UserError
from science_exam.runs import MANIFEST
from science_exam.tables import ARTICLES, list_parts, read_table

BLOCK_BYTES = 1000  # about six of the pages below


def make_line(number, **changes):
    text = " ".join(f"word{number * step % 101}" for step in range(1, 25))
    page = {"id": number, "title": f"Page {number}", "text": f"{text.capitalize()}."}
    return json.dumps({**page, **changes}, ensure_ascii=False) + "\n"


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "pages.jsonl", "".join(map(make_line, range(30))))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "articles"


def clean(sources, folder, block_bytes=BLOCK_BYTES, n_workers=1, article_filter=None, **options):
    sources = sources if isinstance(sources, list) else [sources]
    return clean_sources(
        sources, folder, article_filter or ArticleFilter(), block_bytes, n_workers, **options
    )


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def parts_of(folder):
    return sorted(path.name for path in folder.glob("part-*"))


def read_articles(folder):
    return [a for part in parts_of(folder) for a in restore_articles(read_table(ARTICLES, folder / part))]


def compress(source):
    """Streams of ten pages each: where the last is cut off, those before it can be read."""
    lines = source.read_bytes().splitlines(keepends=True)
    return b"".join(bz2.compress(b"".join(lines[start : start + 10])) for start in (0, 10, 20))


def interrupt(monkeypatch, name, call):
    """Have the `call`-th call of a function of `cleaning` be interrupted; returns where calls are noted."""
    real, calls = getattr(cleaning, name), []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(cleaning, name, interrupted)
    return calls


# ----------------------------------------------------------------------------- what is written


def test_every_block_becomes_a_part_and_beside_it_its_counts(source, folder):
    counts = clean(source, folder)
    n_parts = len(parts_of(folder))
    assert n_parts > 4
    assert parts_of(folder) == [f"part-00000-{number:06d}.parquet" for number in range(n_parts)]
    assert sorted(tree(folder)) == sorted(
        [*parts_of(folder), *(f"counts-00000-{number:06d}.json" for number in range(n_parts))]
    )
    assert counts == {"pages": 30, "articles": 30, "kept": 30}
    each = [json.loads((folder / f"counts-00000-{n:06d}.json").read_text()) for n in range(n_parts)]
    assert [len(read_table(ARTICLES, folder / part)) for part in parts_of(folder)] == [
        c["kept"] for c in each
    ]
    assert sum(c["pages"] for c in each) == 30


def test_the_articles_are_those_of_the_source_in_its_order(source, folder):
    clean(source, folder)
    articles = read_articles(folder)
    pages = [json.loads(line) for line in source.read_text().splitlines()]
    assert [a.article_id for a in articles] == [f"pages:{page['id']}" for page in pages]
    assert [a.title for a in articles] == [page["title"] for page in pages]
    assert [a.sections[0].text for a in articles] == [page["text"] for page in pages]
    assert {(a.sections[0].path, a.source, a.url, a.licence) for a in articles} == {("", "pages", None, None)}


def test_parts_are_named_after_their_source_and_their_place_in_it(tmp_path, folder):
    sources = [
        write(tmp_path / name, "".join(map(make_line, numbers)))
        for name, numbers in {"b.jsonl": range(8), "a.jsonl": range(8, 10)}.items()
    ]
    clean(sources, folder)
    assert parts_of(folder) == [
        "part-00000-000000.parquet",
        "part-00000-000001.parquet",
        "part-00001-000000.parquet",
    ]
    assert [a.article_id for a in read_articles(folder)] == [*(f"b:{n}" for n in range(8)), "a:8", "a:9"]


def test_what_became_of_every_page_is_counted(tmp_path, folder):
    lines = [
        make_line(1, title="Atom"),
        make_line(2, title="Film of 1990"),
        make_line(3, text=" "),
        make_line(4, title="Mercury (disambiguation)", url="https://en.wikipedia.org/wiki/Mercury"),
        make_line(5, title="Ion"),
    ]
    source = write(tmp_path / "pages.jsonl", "".join(lines))
    counts = clean(source, folder, 300, article_filter=ArticleFilter(drop_keywords=("film",)))
    assert counts == {
        "pages": 5, "articles": 3, "kept": 2, "filtered out": 1, "empty": 1, "disambiguation": 1,
    }  # fmt: skip
    assert [article.title for article in read_articles(folder)] == ["Atom", "Ion"]


def test_a_filter_that_keeps_nothing_leaves_sound_and_empty_parts(source, folder):
    counts = clean(source, folder, article_filter=ArticleFilter(keep_keywords=("nothing",)))
    assert counts == {"pages": 30, "articles": 30, "filtered out": 30}
    assert len(parts_of(folder)) > 4
    assert read_articles(folder) == []


def test_an_article_that_stands_twice_in_a_block_is_named(tmp_path, folder):
    source = write(tmp_path / "pages.jsonl", make_line(1) + make_line(2) + make_line(1))
    with pytest.raises(UserError, match=r"part-00000-000000\.parquet: row 3, column article_id: .*'pages:1'"):
        clean(source, folder)
    assert parts_of(folder) == []


def test_the_progress_sees_every_block(source, folder):
    seen = []
    clean(source, folder, progress=lambda blocks: (seen.append(block) or block for block in blocks))
    assert [f"part-{name}.parquet" for name in seen] == parts_of(folder)


def test_two_processes_write_the_same_files_as_one(source, folder, tmp_path):
    counts = clean(source, folder)
    assert clean(source, tmp_path / "two", n_workers=2) == counts
    assert tree(tmp_path / "two") == tree(folder)


@pytest.mark.slow
def test_a_cluster_writes_the_same_files_as_one_process(source, folder, tmp_path, ray_cluster):
    counts = clean(source, folder)
    assert clean(source, tmp_path / "ray", cluster=True) == counts
    assert tree(tmp_path / "ray") == tree(folder)


@pytest.mark.slow
def test_a_cluster_reads_a_compressed_file_as_one_block(source, folder, tmp_path, ray_cluster):
    clean(source, folder)
    compressed = write(tmp_path / "pages.jsonl.bz2", compress(source))
    clean(compressed, tmp_path / "ray", cluster=True)
    assert parts_of(tmp_path / "ray") == ["part-00000-000000.parquet"]
    assert read_articles(tmp_path / "ray") == read_articles(folder)


# ------------------------------------------------------------------------------- interruptions


def test_finished_blocks_are_not_read_again(source, folder, monkeypatch):
    counts = clean(source, folder)
    before = tree(folder)
    (folder / "part-00000-000002.parquet").unlink()
    calls = interrupt(monkeypatch, "read_block", call=0)
    assert clean(source, folder) == counts
    assert [block.name for block, _ in calls] == ["00000-000002"]
    assert tree(folder) == before


@pytest.mark.parametrize("name", ["read_block", "write_text", "write_table"])
@pytest.mark.parametrize("call", [1, 3])
def test_after_an_interruption_the_same_command_makes_the_same_files(
    source, folder, tmp_path, monkeypatch, name, call
):
    counts = clean(source, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt(patch, name, call)
        with pytest.raises(KeyboardInterrupt):
            clean(source, folder)
    assert parts_of(folder) == parts_of(tmp_path / "whole")[: call - 1]
    calls = interrupt(monkeypatch, "read_block", call=0)
    assert clean(source, folder) == counts
    assert calls[0][0].name == f"00000-{call - 1:06d}"
    assert tree(folder) == tree(tmp_path / "whole")


def test_what_a_killed_process_left_half_written_is_replaced(source, folder, tmp_path):
    clean(source, tmp_path / "whole")
    write(folder / "part-00000-000001.parquet.partial", b"PAR1 half")
    write(folder / "counts-00000-000001.json", "{}")
    clean(source, folder)
    assert tree(folder) == tree(tmp_path / "whole")


# ------------------------------------------------------------------------------ damaged sources


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_line_that_is_no_page_is_named_and_finished_blocks_stay(source, folder, tmp_path, n_workers):
    clean(source, tmp_path / "whole")
    whole = source.read_bytes()
    source.write_bytes(whole.replace(b'{"id": 20,', b'["id", 20,'))
    with pytest.raises(UserError, match=r"pages\.jsonl: line 21: expected one JSON object a line"):
        clean(source, folder, n_workers=n_workers)
    finished = parts_of(folder)
    assert finished
    assert all((folder / part).read_bytes() == (tmp_path / "whole" / part).read_bytes() for part in finished)
    source.write_bytes(whole)
    clean(source, folder)
    assert tree(folder) == tree(tmp_path / "whole")


def test_a_compressed_source_that_is_cut_off_is_named_and_finished_blocks_stay(source, folder, tmp_path):
    whole = compress(source)
    compressed = write(tmp_path / "pages.jsonl.bz2", whole[:-20])
    with pytest.raises(
        UserError, match=r"pages\.jsonl\.bz2: expected a whole bzip2 file, found its end cut off"
    ):
        clean(compressed, folder)
    finished = read_articles(folder)
    assert 4 <= len(finished) <= 20
    compressed.write_bytes(whole)
    assert clean(compressed, folder) == {"pages": 30, "articles": 30, "kept": 30}
    assert clean(compressed, tmp_path / "whole") == {"pages": 30, "articles": 30, "kept": 30}
    assert tree(folder) == tree(tmp_path / "whole")
    assert read_articles(folder)[: len(finished)] == finished


def test_a_source_that_is_not_there_is_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"missing\.jsonl: no such file or folder"):
        clean(tmp_path / "missing.jsonl", folder)


# ---------------------------------------------------------------------------------- the script

WORDS = ("sources=pages.jsonl", "name=x", f"block_bytes={BLOCK_BYTES}", "workers=1")


@pytest.fixture
def corpus(tmp_path, source, monkeypatch):
    """The working folder holds the source; here the script will write."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "corpus" / "x"


def last_line(capfd):
    """The last line on stderr, behind the progress bar."""
    errors = capfd.readouterr().err
    assert "Traceback" not in errors
    return errors.replace("\r", "\n").splitlines()[-1]


def test_the_script_makes_articles_and_passages_and_then_skips_both(corpus, run_script, capfd):
    assert run_script("corpus", *WORDS) == 0
    said = capfd.readouterr().out
    assert "data/corpus/x/articles: 30 pages, 30 articles, 30 kept" in said
    assert "data/corpus/x/passages: 30 passages, 0 repeated" in said
    parts = list_parts(corpus / "articles", "")
    assert [path.name for path in list_parts(corpus / "passages", "")] == [path.name for path in parts]
    results = json.loads((corpus / "articles" / MANIFEST).read_text())["results"]
    assert results == {"pages": 30, "articles": 30, "kept": 30}
    assert run_script("corpus", *WORDS) == 0
    assert capfd.readouterr().out == ""


def test_a_source_that_changed_stops_the_script_and_overwriting_makes_it_anew(
    corpus, source, run_script, capfd
):
    # So it is when a damaged source was mended: the parts may be those of other contents.
    whole = source.read_text()
    source.write_text(whole[:-40])
    assert run_script("corpus", *WORDS) == 2
    assert "pages.jsonl: line 30: expected one JSON object a line" in last_line(capfd)
    assert len(parts_of(corpus / "articles")) == 4
    source.write_text(whole)
    assert run_script("corpus", *WORDS) == 2
    message = last_line(capfd)
    assert message.startswith("error: data/corpus/x/articles: holds a run with other settings or inputs")
    assert "pages.jsonl has changed" in message
    assert "overwrite=true" in message
    assert run_script("corpus", *WORDS, "overwrite=true") == 0
    assert len(read_articles(corpus / "articles")) == 30


def test_blocks_of_one_machine_are_not_taken_for_those_of_a_cluster(corpus, run_script, capfd):
    # A compressed file is one block to a cluster: part 0 would pass for the whole file.
    assert run_script("corpus", *WORDS) == 0
    assert run_script("corpus", *WORDS, "cluster=true") == 2
    assert "cluster False -> True" in last_line(capfd)


@pytest.mark.parametrize("words", [("workers=-1",), ("block_bytes=0",), ("sources=[]",)])
def test_settings_out_of_range_are_named_before_anything_is_written(corpus, run_script, capfd, words):
    assert run_script("corpus", *WORDS, *words) == 2
    assert words[0].partition("=")[0] in last_line(capfd)
    assert not corpus.exists()


def test_the_script_says_in_one_line_that_a_dump_is_cut_off_and_starts_anew_with_a_mended_one(
    corpus, source, run_script, capsys
):
    whole = compress(source)
    compressed = write(source.with_suffix(".jsonl.bz2"), whole[:-20])
    words = ["sources=pages.jsonl.bz2", *WORDS[1:]]
    assert run_script("corpus", *words) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert errors == [
        "error: pages.jsonl.bz2: expected a whole bzip2 file, found its end cut off; download it again"
    ]
    compressed.write_bytes(whole)
    assert run_script("corpus", *words) == 2
    assert "pages.jsonl.bz2 has changed" in capsys.readouterr().err
    assert run_script("corpus", *words, "overwrite=true") == 0
    assert len(read_articles(corpus / "articles")) == 30


@pytest.mark.slow
def test_a_killed_script_goes_on_and_makes_the_same_tables(tmp_path, monkeypatch, start_script, run_script):
    lines = [make_line(number) for number in range(1000)]
    source = write(tmp_path / "pages.jsonl", "".join(lines))
    words = [f"sources={source}", "name=x", "block_bytes=4000", "workers=1"]
    parquets = []
    for name, killed in {"whole": (), "killed": ("articles", "passages/split")}.items():
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        for stage in killed:
            process = start_script("corpus", *words)
            folder = tmp_path / name / "data" / "corpus" / "x" / stage
            wait_for_parts(folder, 5, process)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert not (folder / MANIFEST).exists()
        assert run_script("corpus", *words) == 0
        corpus = tmp_path / name / "data" / "corpus" / "x"
        parquets.append({p.relative_to(corpus): p.read_bytes() for p in corpus.rglob("*.parquet")})
        assert not list(corpus.rglob("*.partial"))
    assert parquets[0] == parquets[1]
    assert len(parquets[0]) > 100
    assert sum(len(pd.read_parquet(path)) for path in list_parts(corpus / "articles", "")) == 1000


def wait_for_parts(folder, n_parts, process):
    """Until a running process has written some parts."""
    while len(list(folder.glob("part-*.parquet"))) < n_parts:
        assert process.poll() is None, f"it ended before {folder} had {n_parts} parts"
        time.sleep(0.005)
