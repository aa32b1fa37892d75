"""A server on this machine that answers chat completions as a test tells it to."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """What the server does with a request.

    Attributes:
        content: of the response; None is a completion whose text is `reply_to` the request.
        announced_bytes: what Content-Length says; None says the truth.
        delay_seconds: before the response.
        drip_seconds: between the bytes of the response, which then comes in chunks.
        closes: the connection, without a response.
    """

    status: int = 200
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    announced_bytes: int | None = None
    delay_seconds: float = 0.0
    drip_seconds: float = 0.0
    closes: bool = False


WELL = Behaviour()


def reply_to(body: Body) -> str:
    """The text that the server writes: it depends on the last message alone."""
    return f"reply to {body['messages'][-1]['content']}"


def complete(text: str | None, ending: str = "stop", usage: dict | None = None, **message: Any) -> bytes:
    """A response's content with one choice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": ending,
    }
    body = {"object": "chat.completion", "choices": [choice]}
    return json.dumps(body | ({"usage": usage} if usage else {})).encode()


def count(tokens_in: int, tokens_out: int) -> dict[str, int]:
    """The usage that a completion reports."""
    total = tokens_in + tokens_out
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": total}


def fail(status: int, message: str = "", code: str | None = None, **headers: str) -> Behaviour:
    """An error in OpenAI's form; `retry_after="3"` is the header Retry-After."""
    content = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Behaviour(status, content, named)


def in_turn(*behaviours: Behaviour) -> Callable[[Body, int], Behaviour]:
    """These for the first requests that come, whatever they are; then all goes well."""
    rest, lock = list(behaviours), threading.Lock()

    def behave(_: Body, __: int) -> Behaviour:
        with lock:
            return rest.pop(0) if rest else WELL

    return behave


class FakeServer:
    """A server for a `with` block.

    Attributes:
        url: as a user gives it.
        bodies: of all requests, as they came.
        headers: of all requests.
        n_asked: requests by the hash of their body.
        n_answered: those of them that got a completion, whole and with status 200.
        most_at_once: requests under way at a time.
    """

    def __init__(self, behave: Callable[[Body, int], Behaviour] = lambda body, n_before: WELL) -> None:
        """Listen on a free port.

        Args:
            behave: body of a request and how often it came before -> what to do with it.
        """
        self.behave = behave
        self.bodies: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.n_asked: Counter[str] = Counter()
        self.n_answered: Counter[str] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "FakeServer":
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def begin(self, body: Body, headers: dict[str, str]) -> tuple[str, Behaviour]:
        """Count a request; returns its hash and what to do with it."""
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            n_before = self.n_asked[digest]
            self.n_asked[digest] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        return digest, self.behave(body, n_before)

    def end(self, digest: str, answered: bool) -> None:
        """Count a response that is about to be sent."""
        with self._lock:
            self._at_once -= 1
            self.n_answered[digest] += answered

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the server is there."""
        self._closing.wait(seconds)

    @property
    def prompts(self) -> list[str]:
        """The last message of every request, as they came."""
        return [body["messages"][-1]["content"] for body in self.bodies]


def _is_completion(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content)["choices"][0]["message"]["content"], str | None)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that gave up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and content in one packet: else each response waits for an acknowledgement
    fake: FakeServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        digest, behaviour = self.fake.begin(body, dict(self.headers))
        self.fake.wait(behaviour.delay_seconds)
        content = behaviour.content
        if content is None:
            content = complete(reply_to(body), usage=count(10, 5))
        whole = behaviour.announced_bytes is None and not behaviour.closes and _is_completion(content)
        self.fake.end(digest, answered=behaviour.status == 200 and whole)
        if behaviour.closes:
            self.close_connection = True
        else:
            self._respond(behaviour, content)

    def _respond(self, behaviour: Behaviour, content: bytes) -> None:
        self.send_response(behaviour.status)
        for name, value in behaviour.headers.items():
            self.send_header(name, value)
        if behaviour.drip_seconds:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._drip(behaviour.drip_seconds, content)
            return
        n_bytes = behaviour.announced_bytes
        self.send_header("Content-Length", str(len(content) if n_bytes is None else n_bytes))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = n_bytes is not None

    def _drip(self, seconds: float, content: bytes) -> None:
        for byte in content:
            self.wfile.write(b"1\r\n%c\r\n" % byte)
            self.wfile.flush()
            self.fake.wait(seconds)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Silent."""


def find_closed_url() -> str:
    """An address of this machine at which nothing listens."""
    with FakeServer() as server:
        return server.url
