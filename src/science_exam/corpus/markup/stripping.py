"""Wikitext -> wikitext without comments, extension tags, HTML tags and entities.

This is MediaWiki's own order: extension tags (`<math>`, `<nowiki>`, `<ref>` …) come off before a
template or link is looked at, because what they hold is not wikitext. It also leaves the parser a
third less to read: references are that much of an article.
"""

import html
import re

from science_exam.corpus.markup.marks import (
    BREAK,
    DROPPED,
    HIDDEN,
    HIDDEN_END,
    PRIVATE,
    SCRIPT_END,
    SUBSCRIPT,
    SUPERSCRIPT,
    Kept,
)
from science_exam.corpus.markup.mathematics import clean_chemistry, clean_latex

_TOKEN = re.compile(
    r"<!--|<(?P<slash>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]*)(?P<attributes>(?![a-zA-Z0-9])[^<>]*)>|<"
    r"|&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});|__[A-Z]{3,}__"
)
# Extension tags whose content goes with them …
_REMOVED_NAMES = """
ref references gallery timeline score hiero imagemap graph chart mapframe maplink templatestyles style section
indicator inputbox categorytree templatedata includeonly
"""
_REMOVED = frozenset(_REMOVED_NAMES.split())
# … and those whose content is no wikitext, but is read.
_VERBATIM = frozenset(("nowiki", "math", "chem", "ce", "pre", "syntaxhighlight", "source"))
# Tags that say how text looks, not what it says; "x/" is "</x>".
_TRANSPARENT_NAMES = """
abbr b bdi bdo big cite code data del dfn em font i ins kbd mark noinclude onlyinclude rb rp rt ruby s samp
small span strike strong time tt u var wbr table/ tr/ td/ th/ caption/ tbody thead tfoot ul ol dl li/ dt/ dd/
ul/ ol/ dl/
"""
_TRANSPARENT = frozenset(_TRANSPARENT_NAMES.split())
_BLOCKS = "br p div center blockquote poem h1 h2 h3 h4 h5 h6"
_REPLACED = {
    **{tag: BREAK for name in _BLOCKS.split() for tag in (name, f"{name}/")},
    "sup": SUPERSCRIPT,
    "sup/": SCRIPT_END,
    "sub": SUBSCRIPT,
    "sub/": SCRIPT_END,
    "q": '"',
    "q/": '"',
    "hr": "\n",
    "li": "\n* ",
    "dt": "\n; ",
    "dd": "\n: ",
    "table": "\n{|\n",
    "table/": "\n|}\n",
    "tr": "\n|-\n",
    "caption": "\n|+ ",
}
# Decoded, these would be read as markup.
_MARKUP_CHARACTERS = frozenset("<>[]{}|'=*#:;!&\n_~")
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def strip_tags(wikitext: str, kept: Kept) -> str:
    """Wikitext of templates, links, lists and tables only.

    Formulas, code and literal brackets are held by `kept`. Tags that are never closed lose the tag,
    not the text after it; a comment that is never closed ends with its line.
    """
    return _Stripper(PRIVATE.sub("", wikitext), kept).strip(0, None)


class _Stripper:
    """One pass over a page; the state is what it has learnt about closing tags and open spans."""

    def __init__(self, text: str, kept: Kept) -> None:
        self._text = text
        self._kept = kept
        self._closers: dict[str, re.Match | None] = {}  # the next closing tag of a name, once sought
        self._spans: list[bool] = []  # for each open <span> or <div>, whether it hides its text

    def strip(self, start: int, end: int | None) -> str:
        end = len(self._text) if end is None else end
        pieces, position = [], start
        while match := _TOKEN.search(self._text, position, end):
            pieces.append(self._text[position : match.start()])
            piece, position = self._replace(match)
            pieces.append(piece)
        pieces.append(self._text[position:end])
        return "".join(pieces)

    def _replace(self, match: re.Match) -> tuple[str, int]:
        """What stands for a token, and where reading goes on."""
        token = match[0]
        if token == "<!--":
            return "", self._skip_comment(match)
        if token[0] == "_":
            return "", match.end()
        if token[0] == "&":
            return self._decode(token), match.end()
        name = (match["name"] or "").lower()
        if name in _REMOVED or name in _VERBATIM or name == "poem":
            return self._replace_extension(match, name)
        return self._replace_html(match, name)

    def _skip_comment(self, match: re.Match) -> int:
        text = self._text
        closed = text.find("-->", match.end())
        if closed < 0:
            line = text.find("\n", match.end())
            return len(text) if line < 0 else line
        closed += len("-->")
        # A comment alone on its line takes the line with it, else it would part a paragraph.
        before = text[max(0, match.start() - 1) : match.start()]
        return closed + 1 if before in ("", "\n") and text[closed : closed + 1] == "\n" else closed

    def _decode(self, token: str) -> str:
        character = html.unescape(token)
        if character == token or character in _MARKUP_CHARACTERS:
            return self._kept.keep(character)
        return "" if PRIVATE.search(character) else character

    def _replace_extension(self, match: re.Match, name: str) -> tuple[str, int]:
        left = DROPPED if name in _REMOVED else ""
        is_empty = match["slash"] or match["attributes"].endswith("/")
        closer = None if is_empty else self._find_closer(match, name)
        if closer is None:
            return left, match.end()
        if name in _REMOVED:
            return left, closer.end()
        if name == "poem":
            verses = self.strip(match.end(), closer.start())
            return BREAK + verses.strip("\n").replace("\n", BREAK) + BREAK, closer.end()
        return self._keep_verbatim(name, self._text[match.end() : closer.start()]), closer.end()

    def _find_closer(self, match: re.Match, name: str) -> re.Match | None:
        """The tag that closes an extension tag; None where another opens before: it was left open."""
        known = self._closers.get(name)
        if name not in self._closers or (known and known.start() < match.end()):
            known = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self._text, match.end())
            self._closers[name] = known
        if known is None or name in _VERBATIM:
            return known
        reopened = re.compile(rf"<{name}\b[^<>]*(?<!/)>", re.IGNORECASE)
        return None if reopened.search(self._text, match.end(), known.start()) else known

    def _keep_verbatim(self, name: str, content: str) -> str:
        if name == "math":
            return self._kept.keep(clean_latex(content)) if content.strip() else ""
        if name in ("chem", "ce"):
            return self._kept.keep(clean_chemistry(content)) if content.strip() else ""
        content = html.unescape(content)
        if name == "nowiki":
            return self._kept.keep(content.replace("\n", " ")) if content else ""
        content = content.strip("\n")
        if "\n" not in content:
            return self._kept.keep(content) if content else ""
        return BREAK + self._kept.keep(content) + BREAK

    def _replace_html(self, match: re.Match, name: str) -> tuple[str, int]:
        key = f"{name}/" if match["slash"] else name
        if name in ("span", "div"):
            return self._replace_span(match, key), match.end()
        if key in ("td", "th"):
            return f"\n{'|' if key == 'td' else '!'}{match['attributes']}|", match.end()
        if key in _REPLACED:
            return _REPLACED[key], match.end()
        if name in _TRANSPARENT or key in _TRANSPARENT:
            return "", match.end()
        return self._kept.keep("<"), match.start() + 1  # no tag: "a < b", or <unknown>

    def _replace_span(self, match: re.Match, key: str) -> str:
        around = _REPLACED.get(key, "")
        if match["slash"]:
            return HIDDEN_END if self._spans and self._spans.pop() else around
        if match["attributes"].endswith("/"):
            return around
        hides = bool(_HIDING.search(match["attributes"]))
        self._spans.append(hides)
        return HIDDEN if hides else around
