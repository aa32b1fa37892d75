"""One request to a server that speaks OpenAI's chat completions, and what may become of it."""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from science_exam.errors import UserError
from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server.api_key import ApiKey
from science_exam.questions.generation.server.completions import (
    FILTERED,
    MAX_TOKENS,
    Completion,
    read_completion,
)
from science_exam.questions.generation.server.meter import Usage
from science_exam.questions.generation.server.pacing import read_retry_after
from science_exam.questions.generation.server.rejections import (
    NO_CREDIT,
    explain_redirect,
    explain_rejection,
    read_message,
    shorten,
)

NO_CONNECTION, TIMEOUT = "no connection", "timeout"
SERVER_BUSY, SERVER_ERROR = "server busy", "server error"
TOO_MANY_REQUESTS = 429
BUSY_STATUSES = {408, 409, 425, TOO_MANY_REQUESTS, 503}

MAX_CONNECT_SECONDS = 10.0
MAX_RESPONSE_BYTES = 8 * 2**20  # of a reply of some kilobytes
CHUNK_BYTES = 4096
TOO_LONG = re.compile(r"context.?(?:length|size|window)|maximum context", re.IGNORECASE)  # of a prompt
MAX_COMPLETION_TOKENS = "max_completion_tokens"  # what newer models of OpenAI call MAX_TOKENS


class RetryableError(Exception):
    """A request failed in a way that may pass.

    Attributes:
        reason: in few words, for counting.
        status: of the response; 0 where none came.
        pause_seconds: that the server asks for.
        perhaps_paid: the server may have written a reply, which did not arrive.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        status: int = 0,
        pause_seconds: float | None = None,
        perhaps_paid: bool = False,
    ) -> None:
        super().__init__(shorten(detail))
        self.reason = reason
        self.status = status
        self.pause_seconds = pause_seconds
        self.perhaps_paid = perhaps_paid


class ChatClient:
    """Sends requests to one server; safe from several threads."""

    def __init__(self, config: EndpointConfig) -> None:
        """Make ready; nothing is sent.

        Raises:
            UserError: no model is named, the address is none up to the version, or the key is none that
                a header can hold.
        """
        if not config.model:
            raise UserError("endpoint.model: expected the name under which the server knows it, found none")
        self.config = config
        self._url = f"{_check_url(config.url)}/chat/completions"
        self._key = ApiKey(config.key_variable)
        self._limit_name = MAX_TOKENS
        self._session = requests.Session()
        self._session.auth = self._key
        self._session.mount(self._url, HTTPAdapter(pool_maxsize=config.concurrency, max_retries=0))

    def close(self) -> None:
        """Close the connections that wait in the pool."""
        self._session.close()

    def complete(self, body: dict[str, Any]) -> Completion:
        """Send one request.

        Args:
            body: as `write_body` makes it.

        Raises:
            RetryableError: no whole reply came, or the server asks for patience.
            UserError: the server rejects the request, as it would all others, or wants to redirect it.
        """
        limit_name = self._limit_name
        renamed = {limit_name if name == MAX_TOKENS else name: value for name, value in body.items()}
        status, headers, content = self._post(renamed)
        if status == 200:
            return self._read_reply(content, body)
        if 300 <= status < 400:
            raise explain_redirect(status, self._key.mask(headers.get("Location", "")), self.config)
        message, code = read_message(content)
        if status == 400 and limit_name == MAX_TOKENS and MAX_COMPLETION_TOKENS in message:
            self._limit_name = MAX_COMPLETION_TOKENS
            return self.complete(body)
        if status == 400 and (code == FILTERED or TOO_LONG.search(f"{message} {code}")):
            return Completion(None, Usage())  # it concerns this request, not the next ones
        raise self._explain_status(status, headers, self._key.mask(message), code)

    def _read_reply(self, content: bytes, body: dict[str, Any]) -> Completion:
        try:
            completion = read_completion(content, body["messages"])
        except ValueError as error:
            raise RetryableError(SERVER_ERROR, self._key.mask(str(error)), perhaps_paid=True) from None
        text = completion.text and self._key.mask_reply(completion.text)
        return Completion(text, completion.usage, completion.truncated)

    def _explain_status(self, status: int, headers: Mapping[str, str], message: str, code: str) -> Exception:
        busy = status in BUSY_STATUSES and code != NO_CREDIT
        if 400 <= status < 500 and not busy:
            return explain_rejection(status, message, self.config, has_key=self._key.is_set)
        pause_seconds = read_retry_after(headers.get("Retry-After"), time.time())
        reason = SERVER_BUSY if busy else SERVER_ERROR
        return RetryableError(reason, f"status {status}: {message}", status, pause_seconds)

    def _post(self, body: dict[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content; what is larger than a reply can be is cut, and then no JSON."""
        seconds = self.config.timeout_seconds
        deadline = time.monotonic() + seconds
        content = bytearray()
        try:
            with self._session.post(
                self._url,
                json=body,
                headers={"Accept-Encoding": "identity"},
                timeout=(min(seconds, MAX_CONNECT_SECONDS), seconds),
                allow_redirects=False,  # the key would go along
                stream=True,
            ) as response:
                for chunk in response.iter_content(CHUNK_BYTES):
                    content += chunk
                    if len(content) > MAX_RESPONSE_BYTES:
                        break
                    if time.monotonic() > deadline:  # the timeout above is one between two bytes
                        raise requests.Timeout(f"the reply was not whole after {seconds:g} seconds")
                return response.status_code, response.headers, bytes(content)
        except requests.RequestException as error:
            raise self._explain_trouble(error) from None

    def _explain_trouble(self, error: requests.RequestException) -> RetryableError:
        cause = error.args[0] if error.args else None
        detail = self._key.mask(str(getattr(cause, "reason", error)))
        if isinstance(error, requests.ConnectTimeout):
            return RetryableError(NO_CONNECTION, detail)
        if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
            return RetryableError(TIMEOUT, detail, perhaps_paid=True)
        broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
        if isinstance(error, broken) or isinstance(cause, ProtocolError):
            return RetryableError(SERVER_ERROR, detail, perhaps_paid=True)
        return RetryableError(NO_CONNECTION, detail)


def _check_url(url: str) -> str:
    """The address without a slash at its end."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half a bracket
        whole, parts = False, urlsplit("")
    # Not shown where it may hold a password.
    if "@" in url or parts.query or parts.fragment:
        raise UserError(
            "endpoint.url: expected an address without user, password, query and fragment; a key belongs in "
            "the environment variable that endpoint.key_variable names"
        )
    if not whole:
        raise UserError(f"endpoint.url: expected http(s)://host[:port]/v1, found {url!r}")
    return url.rstrip("/")
