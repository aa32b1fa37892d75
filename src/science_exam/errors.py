"""The exceptions a user is meant to read."""


class UserError(Exception):
    """Something the user can mend: bad input, a missing file, a contradictory setting.

    The message says where (file, row, column), what was expected, what was found, and the next
    command to run; it is one line, whatever was found. Scripts print it without a traceback and
    exit with code 2.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))


class KaggleError(UserError):
    """What Kaggle refused or failed to do, or what was refused before Kaggle was asked; exit code 1."""

    exit_code = 1
