"""The one exception a user is meant to read."""


class UserError(Exception):
    """Something the user can mend: bad input, a missing file, a contradictory setting.

    The message is one line: where (file, row, column), what was expected, what was found, and the
    next command to run. Scripts print it without a traceback and exit with code 2.
    """
