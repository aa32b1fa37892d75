"""Articles of every format but MediaWiki XML; faults name file, line, column and expectation."""

import bz2
import gzip
import json
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from small_dumps import CONTAINERS, SHARED, SIZED, needs_shared, read_all, write

from science_exam.corpus.articles import Section, tabulate_articles
from science_exam.corpus.cirrus import split_opening
from science_exam.corpus.dumps import plan_blocks
from science_exam.corpus.sources import BYTE_ORDER_MARK
from science_exam.corpus.textbooks import find_document
from science_exam.errors import UserError
from science_exam.tables import ARTICLES, check_table

pytestmark = pytest.mark.usefixtures("no_collection")

within = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
WIKI = "https://en.wikipedia.org/wiki"


def dump_lines(records) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def fails(path, **options) -> str:
    with pytest.raises(UserError) as failure:
        read_all(path, **options)
    assert str(path) in str(failure.value)
    return str(failure.value).replace(str(path), path.name)


def texts(article) -> list[tuple[str, str]]:
    return [(section.path, section.text) for section in article.sections]


# Small files of every line-based format, and the titles of their articles.
PAGES = dump_lines(
    {
        "id": str(n),
        "url": f"{WIKI}?curid={n}",
        "title": f"Élan {n}",
        "text": f"Élan {n}\n\nText «{n}».\n\n\nMore.",
    }
    for n in range(1, 13)
)
ARTICLE_LINES = dump_lines(
    {
        "article_id": f"a-{n}",
        "title": f"A {n}",
        "sections": [{"path": "", "text": f"Lead {n}."}, {"path": "More > Yet more", "text": "Rest."}],
        "source": "sample",
        "url": None,
        "licence": "CC0-1.0",
    }
    for n in range(12)
)
TEXTBOOK_LINES = dump_lines(
    {
        "doc_id": f"physics/m{document}/{section}",
        "source": "press",
        "book": "Physics",
        "title": f"Waves {document}",
        "section": "" if section == 0 else f"Part {section}",
        "text": f"Text {document}.{section}",
        "licence": "CC BY 4.0",
        "url": f"https://press.example.org/m{document}",
    }
    for document in range(9)
    for section in range(document % 4 + 1)
)
CIRRUS_LINES = dump_lines(
    line
    for n in range(12)
    for line in (
        {"index": {"_type": "_doc", "_id": str(n)}},
        {
            "title": f"Quark {n}",
            "namespace": 0,
            "wiki": "enwiki",
            "opening_text": f"A quark {n} is small.",
            "text": f"A quark {n} is small. It has colour.",
            "category": ["Quarks"],
            "template": ["Template:Infobox"],
        },
    )
)
DOC_LINES = "".join(
    f'<doc id="{n}" url="{WIKI}?curid={n}" title="Doc {n} "x" &amp; y">\nDoc {n} "x" &amp; y\n\n'
    f"Par &lt;1&gt; of {n}.\n\nPar 2.\n\n\n</doc>\n"
    for n in range(12)
)
FORMATS = {
    "wiki_00": PAGES,
    "articles.jsonl": ARTICLE_LINES,
    "textbooks.jsonl": TEXTBOOK_LINES,
    "enwiki-cirrussearch-content.json": CIRRUS_LINES,
    "docs_00": DOC_LINES,
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("block_bytes", [1, 300, 10**9])
@pytest.mark.parametrize("inline", [True, False])
def test_every_container_and_block_size_gives_the_same_articles(tmp_path, name, ending, block_bytes, inline):
    expected, counts = read_all(write(tmp_path / name, FORMATS[name]))
    assert len(expected) == counts["articles"] == (9 if name.startswith("textbooks") else 12)
    path = write(tmp_path / f"{name}{ending}", CONTAINERS[ending](FORMATS[name].encode()))
    articles, found = read_all(path, block_bytes=block_bytes, inline=inline)
    assert articles == expected
    assert found == counts


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("change", [lambda text: text.replace("\n", "\r\n"), lambda text: text.rstrip("\n")])
def test_line_ends_do_not_matter(tmp_path, name, change):
    expected, _ = read_all(write(tmp_path / name, FORMATS[name]))
    for block_bytes in (1, 300):
        path = write(tmp_path / "changed" / name, change(FORMATS[name]))
        assert [texts(a) for a in read_all(path, block_bytes=block_bytes)[0]] == [texts(a) for a in expected]


@pytest.mark.parametrize("name", FORMATS)
def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path, name):
    expected, _ = read_all(write(tmp_path / name, FORMATS[name]))
    path = write(tmp_path / "marked" / name, BYTE_ORDER_MARK + FORMATS[name].encode() + b"\n \n")
    assert [texts(a) for a in read_all(path)[0]] == [texts(a) for a in expected]


@within
@given(data=st.data(), name=st.sampled_from(sorted(FORMATS)), block_bytes=st.integers(1, 2500))
def test_blocks_are_whole_lines_and_all_of_them(tmp_path, data, name, block_bytes):
    content = FORMATS[name].encode()
    plain = list(plan_blocks([write(tmp_path / name, content)], block_bytes))
    packed = list(plan_blocks([write(tmp_path / f"{name}.gz", gzip.compress(content, 1))], block_bytes))
    for blocks in (plain, packed):
        assert [block.start for block in blocks] == [0, *(block.stop for block in blocks[:-1])]
        assert blocks[-1].stop == len(content)
        assert all(content[block.stop - 1] == ord("\n") for block in blocks)
    assert b"".join(block.fragment for block in packed) == content
    assert [block.line for block in packed] == [content.count(b"\n", 0, block.start) for block in packed]


# Each format


def test_a_page_of_wikiextractor(tmp_path):
    article = read_all(write(tmp_path / "wiki_00", PAGES))[0][0]
    assert texts(article) == [("", "Text «1».\n\nMore.")]
    assert (article.article_id, article.title, article.source) == ("enwiki:1", "Élan 1", "enwiki")
    assert (article.url, article.licence) == (f"{WIKI}?curid=1", "CC-BY-SA-4.0")


def test_a_doc_of_wikiextractor(tmp_path):
    article = read_all(write(tmp_path / "wiki_00", DOC_LINES))[0][0]
    assert article.title == 'Doc 0 "x" & y'
    assert texts(article) == [("", "Par <1> of 0.\n\nPar 2.")]
    assert (article.article_id, article.licence) == ("enwiki:0", "CC-BY-SA-4.0")


def test_plain_records_need_nothing_but_text(tmp_path):
    records = [
        {"text": "First line.\nSecond."},
        {"text": "First line.\nSecond."},
        {"id": 7, "title": "T", "text": "Text", "source": "s", "licence": "MIT", "categories": ["c"]},
        {"title": "Nothing", "text": " "},
        {"title": "None", "text": None},
    ]
    (first, second, third), counts = read_all(write(tmp_path / "notes.jsonl", dump_lines(records)))
    assert counts == {"pages": 5, "articles": 3, "empty": 2}
    assert first.title == ""
    assert first.article_id.startswith("notes:")
    assert first.article_id != second.article_id  # of one text, but two records
    assert (third.article_id, third.source, third.licence, third.categories) == ("s:7", "s", "MIT", ("c",))


@pytest.mark.parametrize(
    ("title", "text", "n_articles"),
    [
        ("Mercury", "Mercury may refer to:\n\nMercury (planet)", 0),
        ("Mercury", "Mercury commonly refers to:", 0),
        ("Mercury (disambiguation)", "Mercury is many things.", 0),
        ("Mercury", "Mercury refers to a planet.", 1),
    ],
)
def test_disambiguation_pages_without_categories(tmp_path, title, text, n_articles):
    path = write(tmp_path / "w.jsonl", dump_lines([{"url": f"{WIKI}/Mercury", "title": title, "text": text}]))
    articles, counts = read_all(path)
    assert len(articles) == n_articles
    assert counts["disambiguation"] == 1 - n_articles


def test_own_articles_pass_unchanged(tmp_path):
    article = read_all(write(tmp_path / "articles.jsonl", ARTICLE_LINES))[0][3]
    assert article.article_id == "a-3"
    assert article.sections == (Section("", "Lead 3."), Section("More > Yet more", "Rest."))
    assert (article.source, article.url, article.licence) == ("sample", None, "CC0-1.0")


def test_sections_of_a_document_become_one_article(tmp_path):
    def record(doc_id, section, text, **more):
        return {"doc_id": doc_id, "title": "Waves", "section": section, "text": text, **more}

    records = [
        record("p/m1/0", "", "Lead.", chapter="Motion > Sound", book="Physics"),
        record("p/m1/1#p0", "Speed", "One."),
        record("p/m1/1#p1", "Speed", "Two."),
        record("p/m1/2", "Speed > Of light", "Three."),
        record("p/m1/3", "Empty", ""),
        record("p/m1/0~2", "", "Another document.", categories=["Waves"]),
        record("p/0000012", "", "Leading zeros are part of an id."),
        record("p/0000013", "", "Another."),
    ]
    articles, counts = read_all(write(tmp_path / "t.jsonl", dump_lines(records)))
    assert [article.article_id for article in articles] == ["p/m1", "p/m1~2", "p/0000012", "p/0000013"]
    assert texts(articles[0]) == [("", "Lead."), ("Speed", "One.\nTwo."), ("Speed > Of light", "Three.")]
    assert [article.categories for article in articles[:2]] == [("Physics", "Motion", "Sound"), ("Waves",)]
    assert counts == {"pages": 4, "articles": 4}


def test_a_title_that_tells_nothing_has_chapter_or_book_before_it(tmp_path):
    records = [
        {"doc_id": f"b/m{n}/0", "title": title, "text": "x", **more}
        for n, (title, more) in enumerate(
            [
                ("Introduction", {"book": "Chemistry", "chapter": "Matter > Acids"}),
                ("Preface", {"book": "Chemistry"}),
                ("Acids", {"book": "Chemistry"}),
                ("Introduction", {}),
            ]
        )
    ]
    articles, _ = read_all(write(tmp_path / "t.jsonl", dump_lines(records)))
    assert [a.title for a in articles] == [
        "Acids: Introduction",
        "Chemistry: Preface",
        "Acids",
        "Introduction",
    ]


def test_titles_that_change_inside_a_document_make_articles_of_their_own(tmp_path):
    records = [{"doc_id": f"notes/{n}", "title": f"T{n}", "text": "x"} for n in (1, 2, 3)]
    path = write(tmp_path / "t.jsonl", dump_lines(records))
    for block_bytes in (1, 10**6):
        articles, _ = read_all(path, block_bytes=block_bytes)
        assert [article.article_id for article in articles] == ["notes", "notes/2", "notes/3"]


@pytest.mark.parametrize(
    ("doc_id", "document"),
    [
        ("os/physics/m42/7", "os/physics/m42"),
        ("os/physics/m42/7#p12", "os/physics/m42"),
        ("wiki/AC/DC/0", "wiki/AC/DC"),
        ("wiki/9/11/0", "wiki/9/11"),
        ("wiki/ACM/0~2", "wiki/ACM~2"),
        ("med/0000001_1#p0", "med/0000001_1"),
        ("med/0004873", "med/0004873"),
        ("arxiv/20210", "arxiv/20210"),
        ("plain", "plain"),
    ],
)
def test_documents_are_found_in_ids(doc_id, document):
    assert find_document(doc_id) == document


def test_a_cirrus_document_has_lead_and_rest(tmp_path):
    article = read_all(write(tmp_path / "c.json", CIRRUS_LINES))[0][5]
    assert article.sections == (Section("", "A quark 5 is small."), Section("", "It has colour."))
    assert (article.article_id, article.url) == ("enwiki:5", f"{WIKI}/Quark_5")
    assert (article.licence, article.categories, article.source) == ("CC-BY-SA-4.0", ("Quarks",), "enwiki")


@pytest.mark.parametrize(
    ("opening", "text", "expected"),
    [
        ("Lead.", "Lead. Rest.", ["Lead.", "Rest."]),
        ("Lead.", "Hatnote. Lead. Rest.", ["Lead.", "Hatnote.\nRest."]),
        ("Lead.", "Lead.", ["Lead."]),
        ("Other.", "Lead. Rest.", ["Lead. Rest."]),
        ("", "Lead. Rest.", ["Lead. Rest."]),
    ],
)
def test_the_opening_is_not_repeated(opening, text, expected):
    assert [section.text for section in split_opening(opening, text)] == expected


def test_cirrus_documents_that_are_no_articles_are_counted(tmp_path):
    documents = [
        {"title": "A", "namespace": 0, "text": "Text."},
        {"title": "Talk:A", "namespace": 1, "text": "Text."},
        {"title": "B", "namespace": 0, "text": "Text.", "category": ["All disambiguation pages"]},
        {"title": "C", "namespace": 0, "text": "Text.", "template": ["Template:disambiguation"]},
        {
            "title": "D",
            "namespace": 0,
            "text": "Text.",
            "category": ["Articles with links needing disambiguation"],
        },
        {"title": "E", "namespace": 0, "text": ""},
    ]
    lines = [line for n, document in enumerate(documents) for line in ({"index": {"_id": n}}, document)]
    path = write(tmp_path / "dewiki-cirrus.json.gz", gzip.compress(dump_lines(lines).encode()))
    articles, counts = read_all(path)
    assert [(a.article_id, a.source) for a in articles] == [
        ("dewiki-cirrus:0", "dewiki-cirrus"),
        ("dewiki-cirrus:4", "dewiki-cirrus"),
    ]
    assert counts == {"pages": 6, "articles": 2, "other namespaces": 1, "disambiguation": 2, "empty": 1}


def write_parquet(path, rows, row_group_size=3):
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=row_group_size)
    return path


def test_rows_of_parquet(tmp_path):
    rows = [
        {"id": str(n), "url": f"{WIKI}/T{n}", "title": f"T{n}", "text": f"Text {n}.\n\nMore."}
        for n in range(10)
    ]
    path = write_parquet(tmp_path / "train-00000-of-00041.parquet", rows)
    expected, counts = read_all(path)
    assert [article.article_id for article in expected] == [f"enwiki:{n}" for n in range(10)]
    assert texts(expected[0]) == [("", "Text 0.\n\nMore.")]
    assert expected[0].licence == "CC-BY-SA-4.0"
    assert counts == {"pages": 10, "articles": 10}
    blocks = list(plan_blocks([path], 1))
    assert [(block.start, block.stop) for block in blocks] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert read_all(path, block_bytes=1)[0] == expected
    assert read_all(path, block_bytes=700)[0] == expected


def test_parquet_without_ids_has_the_same_ids_whatever_the_blocks(tmp_path):
    path = write_parquet(tmp_path / "t.parquet", [{"text": "Same."}] * 10)
    articles, _ = read_all(path)
    assert len({article.article_id for article in articles}) == 10
    assert read_all(path, block_bytes=1)[0] == articles


def test_faults_of_parquet_name_row_and_column(tmp_path):
    path = write_parquet(tmp_path / "t.parquet", [{"title": "A", "body": "x"}])
    assert fails(path) == "t.parquet: expected a column text, found 'title, body'"
    path = write_parquet(tmp_path / "t.parquet", [{"text": 1.5}] * 5)
    assert "t.parquet: row 1, column text: expected text, found 1.5" in fails(path)
    path = write_parquet(tmp_path / "t.parquet", [{"text": "x", "title": None}] * 4)
    assert len(read_all(path)[0]) == 4
    content = write_parquet(tmp_path / "t.parquet", [{"text": "x" * 1000}] * 5).read_bytes()
    for length in (4, 12, len(content) // 2, len(content) - 1):
        assert "whole Parquet file" in fails(write(path, content[:length]))
    table = pa.table({"text": pa.array([b"\xff\xfe"]).cast(pa.string(), safe=False)})
    pq.write_table(table, path)
    assert "t.parquet" in fails(path)


def test_a_json_array(tmp_path):
    records = [{"title": f"T{n}", "text": "Text " * n} for n in range(1, 40)]
    for ending, pack in CONTAINERS.items():
        for indent in (None, 4):
            content = json.dumps(records, indent=indent).encode()
            path = write(tmp_path / f"{indent}" / f"records.json{ending}", pack(content))
            articles, counts = read_all(path, block_bytes=1)
            assert [article.title for article in articles] == [f"T{n}" for n in range(1, 40)]
            assert len({article.article_id for article in articles}) == 39
            assert counts == {"pages": 39, "articles": 39}
    assert read_all(write(tmp_path / "empty.json", " [ ] "))[0] == []


@pytest.mark.parametrize("chunk_bytes", [1, 2, 7])
def test_a_json_array_in_small_pieces(tmp_path, monkeypatch, chunk_bytes):
    monkeypatch.setattr("science_exam.corpus.streams.CHUNK_BYTES", chunk_bytes)
    content = '\ufeff [ {"text": "Größe ∞"},\n{"text" : "b", "id":12}\t]\n'
    articles, _ = read_all(write(tmp_path / "a.json", content))
    assert [article.sections[0].text for article in articles] == ["Größe ∞", "b"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"}, {"text": "b"}', "element 2: expected ']', found 'the end of the file'"),
        ('[{"text": "a"}, {"text": "b', "element 2: expected JSON: Unterminated string"),
        ('[{"text": "a"} {"text": "b"}]', "element 1: expected ']', found '{'"),
        ('[{"text": "a"},]', "element 2: expected JSON"),
        ('[{"text": "a"}] x', "element 1: expected the end of the file"),
        ("[1, 2]", "element 1: expected a JSON object, found 1"),
        ('[{"title": "a"}]', "element 1, column text: expected a value"),
        ('[{"text": "a", "text": "b"}]', "element 1: expected JSON: the key 'text' stands twice"),
        (b'[{"text": "a"}, {"text": "\xff"}]', "expected UTF-8 text"),
        ("[" * 100_000, "too many brackets"),
        ("[" + "1" * 5000 + "]", "element 1: expected JSON"),
    ],
)
def test_faults_of_a_json_array_name_the_element(tmp_path, content, message):
    assert message in fails(write(tmp_path / "records.json", content))


# Faults of lines


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize(("block_bytes", "inline"), [(1, True), (900, True), (10**9, True), (1, False)])
def test_faults_name_the_line_whatever_the_block(tmp_path, name, ending, block_bytes, inline):
    lines = FORMATS[name].encode().splitlines(keepends=True)
    for number, bad in ((0, 8), (len(lines) // 2, 3), (len(lines) - 1, 5)):
        damaged = [*lines[:number], lines[number][:bad] + b"\xff" + lines[number][bad:], *lines[number + 1 :]]
        if number == 0 and name != "wiki_00":
            continue  # the first line tells the format
        path = write(tmp_path / f"{name}{ending}", CONTAINERS[ending](b"".join(damaged)))
        message = fails(path, block_bytes=block_bytes, inline=inline)
        assert (
            f": line {number + 1}, byte {bad + 1}: expected UTF-8 text, found invalid start byte" in message
        )


LINE_FAULTS = [
    ("wiki_00", '{"text": "a"', "line 5: expected one JSON object a line: Expecting ',' delimiter"),
    ("wiki_00", '["text"]', "line 5: expected a JSON object, found ['text']"),
    ("wiki_00", "null", "line 5: expected a JSON object, found None"),
    ("wiki_00", "1" * 5000, "line 5: expected one JSON object a line"),
    ("wiki_00", "[" * 100_000, "line 5: expected JSON of few levels"),
    ("wiki_00", '{"title": "a"}', "line 5, column text: expected a value, found only the columns 'title'"),
    ("wiki_00", '{"text": ["a"]}', "line 5, column text: expected text, found ['a']"),
    ("wiki_00", '{"text": true}', "line 5, column text: expected text, found True"),
    ("wiki_00", '{"text": "a", "id": 1.5}', "line 5, column id: expected text, found 1.5"),
    ("wiki_00", '{"text": "a", "categories": "b"}', "line 5, column categories: expected a list of texts"),
    ("wiki_00", '{"text": "a", "categories": [1]}', "line 5, column categories: expected text, found 1"),
    ("wiki_00", '{"text": "\\ud800"}', "line 5, column text: expected text, found half a surrogate pair"),
    (
        "wiki_00",
        '{"text": "a", "text": "b"}',
        "line 5: expected one JSON object a line: the key 'text' stands twice",
    ),
    ("articles.jsonl", '{"title": "a"}', "line 5, column sections: expected a list of objects, found None"),
    ("articles.jsonl", '{"title": "a", "sections": []}', "line 5, column article_id: expected a value"),
    (
        "articles.jsonl",
        '{"article_id": "", "title": "a", "sections": []}',
        "line 5, column article_id: expected a value, found nothing",
    ),
    (
        "articles.jsonl",
        '{"article_id": "1", "title": "a", "sections": [{"path": "p"}]}',
        "line 5, in column sections, column text: expected a value",
    ),
    ("textbooks.jsonl", '{"title": "a", "text": "b"}', "line 5, column doc_id: expected a value"),
    (
        "textbooks.jsonl",
        '{"doc_id": "", "title": "a", "text": "b"}',
        "line 5, column doc_id: expected a value",
    ),
    ("textbooks.jsonl", '{"doc_id": "a", "text": "b"}', "line 5, column title: expected a value"),
    ("textbooks.jsonl", '{"doc_id": "a", "title": "b"}', "line 5, column text: expected a value"),
    ("enwiki-cirrussearch-content.json", '{"title": "a"}', 'line 5: expected {"index": {"_id": …}}'),
    ("enwiki-cirrussearch-content.json", '{"index": {}}', 'line 5: expected {"index": {"_id": …}}'),
    (
        "enwiki-cirrussearch-content.json",
        '{"index": {"_id": 1}}\n{"title": "a"}',
        "line 6, column namespace: expected a value",
    ),
    (
        "enwiki-cirrussearch-content.json",
        '{"index": {"_id": 1}}\n{"title": "a", "namespace": 0}',
        "line 6, column text: expected a value",
    ),
    ("docs_00", "Text", 'line 10: expected <doc id="…" url="…" title="…">, found \'Text\''),
    ("docs_00", '<doc id="5">', 'line 10: expected <doc id="…" url="…" title="…">'),
]


@pytest.mark.parametrize(("name", "line", "message"), LINE_FAULTS)
@pytest.mark.parametrize("block_bytes", [1, 10**9])
def test_a_faulty_line_is_named(tmp_path, name, line, message, block_bytes):
    lines = FORMATS[name].splitlines()
    at = 9 if name == "docs_00" else 4
    path = write(tmp_path / f"{name}", "\n".join([*lines[:at], line, *lines[at:]]))
    assert f"{name}: {message}" in fails(path, block_bytes=block_bytes)


def test_records_that_end_too_early_are_errors(tmp_path):
    lines = CIRRUS_LINES.splitlines()
    path = write(tmp_path / "c.json", "\n".join(lines[:7]))
    assert "c.json: line 7: expected a document behind this index line" in fails(path)
    lines = DOC_LINES.splitlines()
    path = write(tmp_path / "d.txt", "\n".join(lines[:12]))
    assert "d.txt: line 10: expected </doc> behind this page, found none" in fails(path)
    path = write(tmp_path / "d.txt", "\n".join([*lines[:8], *lines[9:]]))
    assert "d.txt: line 9: expected </doc> before the next <doc" in fails(path)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ending", [".gz", ".bz2"])
@pytest.mark.parametrize("inline", [True, False])
def test_a_compressed_file_that_is_cut_off_anywhere_is_an_error(tmp_path, name, ending, inline):
    content = CONTAINERS[ending](FORMATS[name].encode())
    for length in range(0, len(content), len(content) // 40):
        fails(write(tmp_path / f"{name}{ending}", content[:length]), block_bytes=500, inline=inline)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("inline", [True, False])
def test_a_record_above_the_limit_is_an_error(tmp_path, monkeypatch, name, ending, inline):
    for module in SIZED:
        monkeypatch.setattr(f"{module}.MAX_ARTICLE_BYTES", 20_000, raising=False)
    monkeypatch.setattr("science_exam.corpus.streams.CHUNK_BYTES", 1000)
    if name == "docs_00":
        long = DOC_LINES.replace("Par 2.", "Par 2.\n" * 5000, 1)
    elif name == "textbooks.jsonl":
        long = dump_lines({"doc_id": f"one/{n}", "title": "T", "text": "x" * 50} for n in range(1000))
    else:
        long = FORMATS[name] + json.dumps({"text": "x" * 50_000}) + "\n"
    path = write(tmp_path / f"{name}{ending}", CONTAINERS[ending](long.encode()))
    assert "of at most 20,000 bytes" in fails(path, block_bytes=2000, inline=inline)


def test_an_element_above_the_limit_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("science_exam.corpus.arrays.MAX_ARTICLE_BYTES", 20_000)
    monkeypatch.setattr("science_exam.corpus.streams.CHUNK_BYTES", 1000)
    content = json.dumps([{"text": "x" * 100_000}])
    assert "element 1: expected JSON" in fails(write(tmp_path / "a.json", content))


# Garbage

HEADS = [
    b"",
    b"{",
    b"[",
    b'{"text": "a"}\n',
    b'{"doc_id": "a/1", "title": "t", "text": "b"}\n',
    b'{"article_id": "a", "sections": []}\n',
    b'{"index": {"_id": 1}}\n',
    b'<doc id="1" url="u" title="t">\n',
    b"PAR1",
    b"BZh9",
    b"\x1f\x8b",
]
MARKS = [b"\n", b"{", b"}", b"[", b"]", b",", b":", b'"', b"null", b"1e999", b"NaN", b"\xff", b"</doc>\n"]
PIECES = [
    *MARKS,
    b'"text"',
    b'"doc_id"',
    b'"a"',
    b'{"text": "a"}\n',
    b'{"index": {"_id": 1}}\n',
    b'{"title": "a", "namespace": 0, "text": "b"}\n',
]


@within
@given(
    head=st.sampled_from(HEADS),
    body=st.lists(st.one_of(st.binary(max_size=50), st.sampled_from(PIECES)), max_size=12),
    block_bytes=st.integers(1, 60),
    ending=st.sampled_from(sorted(CONTAINERS)),
)
@example(head=b"{", body=[b'"index": {"_id": []}}'], block_bytes=1, ending="")
@example(head=b"[", body=[b'{"text": NaN}]'], block_bytes=1, ending="")
def test_garbage_is_an_error_or_articles(tmp_path, head, body, block_bytes, ending):
    path = write(tmp_path / f"garbage{ending}", CONTAINERS[ending](head + b"".join(body)))
    for inline in (True, False):
        try:
            articles, _ = read_all(path, block_bytes=block_bytes, inline=inline)
        except UserError as error:
            assert str(path) in str(error)
        else:
            assert all(article.sections for article in articles)


@within
@given(data=st.data(), name=st.sampled_from([*sorted(FORMATS), "t.parquet"]))
def test_changed_bytes_are_an_error_or_articles(tmp_path, data, name):
    if name == "t.parquet":
        content = write_parquet(
            tmp_path / name, [{"text": f"Text {n}", "id": str(n)} for n in range(5)]
        ).read_bytes()
    else:
        content = FORMATS[name].encode()
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = write(tmp_path / name, bytes(changed))
    try:
        read_all(path, block_bytes=data.draw(st.integers(1, 2000)))
    except UserError as error:
        assert str(path) in str(error)


# Real files


@needs_shared
@pytest.mark.parametrize(
    ("folder", "n_pages", "n_articles"),
    [
        # 626 and 103 pages, some of them titles without a text or lists of meanings
        ("enwiki_json_docclust", 626, 552),
        ("enwiki_doc_graykode", 103, 91),
        ("2wiki", 6119, 6080),
    ],
)
def test_real_extracts_are_read_whole(folder, n_pages, n_articles):
    path = SHARED / "wikipedia" / folder
    articles, counts = read_all(path)
    assert (counts["pages"], counts["articles"]) == (n_pages, n_articles)
    assert read_all(path, block_bytes=40_000)[0] == articles
    table = check_table(tabulate_articles(articles), ARTICLES, folder)
    assert len(table) == n_articles


@needs_shared
@pytest.mark.parametrize(
    "name",
    [
        "cnx",
        "elife_plos",
        "medquad",
        "oastm",
        "openstax",
        "textbooks_md",
        "textbooks_tex",
        "wikipedia_science",
    ],
)
def test_heads_of_real_textbooks_keep_every_word(name, tmp_path):
    with gzip.open(SHARED / "text" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = list(islice(file, 600))
    path = write(tmp_path / f"{name}.jsonl.bz2", bz2.compress("".join(lines).encode(), 1))
    articles, counts = read_all(path, block_bytes=20_000)
    assert counts["pages"] == counts["articles"] == len(articles)
    check_table(tabulate_articles(articles), ARTICLES, name)
    records = [json.loads(line) for line in lines]
    assert len(articles) == len({find_document(record["doc_id"]) for record in records})
    words = " ".join(record["text"] for record in records).split()
    assert " ".join(s.text for article in articles for s in article.sections).split() == words
    assert read_all(write(tmp_path / f"{name}.jsonl", "".join(lines)))[0] == articles


def test_the_sample_articles_are_read_as_they_are():
    path = Path(__file__).parents[1] / "data" / "sample" / "articles.jsonl"
    articles, counts = read_all(path, block_bytes=20_000)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert counts == {"pages": len(rows), "articles": len(rows)}
    table = tabulate_articles(articles)
    assert table.assign(sections=table["sections"].map(list)).to_dict("records") == rows
