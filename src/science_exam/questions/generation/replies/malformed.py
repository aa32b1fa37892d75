"""Why a reply is no question."""


class Malformed(ValueError):  # noqa: N818
    """A reply without a question, or with one that can be read in two ways.

    Attributes:
        reason: short and one of few, to count by: "cut off", "several answers".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
