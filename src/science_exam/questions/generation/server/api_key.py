"""The key of a server: sent in one header, and nowhere else."""

import os

import requests

from science_exam.errors import UserError

MASK = "***"
MIN_SECRET_CHARS = 8  # local servers take "none" or "EMPTY", which may stand in any reply


class ApiKey:
    """A key that no message shows; for `requests`, an `auth`.

    Never false, though there may be no key: for an `auth` that is false `requests` looks for a password in
    ~/.netrc and sends that.
    """

    def __init__(self, variable: str) -> None:
        """Read the key from an environment variable; not set, or no variable named, is no key.

        Raises:
            UserError: it holds what no header can hold.
        """
        self._key = os.environ.get(variable, "").strip() if variable else ""
        # Checked here: the libraries below would show the key in their complaint.
        if not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
            raise UserError(
                f"environment variable {variable}: expected a key of visible ASCII characters in one line, "
                "found others; set it again (it is not shown here)"
            )

    @property
    def is_set(self) -> bool:
        """Whether there is a key."""
        return bool(self._key)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header to a request, where there is a key."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def mask(self, message: str) -> str:
        """A message of the server without the key, should it have been echoed."""
        return message.replace(self._key, MASK) if self._key else message

    def mask_reply(self, text: str) -> str:
        """A model's reply without the key; a placeholder like "none" is no secret and may be a word."""
        return self.mask(text) if len(self._key) >= MIN_SECRET_CHARS else text
