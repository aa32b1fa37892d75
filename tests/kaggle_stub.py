"""A stand-in for Kaggle on this machine, with faults by request: what the official client's calls meet.

The client is pointed at it by `KAGGLE_API_ENVIRONMENT=LOCALHOST` and `http_proxy`; see `environment`.
"""

import base64
import http.server
import json
import re
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

USER, KEY, TOKEN = "somebody", "0" * 32, "KGAT_" + "a1" * 16
COMPLETE_REPORT = {"status": "complete", "stages": [], "rows": 2}
SUBMISSION = "id,prediction\n0,A B C\n1,D E A\n"
DAILY = 5  # submissions


@dataclass
class Fault:
    """What goes wrong with a request.

    Attributes:
        status: of the answer; 0 cuts the connection.
        message: in the answer.
        served: the request is served all the same, and only its answer gets lost.
        answer: instead of the usual one, with status 200.
        times: how often.
    """

    status: int = 0
    message: str = "injected"
    served: bool = False
    answer: dict | None = None
    times: int = 1


@dataclass
class Blob:
    name: str
    size: int
    content: bytes = b""


class Stub(http.server.ThreadingHTTPServer):
    """Kaggle as far as a push and a submission need it; its state is in its attributes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.requests: list[tuple[str, Any]] = []
        self.blobs: dict[str, Blob] = {}
        self.datasets: dict[str, list[list[str]]] = {}  # ref -> names of the files of each version
        self.models: dict[str, list[list[str]]] = {}
        self.kernels: dict[str, list[dict]] = {}
        self.submissions: list[dict] = []
        self.statuses = ["QUEUED", "COMPLETE"]  # of a session, look by look
        self.dataset_statuses: list[str] = []  # before READY
        self.scores = {"publicScore": "0.902", "privateScore": "0.899"}
        self.output = {"submission.csv": SUBMISSION, "report.json": json.dumps(COMPLETE_REPORT)}
        self.log = json.dumps([{"stream_name": "stdout", "time": 1.0, "data": "answering\n"}])
        self.token_user: str | None = USER
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """A client that is gone is no error of the stub."""

    def fail(self, method: str, **fault: Any) -> None:
        """Let the next requests of a method go wrong; "PUT" is the upload of a file."""
        self.faults[method].append(Fault(**fault))

    def pop_fault(self, method: str) -> Fault | None:
        for fault in self.faults[method]:
            if fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def count(self, method: str) -> int:
        """Requests of a method so far."""
        return sum(name == method for name, _ in self.requests)

    def environment(self, home: Path) -> dict[str, str]:
        """Variables with which the official client comes here, and with which it finds nothing else."""
        places = {name: str(home) for name in ("HOME", "KAGGLE_CONFIG_DIR", "TMPDIR")}
        proxies = dict.fromkeys(("no_proxy", "NO_PROXY", "https_proxy", "KAGGLE_API_TOKEN"), "")
        client = {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}
        return {"http_proxy": self.address, "HTTP_PROXY": self.address, **places, **proxies, **client}

    # One function a method of the service; each returns what is answered, or raises `RefusedError`.

    def introspect_token(self, body):
        known = body["token"] == TOKEN and self.token_user
        return {"active": True, "username": self.token_user} if known else {"active": False}

    def start_blob_upload(self, body):
        token = f"blob{len(self.blobs)}"
        self.blobs[token] = Blob(body["name"], int(body["contentLength"]))
        return {"token": token, "createUrl": f"{self.address}/upload/{token}"}

    def get_dataset_status(self, body):
        self._find(self.datasets, body["ownerSlug"], body["datasetSlug"])
        return {"status": self.dataset_statuses.pop(0) if self.dataset_statuses else "READY"}

    def get_dataset(self, body):
        return {
            "currentVersionNumber": len(self._find(self.datasets, body["ownerSlug"], body["datasetSlug"]))
        }

    def list_dataset_files(self, body):
        versions = self._find(self.datasets, body["ownerSlug"], body["datasetSlug"])
        names = versions[int(body["datasetVersionNumber"]) - 1]
        start = int(body.get("pageToken") or 0)
        page = {"datasetFiles": [{"name": name} for name in names[start : start + 3]]}
        return page | ({"nextPageToken": str(start + 3)} if names[start + 3 :] else {})

    def create_dataset(self, body):
        ref = f"{body['ownerSlug']}/{body['slug']}"
        if ref in self.datasets:
            return {"status": "Error", "error": "The requested slug is already in use by a dataset"}
        self.datasets[ref] = [self._take(body["files"])]
        return {"ref": ref, "status": "Ok"}

    def create_dataset_version(self, body):
        versions = self._find(self.datasets, body["ownerSlug"], body["datasetSlug"])
        versions.append(self._take(body["body"]["files"]))
        return {"status": "Ok"}

    def get_model(self, body):
        if not any(ref.startswith(f"{body['ownerSlug']}/{body['modelSlug']}") for ref in self.models):
            raise RefusedError(404, "Not found")
        return {}

    def create_model(self, body):
        self.models[f"{body['ownerSlug']}/{body['slug']}"] = []
        return {"id": 1}

    def get_model_instance(self, body):
        return {"versionNumber": len(self._find(self.models, *self._name_instance(body)))}

    def create_model_instance(self, body):
        inner = body["body"]
        name = self._name_instance(body | {key: inner[key] for key in ("framework", "instanceSlug")})
        self.models["/".join(name)] = [self._take(inner["files"])]
        return {"id": 2}

    def create_model_instance_version(self, body):
        self._find(self.models, *self._name_instance(body)).append(self._take(body["body"]["files"]))
        return {"id": 2}

    def list_model_instance_version_files(self, body):
        versions = self._find(self.models, *self._name_instance(body))
        return {"files": [{"name": name} for name in versions[int(body["versionNumber"]) - 1]]}

    def get_kernel(self, body):
        saved = self._find(self.kernels, body["userName"], body["kernelSlug"])
        sources = {f"{kind}DataSources": saved[-1].get(f"{kind}DataSources", []) for kind in KINDS}
        return {"metadata": {"currentVersionNumber": len(saved), **sources}}

    def save_kernel(self, body):
        owner, _, slug = body["slug"].partition("/")
        if owner != USER:
            raise RefusedError(403, "Permission 'kernelSessions.create' was denied")
        self.kernels.setdefault(body["slug"], []).append(body)
        return {"ref": f"/code/{owner}/{slug}", "versionNumber": len(self.kernels[body["slug"]])}

    def get_kernel_session_status(self, body):
        self._find(self.kernels, body["userName"], body["kernelSlug"])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {"status": status} | ({"failureMessage": "out of memory"} if status == "ERROR" else {})

    def list_kernel_session_output(self, body):
        self._find(self.kernels, body["userName"], body["kernelSlug"])
        start = int(body.get("pageToken") or 0)
        names = list(self.output)[start : start + 1]
        page = {"files": [{"fileName": name, "url": f"{self.address}/files/{name}"} for name in names]}
        log = {} if start else {"log": self.log}
        return page | log | ({"nextPageToken": str(start + 1)} if start + 1 < len(self.output) else {})

    def get_submission_limits(self, body):
        return {"numToday": len(self.submissions), "numAllowedNow": DAILY - len(self.submissions)}

    def create_code_submission(self, body):
        saved = self._find(self.kernels, body["kernelOwner"], body["kernelSlug"])
        if not 1 <= body["kernelVersion"] <= len(saved):
            raise RefusedError(404, "Not found")
        about = {
            "ref": 9000 + len(self.submissions),
            "date": "2026-01-02T03:04:05.678Z",
            "status": "COMPLETE",
        }
        described = {"fileName": body["fileName"], "description": body["submissionDescription"]}
        self.submissions.insert(0, about | described | self.scores)
        return {"message": "Successfully submitted", "ref": about["ref"]}

    def list_submissions(self, body):
        return {"submissions": self.submissions}

    def get_submission(self, body):
        return next(one for one in self.submissions if one["ref"] == body["ref"])

    def _find(self, things, *names):
        if not things.get("/".join(names)):
            raise RefusedError(403, "Permission was denied")  # as for what is not there
        return things["/".join(names)]

    def _name_instance(self, body):
        framework = body["framework"].removeprefix("MODEL_FRAMEWORK_").lower()
        return body["ownerSlug"], body["modelSlug"], framework, body["instanceSlug"]

    def _take(self, files):
        """Names of uploaded files, all of which must be whole."""
        blobs = [self.blobs[file["token"]] for file in files]
        if any(len(blob.content) != blob.size for blob in blobs):
            raise RefusedError(400, "a file was not uploaded whole")
        return [blob.name for blob in blobs]


KINDS = ("dataset", "competition", "kernel", "model")


@dataclass
class RefusedError(Exception):
    status: int
    message: str
    headers: dict = field(default_factory=dict)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stub

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        body = json.loads(self._read_body() or b"{}")
        method = urlsplit(self.path).path.rpartition("/")[2]
        self.server.requests.append((method, body))
        try:
            self._serve(method, body, self.server.pop_fault(method))
        except RefusedError as refused:
            self._answer(refused.status, {"code": refused.status, "message": refused.message})

    def do_PUT(self) -> None:
        blob = self.server.blobs[self.path.rpartition("/")[2]]
        content, given = self._read_body(), self.headers.get("Content-Range", "")
        if given.startswith("bytes */"):  # how much has arrived?
            whole = len(blob.content) == blob.size
            arrived = {"Range": f"bytes=0-{len(blob.content) - 1}"} if blob.content else {}
            return self._answer(200 if whole else 308, {}, arrived)
        self.server.requests.append(("PUT", blob.name))
        fault = self.server.pop_fault("PUT")
        if fault is None:
            blob.content += content
            return self._answer(200, {})
        blob.content += content[: len(content) // 2] if fault.served else b""
        return self._answer(fault.status, {}) if fault.status else self._cut()

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/files/")
        self.server.requests.append(("GET", name))
        fault = self.server.pop_fault("GET")
        if fault is not None:
            return self._answer(fault.status, {}) if fault.status else self._cut()
        return self._answer(200, self.server.output[name].encode())

    def _serve(self, method: str, body: dict, fault: Fault | None) -> None:
        if method != "IntrospectToken" and not self._is_known():
            raise RefusedError(401, "Unauthenticated")
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower()
        if fault is None or fault.served:
            answer = getattr(self.server, name)(body)
        if fault is None:
            return self._answer(200, answer)
        if fault.answer is not None:
            return self._answer(200, (answer if fault.served else {}) | fault.answer)
        if fault.status:
            return self._answer(fault.status, {"code": fault.status, "message": fault.message})
        return self._cut()

    def _is_known(self) -> bool:
        kind, _, secret = self.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return secret == TOKEN and self.server.token_user is not None
        return kind == "Basic" and base64.b64decode(secret).decode() == f"{USER}:{KEY}"

    def _read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: dict | bytes, headers: dict | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()


def point_client(stub: Stub, home: Path, patch: Any) -> None:
    """Send the official client of this process to a stub; some of its places are read at its import.

    Args:
        stub: to send it to.
        home: empty folder, for what it keeps.
        patch: a MonkeyPatch, which takes it back.
    """
    for name, value in stub.environment(home).items():
        patch.setenv(name, value)
    patch.setattr(tempfile, "tempdir", str(home))
    from kaggle.api.kaggle_api_extended import KaggleApi

    patch.setattr(KaggleApi, "args", ["--local"])
    patch.setattr(KaggleApi, "config_dir", str(home))
    patch.setattr(KaggleApi, "config", str(home / "kaggle.json"))
