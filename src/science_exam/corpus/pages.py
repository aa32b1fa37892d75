"""The pages of a block of MediaWiki XML, and the articles among them.

A block is parsed below a root element of our own, so that a document type declaration, and with it
any entity, is malformed there.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from science_exam.corpus.articles import Article
from science_exam.corpus.lines import read_block_chunks
from science_exam.corpus.mediawiki import split_header, too_large
from science_exam.corpus.sources import MULTISTREAM, Block
from science_exam.corpus.streams import AGAIN, MAX_ARTICLE_BYTES, read_chunks
from science_exam.corpus.wikis import is_disambiguation, make_url
from science_exam.errors import UserError

ROOT_START, ROOT_END = b"<mediawiki>", b"</mediawiki>"
# Elements whose text is read, by depth: root 1, page 2, its children 3, its revision's children 4.
WANTED = {(3, "title"), (3, "ns"), (3, "id"), (4, "model"), (4, "text")}
CUT_OFF = {expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN}


@dataclass
class Page:
    """One <page>: the texts of its wanted elements by name; of several revisions the last."""

    offset: int  # of its first byte among the parsed bytes
    texts: dict[str, str] = field(default_factory=dict)
    is_redirect: bool = False


def read_articles(block: Block, counts: Counter[str]) -> Iterator[Article]:
    """The articles of a block; what becomes of every page is counted in `counts`.

    Raises:
        UserError: malformed or cut-off XML, text that is not UTF-8, a page without title, namespace or
            number, a page above MAX_ARTICLE_BYTES.
    """
    for page in read_pages(block):
        counts["pages"] += 1
        reason = _find_reason_against(page)
        article = None if reason else _make_article(page, block)
        if article is None or not article.sections:
            counts[reason or ("disambiguation" if article is None else "empty")] += 1
        else:
            yield article


def _find_reason_against(page: Page) -> str | None:
    texts = page.texts
    if texts["ns"] != "0":
        return "other namespaces"
    text = texts.get("text", "").lstrip()
    if page.is_redirect or text[:9].upper() == "#REDIRECT":
        return "redirects"
    if texts.get("model", "wikitext") != "wikitext":
        return "other content models"
    if is_disambiguation(texts["title"]):
        return "disambiguation"
    return None if text else "empty"


def _make_article(page: Page, block: Block) -> Article | None:
    """The page's article, or None for a disambiguation page."""
    from science_exam.corpus.wikitext import clean_wikitext

    clean = clean_wikitext(page.texts["text"])
    if clean.is_disambiguation:
        return None
    title = page.texts["title"]
    return Article(
        article_id=f"{block.source}:{page.texts['id']}",
        title=title,
        sections=tuple(section for section in clean.sections if section.text.strip()),
        source=block.source,
        url=make_url(block.origin.url_prefix, title),
        licence=block.origin.licence,
        categories=clean.categories,
    )


def read_pages(block: Block) -> Iterator[Page]:
    """The whole pages of a block, in their order."""
    if block.start is None:
        header, chunks = split_header(block.path, read_chunks(block.path))
        parser = _PageParser(block, len(header))
    else:
        chunks = read_block_chunks(block)
        parser = _PageParser(block, 0 if block.kind == MULTISTREAM else block.start)
    for chunk in chunks:
        yield from parser.feed(chunk)
    # Only the last block of a dump brings the closing tag itself: of others the planner cut it off.
    whole = block.start is None
    closes = whole or (block.kind == MULTISTREAM and block.stop == block.path.stat().st_size)
    yield from parser.finish(closes)


class _PageParser:
    """Feeds bytes to expat and gathers the pages that are complete."""

    def __init__(self, block: Block, offset: int) -> None:
        self.block = block
        self.first = offset - len(ROOT_START)  # the place in the file of the parser's first byte
        self.depth = 0
        self.page: Page | None = None
        self.last_title = ""
        self.done: list[Page] = []
        self.pieces: list[str] = []
        self.expat = expat.ParserCreate("utf-8")
        self.expat.buffer_text = True
        self.expat.buffer_size = 2**16
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self.expat.StartCdataSectionHandler = self._refuse_cdata
        self.expat.CommentHandler = self._check_comment
        self._parse(ROOT_START)

    def feed(self, chunk: bytes) -> list[Page]:
        self._parse(chunk)
        if self.page and self.expat.CurrentByteIndex - self.page.offset > MAX_ARTICLE_BYTES:
            raise too_large(self.block.path, self._place())
        done, self.done = self.done, []
        return done

    def finish(self, closes: bool) -> list[Page]:
        """Check that the last page is whole; `closes`: the bytes themselves close the root."""
        if not closes and self.depth == 1:
            self._parse(ROOT_END)
        self._parse(b"", last=True)
        return self.done

    def _parse(self, chunk: bytes, last: bool = False) -> None:
        try:
            self.expat.Parse(chunk, last)
        except expat.ExpatError as error:
            found = expat.errors.messages[error.code]
            if last and found in CUT_OFF:
                tag = "</page>" if self.page else "</mediawiki>"
                raise self._fault(f"expected {tag}, found the end") from None
            raise self._fault(f"expected well-formed XML in UTF-8, found: {found}") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 2:
            if name != "page":
                raise self._fault(f"expected <page>, found <{name}>")
            self.page = Page(self.expat.CurrentByteIndex)
        elif name == "page":
            raise self._fault("expected </page>, found <page>")
        elif (self.depth, name) in WANTED:
            self.pieces.clear()
            self.expat.CharacterDataHandler = self.pieces.append
        elif (self.depth, name) == (3, "redirect"):
            self.page.is_redirect = True

    def _end(self, name: str) -> None:
        if (self.depth, name) in WANTED:
            self.expat.CharacterDataHandler = None
            self.page.texts[name] = "".join(self.pieces)
        elif self.depth == 2:
            self._finish_page()
        self.depth -= 1

    def _finish_page(self) -> None:
        texts = self.page.texts
        if not texts.get("title", "").strip():
            raise self._fault("expected a title")
        for name in ("ns", "id"):
            if not texts.get(name, "").removeprefix("-").isdecimal():
                raise self._fault(f"expected an integer in <{name}>, found {texts.get(name, 'none')!r:.40}")
        if self.expat.CurrentByteIndex - self.page.offset > MAX_ARTICLE_BYTES:
            raise too_large(self.block.path, self._place())
        self.done.append(self.page)
        self.last_title, self.page = texts["title"], None

    def _refuse_cdata(self) -> None:
        raise self._fault("expected escaped text, found a CDATA section; MediaWiki writes none")

    def _check_comment(self, text: str) -> None:
        if "page>" in text:  # blocks might be cut inside it
            raise self._fault("expected pages, found one in a comment; MediaWiki writes none")

    def _fault(self, what: str) -> UserError:
        return UserError(f"{self.block.path}: {self._place()}: {what}; {AGAIN}")

    def _place(self) -> str:
        """The page that is being read, or the one before, and about where it stands."""
        byte = f"byte {max(0, self.first + self.expat.CurrentByteIndex):,}"
        if self.block.kind == MULTISTREAM and self.block.start is not None:
            byte += f" of the streams from byte {self.block.start:,} on"
        if self.page:
            title = self.page.texts.get("title", "without a title")
            return f"page {title!r:.80} ({byte})"
        return f"behind page {self.last_title!r:.80} ({byte})" if self.last_title else byte
