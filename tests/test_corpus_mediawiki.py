"""MediaWiki dumps: the same articles whatever they are stored in, and one clear error for the rest."""

import bz2
import gzip
import importlib
import tracemalloc
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_dumps import (
    CONTAINERS,
    HEADER,
    SHARED,
    join_dump,
    make_page,
    make_pages,
    needs_shared,
    plain_wikitext,
    read_all,
    write,
    write_multistream,
)

from science_exam.corpus import mediawiki, pages, streams
from science_exam.corpus.dumps import plan_blocks, read_block
from science_exam.corpus.sources import MULTISTREAM
from science_exam.errors import UserError

__all__ = ["plain_wikitext"]
pytestmark = pytest.mark.usefixtures("plain_wikitext")
FOLDER_IS_SHARED = [HealthCheck.function_scoped_fixture]
within = settings(deadline=None, max_examples=50, suppress_health_check=FOLDER_IS_SHARED)

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.fixture
def expected(tmp_path):
    """The articles of the standard pages, read from a plain file in one block."""
    return read_all(write(tmp_path / "expected.xml", join_dump(make_pages())))[0]


def read_one(tmp_path, content, name="dump.xml", **options):
    return read_all(write(tmp_path / name, content), **options)


def test_an_article_has_all_that_the_dump_knows(tmp_path):
    page = make_page(12, 'C++/CLI & "co"', "A language of 5 < 6.\n[[Category:Languages]]")
    (article,), counts = read_one(tmp_path, join_dump([page]))
    assert article.article_id == "enwiki:12"
    assert article.title == 'C++/CLI & "co"'
    assert [section.text for section in article.sections] == ["A language of 5 < 6."]
    assert article.source == "enwiki"
    assert article.url == "https://en.wikipedia.org/wiki/C%2B%2B/CLI_%26_%22co%22"
    assert article.licence == "CC-BY-SA-4.0"
    assert article.categories == ("Languages",)
    assert counts == {"pages": 1, "articles": 1}


def test_what_is_no_article_is_counted(tmp_path):
    dump = join_dump(
        [
            make_page(1, "Mass", "Mass is a property of a body."),
            make_page(2, "Masses", "#REDIRECT [[Mass]]"),
            make_page(3, "Weight of mass", " #ReDirect: [[Mass]]"),
            make_page(4, "Bulk", "old text", extra='    <redirect title="Mass" />\n'),
            make_page(5, "Talk:Mass", "Is it?", namespace=1),
            make_page(6, "Mass (disambiguation)", "Mass may be many things."),
            make_page(7, "Sun", "Sun:\n* a star\n{{disambiguation}}"),
            make_page(8, "Nothing", " \n"),
            make_page(9, "Only a category", "[[Category:Empty]]"),
            make_page(10, "Style", "a { color: red }", model="css"),
        ]
    )
    articles, counts = read_one(tmp_path, dump)
    assert [article.title for article in articles] == ["Mass"]
    assert counts == {
        "pages": 10,
        "articles": 1,
        "redirects": 3,
        "other namespaces": 1,
        "disambiguation": 2,
        "empty": 2,
        "other content models": 1,
    }


def test_of_several_revisions_the_last_counts(tmp_path):
    page = make_page(1, "Mass", "old").replace(
        "</revision>", "</revision><revision><text>new</text></revision>"
    )
    assert read_one(tmp_path, join_dump([page]))[0][0].sections[0].text == "new"


@pytest.mark.parametrize(
    ("base", "url", "licence"),
    [
        (
            "https://wiki.example.org/index.php?title=Main_Page",
            "https://wiki.example.org/index.php?title=Big_A",
            None,
        ),
        ("https://de.wiktionary.org/wiki/Hauptseite", "https://de.wiktionary.org/wiki/Big_A", "CC-BY-SA-4.0"),
        ("https://notwikipedia.org/wiki/Main", "https://notwikipedia.org/wiki/Big_A", None),
    ],
)
def test_addresses_and_licence_follow_the_base(tmp_path, base, url, licence):
    header = HEADER.replace("https://en.wikipedia.org/wiki/Main_Page", base)
    (article,), _ = read_one(tmp_path, join_dump([make_page(1, "Big A", "text")], header))
    assert (article.url, article.licence) == (url, licence)


def test_a_dump_without_siteinfo_is_named_after_its_file(tmp_path):
    dump = join_dump([make_page(1, "A", "text")], '<mediawiki xml:lang="en">')
    (article,), _ = read_one(tmp_path, bz2.compress(dump), "small-wiki.xml.bz2")
    assert (article.article_id, article.url, article.licence) == ("small-wiki:1", None, None)


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("block_bytes", [1, 700, 5000, 10**9])
@pytest.mark.parametrize("inline", [True, False])
def test_every_container_and_block_size_gives_the_same_articles(
    tmp_path, expected, ending, block_bytes, inline
):
    content = CONTAINERS[ending](join_dump(make_pages()))
    articles, counts = read_one(
        tmp_path, content, f"dump.xml{ending}", block_bytes=block_bytes, inline=inline
    )
    assert articles == expected
    assert counts == {
        "pages": 24, "articles": 16, "redirects": 4, "other namespaces": 2, "disambiguation": 2
    }  # fmt: skip


@pytest.mark.parametrize("per_stream", [1, 5, 100])
@pytest.mark.parametrize("block_bytes", [1, 900, 10**9])
@pytest.mark.parametrize("part", ["", "1-p1p41242"])
def test_multistream_dumps_give_the_same_articles(tmp_path, expected, per_stream, block_bytes, part):
    path = write_multistream(tmp_path, make_pages(), per_stream, part)
    blocks = list(plan_blocks([path], block_bytes))
    assert {block.kind for block in blocks} == {MULTISTREAM}
    assert all(block.fragment is None for block in blocks)
    if block_bytes == 1:
        assert len(blocks) == -(-24 // per_stream)
    assert read_all(path, block_bytes=block_bytes)[0] == expected


def test_a_multistream_dump_without_its_index_is_read_as_one_stream(tmp_path, expected):
    path = write_multistream(tmp_path, make_pages())
    next(tmp_path.glob("*index*")).unlink()
    assert read_all(path, block_bytes=900)[0] == expected


def test_an_index_may_be_unpacked(tmp_path, expected):
    path = write_multistream(tmp_path, make_pages())
    index = next(tmp_path.glob("*index*"))
    write(index.with_suffix(""), bz2.decompress(index.read_bytes()))
    index.unlink()
    assert len(list(plan_blocks([path], 1))) == 8
    assert read_all(path, block_bytes=1)[0] == expected


@within
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=12),
    block_bytes=st.integers(1, 9000),
    chunk_bytes=st.integers(1, 300),
)
def test_blocks_are_whole_pages_and_all_of_them(tmp_path, monkeypatch, sizes, block_bytes, chunk_bytes):
    monkeypatch.setattr(mediawiki, "CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr(streams, "CHUNK_BYTES", chunk_bytes)
    dump = join_dump(
        [make_page(number, f"T{number}", "x" * size) for number, size in enumerate(sizes, start=1)]
    )
    plain = list(plan_blocks([write(tmp_path / "dump.xml", dump)], block_bytes))
    packed = list(plan_blocks([write(tmp_path / "dump.xml.gz", gzip.compress(dump, 1))], block_bytes))
    assert [(b.name, b.start, b.stop) for b in plain] == [(b.name, b.start, b.stop) for b in packed]
    parts = [dump[block.start : block.stop] for block in plain]
    assert parts == [block.fragment for block in packed]
    assert dump == HEADER.encode() + b"  " + b"".join(parts).rstrip() + b"\n</mediawiki>\n"
    assert all(part.strip().startswith(b"<page>") and part.strip().endswith(b"</page>") for part in parts)
    assert all(block_bytes <= len(part) < block_bytes + max(sizes) + 600 for part in parts[:-1])


def test_blocks_are_planned_again_alike(tmp_path):
    path = write(tmp_path / "dump.xml.gz", gzip.compress(join_dump(make_pages())))
    assert list(plan_blocks([path], 2000)) == list(plan_blocks([path], 2000))


# Damage


def fails(path, *, block_bytes=800, inline=True) -> str:
    with pytest.raises(UserError) as failure:
        read_all(path, block_bytes=block_bytes, inline=inline)
    assert str(path) in str(failure.value)
    return str(failure.value)


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize("inline", [True, False])
def test_a_file_that_is_cut_off_anywhere_is_an_error(tmp_path, ending, inline):
    content = CONTAINERS[ending](join_dump(make_pages(8, 10)))
    # But for the last line feed, which nothing needs.
    for length in {*range(0, len(content) - 1, max(1, len(content) // 60)), len(content) - 2}:
        fails(write(tmp_path / f"cut.xml{ending}", content[:length]), inline=inline)


def test_a_multistream_dump_that_is_cut_off_anywhere_is_an_error(tmp_path):
    path = write_multistream(tmp_path, make_pages(8, 10))
    content = path.read_bytes()
    for length in range(0, len(content), len(content) // 60):
        path.write_bytes(content[:length])
        fails(path, block_bytes=1)


def test_what_to_do_about_a_cut_off_file_is_said(tmp_path):
    content = bz2.compress(join_dump(make_pages()))
    path = write(tmp_path / "dump.xml.bz2", content[:-20])
    assert "end cut off; download it again" in fails(path)
    path = write(tmp_path / "dump.xml", join_dump(make_pages()).removesuffix(b"</mediawiki>\n"))
    assert "expected </mediawiki> at the end" in fails(path)
    path = write(tmp_path / "dump.xml.gz", gzip.compress(join_dump(make_pages())[:-100]))
    assert "expected </mediawiki> at the end" in fails(path)
    assert "page 'Körper 24 & Co'" in (message := fails(path, inline=False))
    assert "expected </page>, found the end" in message


def test_damage_inside_compressed_bytes_is_an_error(tmp_path):
    content = bytearray(bz2.compress(join_dump(make_pages())))
    content[len(content) // 2] ^= 0xFF
    assert "expected a whole bzip2 file, found damage" in fails(
        write(tmp_path / "dump.xml.bz2", bytes(content))
    )


def test_bytes_behind_the_last_stream_are_an_error(tmp_path):
    content = bz2.compress(join_dump(make_pages()))
    fails(write(tmp_path / "dump.xml.bz2", content + b"no stream"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<ns>0</ns>", "<ns>0</n>", "mismatched tag"),
        ("<ns>0</ns>", "", "expected an integer in <ns>, found 'none'"),
        ("<ns>0</ns>", "<ns>zero</ns>", "expected an integer in <ns>, found 'zero'"),
        ("<id>7</id>", "<id>seven</id>", "expected an integer in <id>"),
        ("<title>Körper 7 &amp; Co</title>", "", "expected a title"),
        ("Körper 7 &amp; Co</title>", "Körper 7 &nbsp; Co</title>", "undefined entity"),
        ("Ann &amp; Bob", "Ann & Bob", "not well-formed"),
        ("Ann &amp; Bob", "Ann &#0; Bob", "invalid character"),
        ("<id>7</id>", "<id>7</id><page>", "expected </page>, found <page>"),
        ("<id>7</id>", "<id>7</id><![CDATA[x]]>", "CDATA section"),
        ("<id>7</id>", f"<id>7</id>{LAUGHS}", "not well-formed"),
        ("Ann &amp; Bob", "Ann \udcff Bob", "well-formed XML in UTF-8"),
    ],
)
@pytest.mark.parametrize("ending", ["", ".bz2"])
@pytest.mark.parametrize("block_bytes", [1, 10**6])
def test_a_faulty_page_is_named(tmp_path, old, new, message, ending, block_bytes):
    pages = make_pages()
    assert old in pages[6]
    pages[6] = pages[6].replace(old, new, 1)
    dump = (HEADER + "".join(pages) + "</mediawiki>").encode(errors="surrogateescape")
    path = write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](dump))
    found = fails(path, block_bytes=block_bytes)
    assert message in found
    assert "page 'Körper 7" in found or "page 'without a title'" in found or "'Körper 6" in found
    assert "download it again" in found


def test_the_place_of_a_fault_is_its_byte(tmp_path):
    dump = join_dump(make_pages()).replace(b"word23", b"word<3")
    place = dump.index(b"word<3")
    for ending in ("", ".gz"):
        path = write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](dump))
        for block_bytes, inline in ((1, True), (3000, True), (10**6, False)):
            message = fails(path, block_bytes=block_bytes, inline=inline)
            byte = int(message.partition("(byte ")[2].partition(")")[0].replace(",", ""))
            assert place <= byte <= place + 6


def test_a_page_in_a_comment_is_an_error_whatever_the_block_size(tmp_path):
    hidden = "<!-- " + make_page(99, "Hidden", "text") + " -->"
    path = write(tmp_path / "dump.xml", join_dump([*make_pages(3), hidden, *make_pages(2)]))
    for block_bytes in (1, 1000, 2000, 10**6):
        fails(path, block_bytes=block_bytes)


@pytest.mark.parametrize("ending", CONTAINERS)
def test_entities_are_refused_before_they_unfold(tmp_path, ending):
    dump = (LAUGHS + HEADER.replace("Wikipedia", "&b;") + make_page(1, "A", "x") + "</mediawiki>").encode()
    assert "document type declaration" in fails(
        write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](dump))
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found an empty file"),
        ("<?xml version='1.0'?><rss><page></page></rss>", "root element <rss>"),
        ("<!DOCTYPE html><html><body>404</body></html>", "document type declaration"),
        ("<mediawiki><siteinfo></siteinfo></mediawiki>", "found no <page>"),
        ("<mediawiki><siteinfo>", "expected the whole header of a MediaWiki dump"),
        ("<mediawiki><siteinfo><page></page></mediawiki>", "expected the whole header of a MediaWiki dump"),
        ("<mediawiki>" + " " * (2**21) + "<page></page></mediawiki>", "found no <page>"),
        (HEADER.encode("utf-16"), "expected MediaWiki XML"),
    ],
)
def test_a_header_that_is_none_is_an_error(tmp_path, content, message):
    path = write(tmp_path / "dump.xml", content)
    assert message in fails(path)


def test_what_is_no_page_is_an_error(tmp_path):
    path = write(tmp_path / "dump.xml", join_dump([*make_pages(1), "<logitem></logitem>"]))
    assert "expected <page>, found <logitem>" in fails(path)


@pytest.fixture
def small_limit(monkeypatch):
    for module in (mediawiki, pages):
        monkeypatch.setattr(module, "MAX_ARTICLE_BYTES", 100_000)
    monkeypatch.setattr(streams, "CHUNK_BYTES", 10_000)


@pytest.mark.parametrize("ending", CONTAINERS)
@pytest.mark.parametrize(("block_bytes", "inline"), [(1, True), (10**7, True), (1, False)])
def test_a_page_above_the_limit_is_an_error(tmp_path, small_limit, ending, block_bytes, inline):
    dump = join_dump([*make_pages(2), make_page(3, "Long", "a" * 150_000), *make_pages(2)])
    path = write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](dump))
    assert "expected pages of at most 100,000 bytes" in fails(path, block_bytes=block_bytes, inline=inline)


def test_a_page_that_never_ends_is_an_error_long_before_its_end(tmp_path, small_limit):
    with gzip.open(tmp_path / "bomb.xml.gz", "wb", 1) as file:
        file.write((HEADER + "<page><title>Bomb</title><text>").encode())
        for _ in range(100):
            file.write(b"a" * 10**6)
    for inline in (True, False):
        tracemalloc.start()
        assert "larger one" in fails(tmp_path / "bomb.xml.gz", inline=inline)
        assert tracemalloc.get_traced_memory()[1] < 10**7
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("\n", "\n12:34:Early\n", 3), "expected offset:page id:title"),
        (lambda text: "Not an index\n" + text, "expected offset:page id:title"),
        (lambda text: "", "found nothing"),
        (lambda text: text + "99999999:1:Late\n", "offset 99,999,999 in"),
        (lambda text: text.replace(":", "1:", 1), "download both again, or move the index away"),
        (lambda text: "".join(text.splitlines(True)[3:]), "found pages before it"),
    ],
)
def test_an_index_that_does_not_fit_is_an_error(tmp_path, change, message):
    path = write_multistream(tmp_path, make_pages())
    index = next(tmp_path.glob("*index*"))
    index.write_bytes(bz2.compress(change(bz2.decompress(index.read_bytes()).decode()).encode()))
    with pytest.raises(UserError, match=r"-multistream") as failure:
        read_all(path, block_bytes=1)
    assert message in str(failure.value)


def test_the_index_of_another_dump_is_an_error(tmp_path):
    path = write_multistream(tmp_path, make_pages(24, 60))
    other = (
        write_multistream(tmp_path / "other", make_pages(24, 61))
        if (tmp_path / "other").mkdir() is None
        else 0
    )
    index = next(tmp_path.glob("*index*"))
    index.write_bytes(next(other.parent.glob("*index*")).read_bytes())
    fails(path)


def test_pages_are_read_from_bytes_that_end_inside_nothing(tmp_path):
    """Blocks read alone, in any order, hold what they hold together."""
    path = write(tmp_path / "dump.xml", join_dump(make_pages()))
    blocks = list(plan_blocks([path], 1500))
    alone = {b.name: [a.article_id for a in read_block(b, Counter())] for b in reversed(blocks)}
    together = [article.article_id for article in read_all(path)[0]]
    assert [number for name in sorted(alone) for number in alone[name]] == together


# Memory


def measure_peak(path, inline) -> int:
    tracemalloc.start()
    for block in plan_blocks([path], 2**18, inline):
        if not inline:
            for _ in read_block(block, Counter()):
                pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("inline", [True, False])
def test_memory_does_not_grow_with_the_stream(tmp_path, inline):
    page = make_page(1, "Long", "word " * 4000)  # 20 KB
    peaks = {}
    for n_pages in (150, 1500):
        with gzip.open(tmp_path / f"{n_pages}.xml.gz", "wb", 1) as file:
            file.write(HEADER.encode())
            for _ in range(n_pages):
                file.write(page.encode())
            file.write(b"</mediawiki>")
        peaks[n_pages] = measure_peak(tmp_path / f"{n_pages}.xml.gz", inline)
    assert peaks[1500] < 1.1 * peaks[150]
    assert peaks[1500] < 12 * 2**20


# Garbage


@within
@given(
    head=st.sampled_from([b"", b"<mediawiki>", HEADER.encode(), HEADER.encode() + b"<page><title>T</title>"]),
    body=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [b"<page>", b"</page>", b"<text>", b"</text>", b"</mediawiki>", b"<ns>0</ns>", b"<!--"]
            ),
            st.sampled_from(
                [b"<id>5</id>", b"<revision>", b"</revision>", b"&b;", b"]]>", b"\xff", b"<![CDATA["]
            ),
        ),
        max_size=12,
    ),
    block_bytes=st.integers(1, 200),
    ending=st.sampled_from(sorted(CONTAINERS)),
)
def test_garbage_is_an_error_or_articles(tmp_path, head, body, block_bytes, ending):
    path = write(tmp_path / f"dump.xml{ending}", CONTAINERS[ending](head + b"".join(body)))
    for inline in (True, False):
        try:
            read_all(path, block_bytes=block_bytes, inline=inline)
        except UserError as error:
            assert str(path) in str(error)


@within
@given(data=st.data())
def test_changed_bytes_are_an_error_or_articles(tmp_path, data):
    ending = data.draw(st.sampled_from(sorted(CONTAINERS)))
    content = bytearray(CONTAINERS[ending](join_dump(make_pages(4, 5))))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = write(tmp_path / f"dump.xml{ending}", bytes(content))
    try:
        read_all(path, block_bytes=data.draw(st.integers(1, 2000)))
    except UserError as error:
        assert str(path) in str(error)


# The real cleaning, and real dumps


@pytest.fixture
def real_wikitext(monkeypatch):
    monkeypatch.undo()
    pytest.importorskip("science_exam.corpus.wikitext")
    return importlib.import_module("science_exam.corpus.wikitext")


def test_wikitext_is_cleaned(tmp_path, plain_wikitext, real_wikitext):
    text = "'''Mass''' is a [[property]].\n\n== Units ==\nThe [[kilogram]].\n[[Category:Physics]]"
    (article,), _ = read_one(tmp_path, join_dump([make_page(1, "Mass", text)]))
    assert article.sections[0].text == "Mass is a property."
    assert (article.sections[1].path, article.sections[1].text) == ("Units", "The kilogram.")
    assert article.categories == ("Physics",)


@needs_shared
@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (
            "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
            {"pages": 206, "redirects": 99, "other namespaces": 1, "articles": 106},
        ),
        ("enwiki-pages-articles-sample.xml.bz2", {"pages": 3, "redirects": 1, "articles": 2}),
        ("enwiki-table-markup.xml.bz2", {"pages": 5, "articles": 5}),
        (
            "smallwiki-latest-pages-articles.xml",
            {"pages": 2004, "redirects": 147, "other namespaces": 954, "articles": 903},
        ),
    ],
)
def test_real_dumps_are_read_whole(name, counts, tmp_path):
    path = SHARED / "wikipedia" / "mediawiki_xml" / name
    whole, found = read_all(path, block_bytes=10**9)
    # One of the 100 redirects is outside the main namespace; 6 of the 106 articles are disambiguation.
    found["articles"] += found.pop("disambiguation", 0)
    assert found == counts
    assert read_all(path, block_bytes=100_000)[0] == whole
    assert read_all(path, block_bytes=1, inline=False)[0] == whole
    content = path.read_bytes() if path.suffix == ".xml" else bz2.decompress(path.read_bytes())
    other = write(tmp_path / f"{path.name.split('.')[0]}.xml.gz", gzip.compress(content, 1))
    assert [a.title for a in read_all(other, block_bytes=50_000)[0]] == [a.title for a in whole]
