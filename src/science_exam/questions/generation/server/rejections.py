"""What a user can do about a request that a server rejects for good."""

import json

from science_exam.errors import UserError
from science_exam.questions.generation.config import EndpointConfig

MAX_MESSAGE_CHARS = 300
NO_CREDIT = "insufficient_quota"  # OpenAI's code for it, with the status of a busy server
FORMAT_WORDS = ("response_format", "json_schema", "json_object", "guided", "structured")


def read_message(body: bytes) -> tuple[str, str]:
    """A server's error message and its code; "" where it has none.

    Known are {"error": {"message": …, "code": …}}, {"error": …}, {"message": …} and {"detail": …}; of any
    other body the text is the message.
    """
    text = body.decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text.strip(), ""
    if not isinstance(found, dict):
        return text.strip(), ""
    error = found.get("error") or found
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("detail") or text.strip()
    return str(message), str(error.get("code") or error.get("type") or "")


def shorten(text: str) -> str:
    """One line of at most MAX_MESSAGE_CHARS characters."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 1] + "…"


def explain_rejection(status: int, message: str, config: EndpointConfig, has_key: bool) -> UserError:
    """What to raise for a status 4xx: the server's words and what to do.

    Args:
        status: of the response.
        message: of the server, without the key.
        config: what was asked for.
        has_key: whether a key was sent.
    """
    return UserError(
        f"{config.url}: the server rejects the request ({status}: {shorten(message) or 'no message'}); "
        f"{_advise(status, message.lower(), config, has_key)}"
    )


def _advise(status: int, message: str, config: EndpointConfig, has_key: bool) -> str:
    if status in (401, 403):
        found = "the one found there is not accepted" if has_key else "none is set there"
        return (
            f"expected a key in the environment variable {config.key_variable or '(none)'}, {found}; set it, "
            "or name another one with endpoint.key_variable=…"
        )
    if status == 404:
        return (
            f"expected a server with the model {config.model!r} at an address up to and including the "
            "version; mend endpoint.model=… or endpoint.url=…"
        )
    if status == 429:  # with NO_CREDIT: else it would pass
        return "the account has no credit left; add some and run the same command again"
    if config.reply_format != "text" and any(word in message for word in FORMAT_WORDS):
        others = "json_object or text" if config.reply_format == "json_schema" else "text"
        return f"it seems not to know this reply format: set endpoint.reply_format={others}"
    return "mend the setting that it names and run the same command again"


def explain_redirect(status: int, location: str, config: EndpointConfig) -> UserError:
    """What to raise for a status 3xx: a redirect is not followed, as the key would go along."""
    return UserError(
        f"{config.url}: expected the server itself, found a redirect ({status}) to {shorten(location)!r}; if "
        "that is the right server, set endpoint.url=… to its address"
    )
