"""Parsed wikitext -> text in which only lists, tables and quotes of apostrophes are still markup."""

import re
from dataclasses import dataclass, field

import mwparserfromhell
from mwparserfromhell.nodes import Argument, ExternalLink, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode

from science_exam.corpus.markup.calls import Call
from science_exam.corpus.markup.infobox import is_infobox, read_facts
from science_exam.corpus.markup.marks import DEFINITION, DROPPED, FILLER
from science_exam.corpus.markup.templates import PARSER_FUNCTIONS, find_expansion, normalize_name

_PARSED = re.compile(r"[\[{]|^;", re.MULTILINE)
_FALSE_HEADING = re.compile(r"^=", re.MULTILINE)
# Links to these put something beside the text, or nowhere: pictures, categories, other languages.
_UNSEEN_LINK = re.compile(
    r"\s*(?:(?i:file|image|media|category)\s*:|(?:[a-z]{2,3}(?:-[a-z-]+)?|simple):(?! )"
    r"|(?!:)[^:]*:.*\.(?i:svg|png|jpe?g|gif|tiff?|webp|og[agv]|webm|pdf|djvu)\s*$)"
)


@dataclass
class Renderer:
    """Renders the nodes of one section and gathers the facts of its infoboxes."""

    facts: list[tuple[str, str]] = field(default_factory=list)

    def render_source(self, wikitext: str) -> str:
        """Text of wikitext that has been stripped and outlined."""
        if not _PARSED.search(wikitext):
            return wikitext
        # Headings are known already; the tokenizer would recurse into each "=" that is not one.
        wikitext = _FALSE_HEADING.sub(f"{FILLER}=", wikitext)
        return self.render(mwparserfromhell.parse(wikitext, skip_style_tags=True))

    def render(self, code: Wikicode) -> str:
        """Text of some nodes, in order."""
        return "".join([self._render_node(node) for node in code.nodes])

    def _render_node(self, node: Node) -> str:
        kind = type(node)
        if kind is Text:
            return node.value
        if kind is Wikilink:
            return self._render_link(node)
        if kind is Template:
            return self._render_template(node)
        if kind is Tag:
            return self._render_tag(node)
        if kind is ExternalLink:
            return self._render_external_link(node)
        if kind is Argument:
            return self.render(node.default) if node.default is not None else DROPPED
        return str(node) if kind is HTMLEntity else ""

    def _render_link(self, link: Wikilink) -> str:
        title = self.render(link.title)
        if _UNSEEN_LINK.match(title):
            return DROPPED
        label = self.render(link.text) if link.text is not None else ""
        return label.strip() or title.strip().removeprefix(":")

    def _render_external_link(self, link: ExternalLink) -> str:
        if link.title is not None:
            return self.render(link.title)
        return DROPPED if link.brackets else self.render(link.url)

    def _render_tag(self, tag: Tag) -> str:
        """Signs of lists and rules go on as text: they are read once templates have put in theirs."""
        return DEFINITION if tag.wiki_markup == ":" else tag.wiki_markup or ""

    def _render_template(self, template: Template) -> str:
        raw = self.render(template.name)
        name = normalize_name(raw)
        function, colon, argument = raw.partition(":")
        if colon and (change := PARSER_FUNCTIONS.get(normalize_name(function))):
            return change(argument.strip())
        if is_infobox(name):
            start = len(self.facts)  # a box inside this one comes after it
            self.facts[start:start] = read_facts(Call(name, template, self.render))
            return DROPPED
        expansion = find_expansion(name)
        if expansion is None:
            return DROPPED
        return expansion(Call(name, template, self.render)) or DROPPED
