"""Files and folders as blocks: finding, telling formats apart, names, laziness, memory."""

import bz2
import gzip
import json
import pickle
import tracemalloc
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_dumps import CONTAINERS, join_dump, make_pages, plain_wikitext, read_all, write, write_multistream

from science_exam.corpus import streams
from science_exam.corpus.dumps import plan_blocks, read_block
from science_exam.corpus.sources import (
    ARRAY,
    ARTICLES,
    CIRRUS,
    EXTRACTED,
    MEDIAWIKI,
    MULTISTREAM,
    PAGES,
    PARQUET,
    TEXTBOOKS,
    find_sources,
)
from science_exam.corpus.streams import read_bzip_range, read_chunks, read_range
from science_exam.errors import UserError

__all__ = ["plain_wikitext"]
LINE = '{"id": 1, "title": "A", "text": "Text."}\n'


@pytest.fixture
def folder(tmp_path):
    """A folder with a file of every format, and what is to be passed over."""
    root = tmp_path / "raw"
    write(root / "b" / "dump.xml.bz2", bz2.compress(join_dump(make_pages(6))))
    write_multistream(root, make_pages(6))
    write(root / "b" / "wiki_10", LINE)
    write(root / "b" / "wiki_09", LINE)
    write(root / "a" / "sections.jsonl.gz", gzip.compress(b'{"doc_id": "d/0", "title": "T", "text": "x"}\n'))
    write(
        root / "articles.jsonl",
        '{"article_id": "x", "title": "X", "sections": [{"path": "", "text": "x"}]}\n',
    )
    write(root / "c.json", '{"index": {"_id": "1"}}\n{"title": "A", "namespace": 0, "text": "x"}\n')
    write(root / "d", f'<doc id="1" url="u" title="A">\nA\n\n{"x" * 9}\n</doc>\n')
    write(root / "e.json", '\n [{"text": "x"}]')
    pq.write_table(pa.table({"text": ["x"]}), root / "f.parquet")
    write(root / ".cache" / "junk", "junk")
    write(root / ".DS_Store", "junk")
    return root


def test_files_of_a_folder_are_found_sorted_and_told_apart(folder):
    found = [
        (block.name, block.path.relative_to(folder).as_posix(), block.kind)
        for block in find_sources([folder])
    ]
    assert found == [
        ("00000", "a/sections.jsonl.gz", TEXTBOOKS),
        ("00001", "articles.jsonl", ARTICLES),
        ("00002", "b/dump.xml.bz2", MEDIAWIKI),
        ("00003", "b/wiki_09", PAGES),
        ("00004", "b/wiki_10", PAGES),
        ("00005", "c.json", CIRRUS),
        ("00006", "d", EXTRACTED),
        ("00007", "e.json", ARRAY),
        ("00008", "enwiki-20240101-pages-articles-multistream.xml.bz2", MULTISTREAM),
        ("00009", "f.parquet", PARQUET),
    ]


def test_every_format_is_read(folder, plain_wikitext):
    articles, counts = read_all(folder, block_bytes=1)
    assert counts["articles"] == len(articles) == 16
    assert {article.source for article in articles} == {
        "enwiki",
        "wiki_09",
        "wiki_10",
        "sections",
        "articles",
        *"cdef",
    }


def test_blocks_are_named_after_file_and_place(folder):
    names = [block.name for block in plan_blocks([folder / "e.json", folder / "b"], 1)]
    assert names == ["00000-000000", *(f"00001-{n:06d}" for n in range(6)), "00002-000000", "00003-000000"]


def test_sources_keep_their_order_and_count_once(folder):
    files = [folder / "e.json", folder / "b", folder / "b" / "wiki_09", folder]
    paths = [block.path.name for block in find_sources(files)]
    assert paths[:4] == ["e.json", "dump.xml.bz2", "wiki_09", "wiki_10"]
    assert len(paths) == len(set(paths)) == 10


def test_names_and_blocks_are_the_same_again(folder):
    assert list(plan_blocks([folder], 50)) == list(plan_blocks([folder], 50))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("notes.jsonl.gz", "notes"),
        ("my.notes.json", "my.notes"),
        ("wiki_00", "wiki_00"),
        ("part-1.xml-p1p2.bz2", "part-1.xml-p1p2"),
    ],
)
def test_sources_are_named_after_their_files(tmp_path, name, source):
    (block,) = find_sources([write(tmp_path / name, LINE)])
    assert block.source == source


def test_a_name_that_misleads_does_not_matter(tmp_path):
    path = write(tmp_path / "really-gzip.xml.bz2", gzip.compress(LINE.encode()))
    assert [article.title for article in read_all(path)[0]] == ["A"]


@pytest.mark.parametrize("ending", CONTAINERS)
def test_empty_files_are_errors(tmp_path, ending):
    path = write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](b""))
    with pytest.raises(UserError, match=r"dump\.xml.*: expected MediaWiki XML.*; found an empty file"):
        list(plan_blocks([path], 1))
    with pytest.raises(UserError, match=r"found an empty file"):
        list(plan_blocks([write(tmp_path / f"0.xml{ending}", b"")], 1))


@pytest.mark.parametrize(
    "content", [b"plain text", b"\x00\x01", b" \n ", b"7z\xbc\xaf\x27\x1c", b"# Notes\n"]
)
def test_an_unknown_format_is_an_error_that_lists_the_known(tmp_path, content):
    write(tmp_path / "a.jsonl", LINE)
    write(tmp_path / "b.txt", content)
    plan = plan_blocks([tmp_path], 1)
    with pytest.raises(
        UserError, match=r"b\.txt: expected MediaWiki XML .*CirrusSearch.*Parquet.*; found b"
    ) as failure:
        next(plan)  # before any block is worked on
    assert "name the files" in str(failure.value)


def test_missing_and_empty_sources_are_errors(tmp_path):
    with pytest.raises(UserError, match=r"nothing: no such file or folder"):
        list(plan_blocks([tmp_path / "nothing"], 1))
    with pytest.raises(UserError, match=r"no files in this folder"):
        list(plan_blocks([tmp_path], 1))


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path, monkeypatch):
    path = write(tmp_path / "a.jsonl", LINE)

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(UserError, match=r"a\.jsonl: expected a file that can be read: Permission denied"):
        list(plan_blocks([path], 1))


def test_blocks_are_made_as_they_are_taken(tmp_path):
    content = gzip.compress((LINE * 200_000).encode(), 1)
    path = write(tmp_path / "cut.jsonl.gz", content[: len(content) // 2])
    blocks = list(islice(plan_blocks([path], 10_000), 5))
    assert [block.name for block in blocks] == [f"00000-{n:06d}" for n in range(5)]


def test_blocks_hold_their_bytes_only_where_they_must(folder):
    for block in plan_blocks([folder], 1):
        single = block.path.suffix in (".bz2", ".gz") and block.kind != MULTISTREAM
        assert (block.fragment is not None) == single
    assert all(block.fragment is None for block in plan_blocks([folder], 1, inline=False))


def test_a_block_shows_no_bytes_in_messages(tmp_path):
    path = write(tmp_path / "a.jsonl.gz", gzip.compress((LINE * 5).encode()))
    (block,) = plan_blocks([path], 10**6)
    assert "Text." not in repr(block)


def test_blocks_can_be_sent_to_workers(folder, plain_wikitext):
    for inline in (True, False):
        for block in plan_blocks([folder], 500, inline):
            copy = pickle.loads(pickle.dumps(block))
            assert copy == block
            assert list(read_block(copy, Counter())) == list(read_block(block, Counter()))


def count_articles(block):
    counts = Counter()
    return [article.article_id for article in read_block(block, counts)], counts


def test_processes_read_blocks_alone(tmp_path):
    lines = "".join(json.dumps({"id": n, "text": f"Text {n}."}) + "\n" for n in range(300))
    paths = [
        write(tmp_path / "a.jsonl", lines),
        write(tmp_path / "b.jsonl.bz2", bz2.compress(lines.encode())),
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(count_articles, plan_blocks(paths, 2000)))
    assert [i for ids, _ in parts for i in ids] == [f"{name}:{n}" for name in "ab" for n in range(300)]
    assert sum((counts for _, counts in parts), Counter()) == {"pages": 600, "articles": 600}


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_memory_does_not_grow_with_the_file(tmp_path, inline, ending):
    line = json.dumps({"title": "Long", "text": "word " * 1000}) + "\n"  # 5 KB
    peaks = {}
    for n_lines in (500, 5000):
        path = tmp_path / f"{n_lines}.jsonl{ending}"
        with gzip.open(path, "wt", 1) if ending else path.open("w") as file:
            for _ in range(n_lines):
                file.write(line)
        tracemalloc.start()
        for block in plan_blocks([path], 2**18, inline):
            for _ in read_block(block, Counter()):
                pass
        peaks[n_lines] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[5000] < 1.1 * peaks[500]
    assert peaks[5000] < 12 * 2**20


def test_memory_does_not_grow_with_an_array(tmp_path):
    peaks = {}
    for n in (500, 5000):
        path = write(tmp_path / f"{n}.json", json.dumps([{"text": "word " * 1000}] * n))
        tracemalloc.start()
        for block in plan_blocks([path], 1):
            for _ in read_block(block, Counter()):
                pass
        peaks[n] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[5000] < 1.1 * peaks[500]
    assert peaks[5000] < 16 * 2**20


# Streams


@pytest.mark.parametrize("chunk_bytes", [1, 100, 2**20])
@pytest.mark.parametrize("ending", CONTAINERS)
def test_chunks_are_the_content(tmp_path, monkeypatch, chunk_bytes, ending):
    monkeypatch.setattr(streams, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(streams, "INPUT_BYTES", 7)
    content = bytes(range(256)) * 40
    chunks = list(read_chunks(write(tmp_path / "file", CONTAINERS[ending](content))))
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= chunk_bytes


def test_ranges_are_parts_of_the_content(tmp_path):
    path = write(tmp_path / "file", b"0123456789")
    assert b"".join(read_range(path, 3, 7)) == b"3456"
    assert list(read_range(path, 5, 5)) == []
    streams_of = [bz2.compress(part) for part in (b"one", b"two", b"", b"three")]
    path = write(tmp_path / "file.bz2", b"".join(streams_of))
    ends = [sum(map(len, streams_of[:n])) for n in range(5)]
    assert b"".join(read_bzip_range(path, ends[1], ends[4])) == b"twothree"
    for start, stop in ((ends[1] + 1, ends[2]), (ends[1], ends[2] + 1), (ends[1], ends[2] - 1)):
        with pytest.raises(UserError, match=r"file\.bz2: expected a whole bzip2 file"):
            list(read_bzip_range(path, start, stop))


def test_a_bomb_comes_in_small_pieces(tmp_path):
    for ending, pack in ((".gz", gzip.compress), (".bz2", bz2.compress)):
        path = write(tmp_path / f"bomb{ending}", pack(bytes(50_000_000)))
        tracemalloc.start()
        assert sum(map(len, read_chunks(path))) == 50_000_000
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        tracemalloc.stop()
