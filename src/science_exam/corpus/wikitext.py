"""Wikitext of a page -> its sections as plain text that keeps what a science question asks for.

The steps are MediaWiki's: extension tags off, templates and links expanded, then tables, lists and
apostrophes. Numbers with units, formulas, tables and infoboxes stay; references, pictures,
navigation and notes to editors go.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mwparserfromhell.parser import ParserError

from science_exam.corpus.articles import PATH_SEPARATOR, Section
from science_exam.corpus.markup.blocks import flatten, split_lines
from science_exam.corpus.markup.marks import BREAK, BULLET, MARKS, PIPE, Kept
from science_exam.corpus.markup.outline import Part, split_headings
from science_exam.corpus.markup.rendering import Renderer
from science_exam.corpus.markup.stripping import strip_tags
from science_exam.corpus.markup.templates import normalize_name
from science_exam.corpus.markup.tidying import tidy_text

# Sections that hold no text of the article, by heading in lower case; their subsections go with them.
_APPENDICES = """
see also|references|reference|notes|endnotes|footnotes|citations|bibliography|selected bibliography
further reading|external links|external link|sources|gallery|image gallery|photo gallery|works cited
literature cited|cited sources|cited references|general references|general sources
general and cited references|explanatory notes|external sources|notes and references|references and notes
notes and citations|citations and references|notes and sources|references and sources
references and further reading|sources and further reading|see also and references
references and external links|external links and references|additional reading|suggested reading
"""
DROPPED_SECTIONS = frozenset(
    heading for row in _APPENDICES.split("\n") for heading in row.split("|") if heading
)
# Pages that list what a name may mean, lists of people of one name and set indexes included, by
# their own templates. ({{disambiguation needed}} is a note to editors in an ordinary article.)
_NAME_PAGES = """
disambiguation|disambig|disamb|dab|dmbox|disambiguation page|disambiguation cleanup|disambig-cleanup|hndis
geodis|human name disambiguation|hndis-cleanup|place name disambiguation|hospital disambiguation|hospitaldis
schooldis|school disambiguation|road disambiguation|roaddis|letter-number combination disambiguation
letter disambiguation|letter-number combo disambig|numberdis|mathematical disambiguation|mathdab
molecular formula disambiguation|chemistry disambiguation|species latin name disambiguation
taxonomy disambiguation|airport disambiguation|airport disambig|church disambiguation|station disambiguation
military unit disambiguation|mil-unit-dis|biology disambiguation|genus disambiguation|surname|given name
nickname|set index article|set index|sia|shipindex|ship index|mountainindex|mountain index|roadindex
road index|sportindex|sport index|plant common name|fungus common name|animal common name|chemistry index
"""
_DISAMBIGUATION = frozenset(name for row in _NAME_PAGES.split("\n") for name in row.split("|") if name)
_TEMPLATE_NAME = re.compile(r"\{\{([^|{}\n]{1,60})[|}\n]")
_CATEGORY = re.compile(r"\[\[[ _]*category[ _]*:([^\[\]|{}\n]+)(?:\||\]\])", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[\]{}|]+")
_LINK_TARGET = re.compile(r"\[\[[^|\[\]]*\|")
_SPACES = re.compile(r"[^\S\n]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff\u202a-\u202e]")


@dataclass(frozen=True)
class CleanPage:
    """A page as text; sections without text are left out, the lead has the path ""."""

    sections: tuple[Section, ...]
    categories: tuple[str, ...]
    is_disambiguation: bool


def clean_wikitext(wikitext: str) -> CleanPage:
    """Text, categories and kind of a page.

    Broken markup never raises and never takes the rest of the page with it: what is not closed is
    read as if its opening were not there. Time grows with the length of the page.

    Args:
        wikitext: the source of one page.
    """
    kept = Kept()
    stripped = strip_tags(wikitext, kept)
    sections = []
    for path, body in _name_parts(split_headings(stripped), kept):
        text = "\n".join(_clean_lines(body, kept))
        if text:
            sections.append(Section(path=path, text=text))
    return CleanPage(
        sections=tuple(sections),
        categories=tuple(dict.fromkeys(kept.restore(name).strip() for name in _CATEGORY.findall(stripped))),
        is_disambiguation="__DISAMBIG__" in wikitext
        or any(normalize_name(name).lower() in _DISAMBIGUATION for name in _TEMPLATE_NAME.findall(stripped)),
    )


def _name_parts(parts: list[Part], kept: Kept) -> Iterator[tuple[str, str]]:
    """Section path and wikitext of each part that is read."""
    above: list[tuple[int, str]] = []  # level and text of the headings that the part stands under
    dropped_level = 0  # of the dropped section that we are in
    for part in parts:
        if dropped_level and part.level > dropped_level:
            continue
        heading = flatten(_clean_lines(part.heading, kept), " ")
        dropped_level = part.level if heading.lower().strip(" :.") in DROPPED_SECTIONS else 0
        if dropped_level:
            continue
        above = [(level, text) for level, text in above if level < part.level]
        if heading:
            above.append((part.level, heading))
        yield PATH_SEPARATOR.join(text for _, text in above), part.body


def _clean_lines(wikitext: str, kept: Kept) -> list[str]:
    """Finished lines of one part; the facts of its infoboxes come last."""
    rendered, facts = _render(wikitext)
    lines = split_lines(tidy_text(rendered))
    for key, value in facts:
        label = flatten(split_lines(tidy_text(key)), " ").rstrip(":")
        if text := flatten(split_lines(tidy_text(value))):
            lines.append(f"{label}: {text}" if label else text)
    finished = (_finish(line, kept) for line in lines)
    return [line for line in finished if line]


def _render(wikitext: str) -> tuple[str, list[tuple[str, str]]]:
    renderer = Renderer()
    try:
        return renderer.render_source(wikitext), renderer.facts
    except (ParserError, RecursionError):
        # Never seen on a real page. The words are what can still be saved: brackets and the
        # targets of links go, whatever the brackets hold stays.
        return _BRACKETS.sub(" ", _LINK_TARGET.sub("", wikitext)), []


def _finish(line: str, kept: Kept) -> str:
    """A line with its formulas and literal signs put back, and single spaces."""
    text = kept.restore(MARKS.sub("", line.replace(BULLET, "-").replace(PIPE, "|").replace(BREAK, " ")))
    text = _INVISIBLE.sub("", text)
    return "\n".join(part for part in (_SPACES.sub(" ", part).strip() for part in text.split("\n")) if part)
