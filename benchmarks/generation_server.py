"""A small OpenAI-compatible server around a local model, to run engine=endpoint for real without a service.

    python benchmarks/generation_server.py [MODEL] [PORT]

MODEL is a folder or hub id (models/tiny-science-llama: nonsense, but in the form asked for). It honours
response_format json_schema and batches what arrives while it is busy; temperature and limit of tokens are its
own. It listens on this machine alone. On a busy CPU set OMP_NUM_THREADS=1: threads that wait for one another
make it ten times slower. vLLM or llama.cpp serve real models.
"""

import json
import queue
import sys
import threading
import time
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from science_exam.questions.generation.asking import Failure, Reply
from science_exam.questions.generation.config import LocalConfig
from science_exam.questions.generation.local.model import LocalModel

Asked = tuple[list, dict | None, Future]  # messages, schema, where the outcome goes


def answer_all(model: LocalModel, waiting: queue.Queue, batch_size: int) -> None:
    """Answer requests forever, those that wait together in one batch."""
    while True:
        batch: list[Asked] = [waiting.get()]
        while len(batch) < batch_size and not waiting.empty():
            batch.append(waiting.get())
        for schema in {json.dumps(schema): schema for _, schema, _ in batch}.values():
            alike = [asked for asked in batch if asked[1] == schema]
            try:
                outcomes = list(model.ask([messages for messages, _, _ in alike], schema))
            except Exception as error:  # the server lives on
                outcomes = [Failure(str(error))] * len(alike)
            for (_, _, future), outcome in zip(alike, outcomes, strict=True):
                future.set_result(outcome)


def make_completion(reply: Reply, name: str) -> dict:
    """A chat completion as OpenAI's API gives it."""
    message = {"role": "assistant", "content": reply.text}
    reason = "length" if reply.truncated else "stop"
    return {
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": reply.tokens_in, "completion_tokens": reply.tokens_out},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    waiting: queue.Queue = queue.Queue()
    name = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            return self.send(404, {"error": {"message": f"{self.path}: expected /v1/chat/completions"}})
        future: Future = Future()
        try:
            request = json.loads(body)
            schema = request.get("response_format", {}).get("json_schema", {}).get("schema")
            self.waiting.put((request["messages"], schema, future))
            outcome = future.result()
        except (ValueError, KeyError, AttributeError) as error:
            outcome = Failure(f"not a chat completion request: {error!r}")
        if isinstance(outcome, Failure):
            return self.send(400, {"error": {"message": outcome.reason}})
        return self.send(200, make_completion(outcome, self.name))

    def send(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing of single requests."""


def main() -> None:
    path = sys.argv[1] if len(sys.argv) > 1 else "models/tiny-science-llama"
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 8000
    config = LocalConfig(path=path)
    model, Handler.name = LocalModel(config), path
    threading.Thread(target=answer_all, args=(model, Handler.waiting, config.batch_size), daemon=True).start()
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
