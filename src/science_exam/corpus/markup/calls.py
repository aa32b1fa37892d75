"""A template call as its expansion sees it."""

from collections.abc import Callable, Iterator

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode


class Call:
    """Arguments of one template call, rendered to text when they are asked for and not before."""

    def __init__(self, name: str, template: Template, render: Callable[[Wikicode], str]) -> None:
        self.name = name
        # Unnamed arguments are named "1", "2" …; of two with one name the last counts, as in MediaWiki.
        self._arguments = {render(param.name).strip(): param.value for param in template.params}
        self._render = render

    def get(self, *keys: str) -> str:
        """The first of these arguments that is not empty, stripped; "" without one."""
        for key in keys:
            if key in self._arguments and (text := self._render(self._arguments[key]).strip()):
                return text
        return ""

    def has(self, key: str) -> bool:
        """Whether the argument is given, be it empty."""
        return key in self._arguments

    def list_positional(self) -> list[str]:
        """The unnamed arguments in order, stripped, without empty ones at the end."""
        numbered = (self.get(str(number)) for number in self._numbers())
        texts = list(numbered)
        while texts and not texts[-1]:
            texts.pop()
        return texts

    def _numbers(self) -> Iterator[int]:
        number = 1
        while str(number) in self._arguments:
            yield number
            number += 1

    def list_all(self) -> Iterator[tuple[str, str]]:
        """Every argument in the order of the page."""
        for key, value in self._arguments.items():
            yield key, self._render(value).strip()
