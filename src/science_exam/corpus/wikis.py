"""What is known of a wiki beside its pages: name, addresses, licence, disambiguation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

# Domain -> ending of the database's name, "en.wikipedia.org" -> "enwiki".
PROJECTS = {
    "wikipedia.org": "wiki",
    "wiktionary.org": "wiktionary",
    "wikibooks.org": "wikibooks",
    "wikiversity.org": "wikiversity",
    "wikisource.org": "wikisource",
    "wikiquote.org": "wikiquote",
    "wikivoyage.org": "wikivoyage",
}
# Wikimedia's terms of use (section 7, "Licensing of Content", since June 2023) put the text of these
# projects under this licence. No dump says so itself; text under 3.0 may be passed on under 4.0.
WIKIMEDIA_LICENCE = "CC-BY-SA-4.0"
# Databases whose name ends in "wiki" but that are no Wikipedia.
NOT_WIKIPEDIAS = {"commons", "incubator", "mediawiki", "meta", "sources", "species", "wikidata"}

DISAMBIGUATION_TITLE = re.compile(r"\(disambiguation\)$", re.IGNORECASE)
# "Articles with links needing disambiguation" and the like are about articles.
DISAMBIGUATION_CATEGORY = re.compile(r"disambiguation$|\bdisambiguation pages\b", re.IGNORECASE)
NOT_DISAMBIGUATION_CATEGORY = re.compile(r"\b(needing|needed|with links)\b", re.IGNORECASE)
DISAMBIGUATION_TEXT = re.compile(r"[^\n]{0,300}\brefers? to:?\s*(?:\n|$)")


@dataclass(frozen=True)
class Origin:
    """Where a file's articles come from.

    `source` stands before the colon of their ids; `url_prefix` stands before a title in addresses.
    """

    source: str
    url_prefix: str | None = None
    licence: str | None = None


def name_wiki(url: str) -> str | None:
    """The database's name of the Wikimedia wiki that an address belongs to.

    >>> name_wiki("https://en.wikipedia.org/wiki/Atom")
    'enwiki'
    """
    language, _, domain = _host(url).partition(".")
    return language.replace("-", "_") + PROJECTS[domain] if language and domain in PROJECTS else None


def find_licence(url: str) -> str | None:
    """The licence of the text at an address, where it is a Wikimedia wiki's."""
    return WIKIMEDIA_LICENCE if name_wiki(url) else None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that are no IPv6 address
        return ""


def locate_wiki(name: str) -> str | None:
    """What stands before a title in the addresses of a Wikimedia wiki, from its database's name.

    >>> locate_wiki("enwiki")
    'https://en.wikipedia.org/wiki/'
    """
    for domain, ending in PROJECTS.items():
        language = name.removesuffix(ending)
        if language not in ("", name) and language not in NOT_WIKIPEDIAS:
            return f"https://{language.replace('_', '-')}.{domain}/wiki/"
    return None


def make_url(prefix: str | None, title: str) -> str | None:
    """The address of a page, with spaces and special characters as MediaWiki writes them."""
    return None if prefix is None else prefix + quote(title.replace(" ", "_"), safe=";@$!*(),/~:")


def is_disambiguation(title: str, text: str = "", categories: Iterable[str] = ()) -> bool:
    """Whether an English page only lists the meanings of its title.

    Judged by a title in "(disambiguation)", a category for such pages, or a first line that ends in
    "refer to:".
    """
    return (
        bool(DISAMBIGUATION_TITLE.search(title))
        or bool(DISAMBIGUATION_TEXT.match(text))
        or any(
            DISAMBIGUATION_CATEGORY.search(name) and not NOT_DISAMBIGUATION_CATEGORY.search(name)
            for name in categories
        )
    )
