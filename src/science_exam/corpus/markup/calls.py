"""A template call as its expansion sees it."""

from collections.abc import Callable, Iterator

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from science_exam.corpus.markup.marks import DROPPED


class Call:
    """Arguments of one template call, rendered to text when they are asked for, and once.

    Once, because a template in a template in a template … would be rendered 2^depth times by
    expansions that ask twice.
    """

    def __init__(self, name: str, template: Template, render: Callable[[Wikicode], str]) -> None:
        self.name = name
        # Unnamed arguments are named "1", "2" …; of two with one name the last counts, as in MediaWiki.
        self._arguments = {
            render(param.name).strip(f"{DROPPED} \t\n"): param.value for param in template.params
        }
        self._render = render
        self._texts: dict[str, str] = {}

    def get(self, *keys: str) -> str:
        """The first of these arguments that is not empty, stripped; "" without one."""
        for key in keys:
            if key in self._arguments and (text := self._read(key)):
                return text
        return ""

    def has(self, key: str) -> bool:
        """Whether the argument is given, be it empty."""
        return key in self._arguments

    def list_positional(self) -> list[str]:
        """The unnamed arguments in order, without empty ones at the end."""
        texts: list[str] = []
        while (key := str(len(texts) + 1)) in self._arguments:
            texts.append(self._read(key))
        while texts and not texts[-1]:
            texts.pop()
        return texts

    def list_all(self) -> Iterator[tuple[str, str]]:
        """Every argument in the order of the page."""
        for key in self._arguments:
            yield key, self._read(key)

    def _read(self, key: str) -> str:
        if key not in self._texts:
            self._texts[key] = self._render(self._arguments[key]).strip(f"{DROPPED} \t\n")
        return self._texts[key]
