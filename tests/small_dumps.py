"""Small invented article dumps, in every container, for the tests of the corpus readers."""

import bz2
import gzip
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from xml.sax.saxutils import escape

import pytest

from science_exam.corpus.articles import Article, Section
from science_exam.corpus.dumps import plan_blocks, read_block

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs {SHARED}, which is not in the project")
# Modules that check the size of a page, a line or a document.
SIZED = [
    f"science_exam.corpus.{m}" for m in ("mediawiki", "pages", "lines", "textbooks", "extracted", "arrays")
]

HEADER = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>enwiki</dbname>
    <base>https://en.wikipedia.org/wiki/Main_Page</base>
    <namespaces><namespace key="0" case="first-letter" /><namespace key="1">Talk</namespace></namespaces>
  </siteinfo>
"""


@dataclass(frozen=True)
class CleanPage:
    sections: tuple[Section, ...]
    categories: tuple[str, ...]
    is_disambiguation: bool


def clean_plainly(wikitext: str) -> CleanPage:
    """Stands in for the real cleaning: one section, categories cut out."""
    categories = re.findall(r"\[\[Category:(.*?)\]\]", wikitext)
    text = re.sub(r"\[\[Category:.*?\]\]", "", wikitext).strip()
    return CleanPage((Section("", text),), tuple(categories), "{{disambiguation}}" in text)


@pytest.fixture
def plain_wikitext(monkeypatch):
    module = ModuleType("science_exam.corpus.wikitext")
    module.clean_wikitext = clean_plainly
    monkeypatch.setitem(sys.modules, module.__name__, module)


def make_page(
    number: int, title: str, text: str, namespace: int = 0, extra: str = "", model: str = "wikitext"
) -> str:
    return f"""  <page>
    <title>{escape(title)}</title>
    <ns>{namespace}</ns>
    <id>{number}</id>
{extra}    <revision>
      <id>{number + 7000}</id>
      <contributor><username>Ann &amp; Bob</username><id>3</id></contributor>
      <model>{model}</model>
      <text bytes="{len(text)}" xml:space="preserve">{escape(text, {'"': "&quot;"})}</text>
    </revision>
  </page>
"""


def make_pages(n_pages: int = 24, n_words: int = 40) -> list[str]:
    """Articles, and every sixth page something else."""
    pages = []
    for number in range(1, n_pages + 1):
        title, text = f"Körper {number} & Co", f'A <ref>{number}</ref> "body" of mass m² '
        text += " ".join(f"word{number * word % 97}" for word in range(n_words * (number % 5)))
        text += "\n[[Category:Bodies]]"
        kind = number % 12
        if kind == 0:
            pages.append(make_page(number, title, "#redirect [[Mass]]"))
        elif kind == 3:
            pages.append(make_page(number, title, "x", extra='    <redirect title="Mass" />\n'))
        elif kind == 6:
            pages.append(make_page(number, f"Talk:{title}", text, namespace=1))
        elif kind == 9:
            pages.append(make_page(number, title, text + "{{disambiguation}}"))
        else:
            pages.append(make_page(number, title, text))
    return pages


def join_dump(pages: list[str], header: str = HEADER) -> bytes:
    return (header + "".join(pages) + "</mediawiki>\n").encode()


def compress_lines_apart(content: bytes) -> bytes:
    """Two bzip2 streams, one behind the other."""
    middle = len(content) // 2
    return bz2.compress(content[:middle]) + bz2.compress(content[middle:])


# Name ending -> how the content is stored.
CONTAINERS = {
    "": lambda content: content,
    ".gz": lambda content: gzip.compress(content, 1),
    ".bz2": bz2.compress,
    ".two.bz2": compress_lines_apart,
}


def write_multistream(folder: Path, pages: list[str], per_stream: int = 3, part: str = "") -> Path:
    """A multistream dump and its index; `part` is how a split dump's file is named further."""
    number, _, rest = part.partition("-")
    path = folder / f"enwiki-20240101-pages-articles-multistream{number}.xml{part and '-' + rest}.bz2"
    content, lines = bz2.compress(HEADER.encode()), []
    for start in range(0, len(pages), per_stream):
        stream = pages[start : start + per_stream]
        lines += [f"{len(content)}:{find_number(page)}:{find_title(page)}\n" for page in stream]
        content += bz2.compress("".join(stream).encode())
    path.write_bytes(content + bz2.compress(b"</mediawiki>\n"))
    index = f"enwiki-20240101-pages-articles-multistream-index{number}.txt{part and '-' + rest}.bz2"
    (folder / index).write_bytes(bz2.compress("".join(lines).encode()))
    return path


def find_number(page: str) -> str:
    return re.search(r"<id>(\d+)</id>", page)[1]


def find_title(page: str) -> str:
    return re.search(r"<title>(.*)</title>", page)[1]


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_all(
    *paths: Path, block_bytes: int = 10**6, inline: bool = True
) -> tuple[list[Article], Counter[str]]:
    """All articles of some sources, and what was counted."""
    counts: Counter[str] = Counter()
    blocks = plan_blocks(paths, block_bytes, inline)
    return [article for block in blocks for article in read_block(block, counts)], counts
