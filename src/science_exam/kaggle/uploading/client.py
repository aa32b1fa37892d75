"""The official client's Python API: requests repeated where that helps, and refusals said clearly.

Importing the official client logs in, prints, and may end the process: `connect` is the first to do so.
"""

import contextlib
import io
import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

from science_exam.errors import KaggleError, UserError
from science_exam.kaggle.uploading.messages import LOG_IN, explain, redact
from science_exam.kaggle.uploading.retrying import Patience, ask_again
from science_exam.kaggle.uploading.strict_uploads import TIMEOUT_SECONDS, StrictUploads

Answer = TypeVar("Answer")
SECRET_VARIABLES = ("KAGGLE_KEY", "KAGGLE_API_TOKEN")
SECRET_SETTINGS = ("key", "token")  # of the official client


class Client:
    """Someone who is logged in at Kaggle.

    Attributes:
        api: the official client.
        user: whose credentials it has.
        patience: how often a request is repeated, and how long is waited.
    """

    def __init__(self, api: Any, patience: Patience) -> None:
        self.api, self.patience = api, patience
        self.user = str(api.config_values.get("username") or "")
        known = [api.config_values.get(name) for name in SECRET_SETTINGS]
        self._secrets = tuple(filter(None, [*known, *map(os.environ.get, SECRET_VARIABLES)]))

    def ask(
        self, what: str, call: Callable[[], Answer], find: Callable[[], Answer | None] = lambda: None
    ) -> Answer:
        """What a request of the official client returns; what it prints is left out.

        Args:
            what: the request is for, as messages begin.
            call: makes the request.
            find: as of `ask_again`: whether it was served although its answer got lost.

        Raises:
            KaggleError: it was refused, or did not go through.
        """
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return ask_again(call, self.patience, find)
        except (json.JSONDecodeError, KeyError) as error:  # no JSON, or a state that has no name yet
            raise KaggleError(
                self.redact(
                    f"{what}: the official client cannot read the answer ({error!r}); a proxy may have sent "
                    f"it, or a newer client be needed"
                )
            ) from None
        except requests.RequestException as error:
            raise KaggleError(self.redact(explain(what, error))) from None
        except (ValueError, TypeError, OSError) as error:  # the official client's own checks; a full disk
            raise KaggleError(self.redact(f"{what}: {error}")) from None

    def find(self, what: str, call: Callable[[], Answer]) -> Answer | None:
        """As `ask`, but None where Kaggle says that there is no such thing.

        Of what belongs to nobody yet it says "forbidden" as often as "not found".
        """
        try:
            return self.ask(what, lambda: _catch_missing(call))
        except _MissingError:
            return None

    def call(self, service: str, method: str, request: Any) -> Any:
        """Make one request of the SDK: `call("kernels.kernels_api_client", "get_kernel", request)`."""
        with self.api.build_kaggle_client() as sdk:
            group, client = service.split(".")
            return getattr(getattr(getattr(sdk, group), client), method)(request)

    def redact(self, text: str) -> str:
        """A text without this user's secrets."""
        return redact(text, self._secrets)


class _MissingError(Exception):
    """There is no such thing at Kaggle, as far as this user may know."""


def _catch_missing(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code in (403, 404):
            raise _MissingError from None
        raise


class _TimedAdapter(HTTPAdapter):
    """Requests that end, where the official client sets no time limit."""

    def send(self, request, **settings):
        settings["timeout"] = settings.get("timeout") or TIMEOUT_SECONDS
        return super().send(request, **settings)


def connect(patience: Patience) -> Client:
    """Log in with the credentials in the official client's own places.

    Raises:
        UserError: the official client is not installed.
        KaggleError: there are no credentials, or they are no longer valid.
    """
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        official = _import_official()
    api = _make_api(official, patience)

    def log_in() -> bool:
        try:
            api.authenticate()
        except SystemExit:  # it prints a page of help and ends the process
            return False
        return bool(api.config_values.get("username"))

    if not Client(api, patience).ask("logging in", log_in):
        raise KaggleError(f"no credentials for Kaggle, or expired ones; {LOG_IN}")
    return Client(api, patience)


def _import_official() -> type:
    try:
        from kaggle.api.kaggle_api_extended import KaggleApi
    except ModuleNotFoundError as error:
        raise UserError(f"the official client is not installed ({error}); run: make setup") from None
    return KaggleApi


def _make_api(official: type, patience: Patience) -> Any:
    """The official client with strict uploads and with time limits."""

    class Api(StrictUploads, official):
        def build_kaggle_client(self):
            sdk = super().build_kaggle_client()
            http = sdk.http_client()
            http._init_session()
            for scheme in ("http://", "https://"):
                http._session.mount(scheme, _TimedAdapter())
            return sdk

    api = Api()
    api.patience, api.MAX_UPLOAD_RESUME_ATTEMPTS = patience, patience.attempts
    return api
