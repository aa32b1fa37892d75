"""The trie of the options' tokens: what the decoder may say next, and where options part."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class OptionTrie:
    """A node: the tokens that may follow, and the option that ends here (None inside).

    The root is made by `build_trie`. A node with one child is forced; a node with several is a
    decision.
    """

    children: dict[int, "OptionTrie"] = field(default_factory=dict)
    option: int | None = None

    def forced_tokens(self) -> tuple[list[int], "OptionTrie"]:
        """Tokens that leave no choice from here on, and the first node that does (or the end)."""
        tokens, node = [], self
        while len(node.children) == 1:
            [(token, node)] = node.children.items()
            tokens.append(token)
        return tokens, node

    @property
    def decides_at_once(self) -> bool:
        """True when at most one decision stands between here and every option."""
        decision = self.forced_tokens()[1]
        return all(not child.forced_tokens()[1].children for child in decision.children.values())

    def find_decision(self, n_options: int) -> tuple[list[int], list[int]]:
        """Tokens before the one decision of a trie that decides at once, and each option's token there."""
        forced, decision = self.forced_tokens()
        tokens = [0] * n_options  # a single option is decided without a token
        for token, child in decision.children.items():
            tokens[child.forced_tokens()[1].option - 1] = token
        return forced, tokens


def build_trie(options: Sequence[Sequence[int]]) -> OptionTrie:
    """The trie of token sequences; option numbers count from 1.

    Every sequence should end in the end-of-text token: then no option is the beginning of another,
    and "option_1" can be told from "option_10".

    Raises:
        ValueError: two equal options, or one that is the beginning of another.

    Example:
        >>> root = build_trie([[7, 1, 0], [7, 2, 0]])
        >>> tokens, decision = root.forced_tokens()
        >>> tokens, sorted(decision.children)
        ([7], [1, 2])
    """
    root = OptionTrie()
    for number, tokens in enumerate(options, start=1):
        node = root
        for token in tokens:
            if node.option is not None:
                raise ValueError(f"option {node.option} is the beginning of option {number}")
            node = node.children.setdefault(token, OptionTrie())
        if node.children or node.option is not None:
            raise ValueError(f"option {number} is the same as, or the beginning of, another option")
        node.option = number
    return root
