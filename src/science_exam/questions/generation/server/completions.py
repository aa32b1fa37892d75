"""Bodies of requests and responses, in the form of OpenAI's chat completions."""

import json
from dataclasses import dataclass
from typing import Any

from science_exam.questions.generation.config import EndpointConfig
from science_exam.questions.generation.server.meter import Usage

MAX_TOKENS = "max_tokens"
FILTERED = "content_filter"  # ending of a reply, or code of an error
CHARS_A_TOKEN = 4  # of English, about; for servers that do not count


@dataclass(frozen=True)
class Completion:
    """What a model wrote; `text` is None where it or the server refused."""

    text: str | None
    usage: Usage
    truncated: bool = False


def write_body(
    messages: list[dict[str, str]], schema: dict[str, Any] | None, config: EndpointConfig, seed: int
) -> dict[str, Any]:
    """The body of a request for a reply to `messages`.

    Args:
        messages: with "role" and "content".
        schema: JSON schema of the reply; sent with reply_format=json_schema only.
        config: model, temperature, limit of tokens and form of the reply.
        seed: for servers that draw by it.
    """
    body = {
        "model": config.model,
        "messages": messages,
        MAX_TOKENS: config.max_new_tokens,
        "temperature": config.temperature,
        "seed": seed,
    }
    if config.reply_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    if config.reply_format == "json_schema" and schema is not None:
        form = {"name": "reply", "strict": True, "schema": _drop_lengths(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _drop_lengths(schema: Any) -> Any:
    """The schema without the lengths of texts, which OpenAI's strict mode does not take."""
    if isinstance(schema, dict):
        return {k: _drop_lengths(v) for k, v in schema.items() if k not in ("minLength", "maxLength")}
    return schema


def read_completion(content: bytes, messages: list[dict[str, str]]) -> Completion:
    """The first choice of a response.

    Args:
        content: of the response.
        messages: that it answers; their length stands in for a count that the server does not send.

    Raises:
        ValueError: no JSON, or none of a completion.
    """
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        text, ending = choice["message"]["content"], choice.get("finish_reason")
        usage = body.get("usage")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no completion in the response: {error!r}") from None
    if not isinstance(text, str | None):
        raise ValueError(f"no text in the completion but a {type(text).__name__}")
    truncated = ending == "length"
    if text is None and truncated:  # a reasoning model thought up to the limit
        text = ""
    usage = _read_usage(usage) or _estimate_usage(messages, text or "")
    return Completion(None if text is None or ending == FILTERED else _mend(text), usage, truncated)


def _mend(text: str) -> str:
    """The text with whole characters only: halves of pairs can stand in JSON, but in no file."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_usage(usage: Any) -> Usage | None:
    """The server's own count, where it sends one."""
    counts = (
        [usage.get(f"{kind}_tokens") for kind in ("prompt", "completion")] if isinstance(usage, dict) else []
    )
    if not counts or any(type(count) is not int or count < 0 for count in counts) or not counts[0]:
        return None
    return Usage(*counts)


def _estimate_usage(messages: list[dict[str, str]], text: str) -> Usage:
    n_chars = sum(len(message["content"]) for message in messages)
    return Usage(-(-n_chars // CHARS_A_TOKEN), -(-len(text) // CHARS_A_TOKEN), estimated=True)
