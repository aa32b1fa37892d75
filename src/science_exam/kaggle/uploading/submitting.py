"""The pushed version of a kernel to the competition; its score to the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from science_exam.errors import KaggleError
from science_exam.kaggle.config import SubmitConfig
from science_exam.kaggle.packing.metadata import read_kernel
from science_exam.kaggle.uploading.client import Client
from science_exam.kaggle.uploading.ledger import Entry, record_entry
from science_exam.kaggle.uploading.pushed import NOTEBOOK, Pushed
from science_exam.kaggle.uploading.pushing import COMPLETE
from science_exam.kaggle.uploading.retrying import wait_until

GROUP = "competitions.competition_api_client"
PENDING = "PENDING"
FILE = "submission.csv"
PAGE = 100  # submissions that are listed at a time
MAX_REASON = 200  # letters of an error that go into the ledger


class Competition:
    """A competition's requests about submissions."""

    def __init__(self, client: Client, slug: str) -> None:
        """
        Args:
            client: of someone who is logged in.
            slug: of the competition.
        """
        self._client, self._slug, self.patience = client, slug, client.patience

    def check_limit(self) -> None:
        """Raise a `KaggleError` where no more submissions are allowed today."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

        request = ApiGetSubmissionLimitsRequest()
        request.competition_name = self._slug
        limits = self._client.find("limits", lambda: self._call("get_submission_limits", request))
        if limits is not None and limits.num_allowed_now <= 0:
            raise KaggleError(
                f"{self._slug}: all {limits.num_today} submissions of today are used; the next is allowed "
                f"{_describe_midnight(datetime.now(UTC))}"
            )

    def find_submission(self, beginning: str) -> Any | None:
        """The latest submission whose description begins so; None where there is none."""
        from kagglesdk.competitions.types.competition_api_service import ApiListSubmissionsRequest

        request = ApiListSubmissionsRequest()
        request.competition_name, request.page_size = self._slug, PAGE
        while True:
            answer = self._client.ask("submissions", lambda: self._call("list_submissions", request))
            for submission in answer.submissions:
                if submission.description.startswith(beginning):
                    return submission
            if not answer.next_page_token:
                return None
            request.page_token = answer.next_page_token

    def submit(self, kernel: str, version: int, description: str, earlier: Any | None) -> Any:
        """Submit a version of a notebook; the submission.

        Args:
            kernel: its owner/slug.
            version: of it.
            description: for the list of submissions.
            earlier: the latest submission of the version, which a later one is told from where the answer
                gets lost.

        Raises:
            KaggleError: it was refused.
        """
        api = self._client.api

        def send() -> Any:
            return api.competition_submit_code(FILE, description, self._slug, kernel, version, quiet=True)

        def find_served() -> Any | None:
            latest = self.find_submission(description)
            return latest if latest and (earlier is None or latest.ref != earlier.ref) else None

        what = f"submission of {kernel} version {version}"
        answer = self._client.ask(what, send, find_served)
        if not answer.ref:
            raise KaggleError(self._client.redact(f"{what}: {answer.message or 'Kaggle gave it no number'}"))
        return self.read_submission(answer.ref)

    def read_submission(self, ref: int) -> Any:
        """A submission as it stands now."""
        from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

        request = ApiGetSubmissionRequest()
        request.ref = ref
        return self._client.ask(f"submission {ref}", lambda: self._call("get_submission", request))

    def _call(self, method: str, request: Any) -> Any:
        return self._client.call(GROUP, method, request)


def submit_kernel(client: Client, folder: Path, config: SubmitConfig) -> Entry:
    """Submit the version that was pushed last, wait for its score, and write both into the ledger.

    A version is submitted once: the submission that there is already is waited for, unless it has failed
    and `again` is set.

    Raises:
        KaggleError: nothing is pushed, the submission was refused, or it failed.
    """
    step = Pushed(folder).read(NOTEBOOK)
    if step.get("status") != COMPLETE:
        raise KaggleError(
            f"{folder}: no pushed version with a complete session; run: make push NAME={folder.name}"
        )
    competition = Competition(client, read_kernel(folder).competition)
    beginning = f"{folder.name} version {step['version']}, commit {step['commit'] or 'unknown'}"
    submission = competition.find_submission(beginning)
    if submission is None or (config.again and has_failed(submission)):
        competition.check_limit()
        description = f"{beginning}: {config.message}" if config.message else beginning
        submission = competition.submit(step["ref"], step["version"], description, earlier=submission)
        print(f"submitted as {submission.ref}: {description}", flush=True)
    else:
        print(f"submitted already, as {submission.ref}: {submission.description}", flush=True)
    message = submission.description.removeprefix(beginning).removeprefix(": ")
    record_entry(Path(config.ledger), describe_entry(folder.name, step, submission, message))
    submission = _wait_for_score(competition, submission.ref, config.minutes)
    problem = client.redact(find_problem(submission))
    entry = describe_entry(folder.name, step, submission, problem or message)
    record_entry(Path(config.ledger), entry)
    if problem:
        raise KaggleError(
            f"submission {submission.ref}: {problem}; after a mishap at Kaggle submit it again: "
            f"make submit NAME={folder.name} ARGS=--again"
        )
    return entry


def has_failed(submission: Any) -> bool:
    """Whether a submission is over, and no success."""
    return submission.status.name != PENDING and bool(find_problem(submission))


def find_problem(submission: Any) -> str:
    """Why a submission that is over is a failure; one may call itself complete all the same."""
    if submission.error_description:
        return f"failed: {submission.error_description}"[:MAX_REASON]
    if submission.status.name != "COMPLETE":
        return f"failed: {submission.status.name.lower()}, without a reason"
    return "" if submission.public_score else "failed: complete, but without a score"


def describe_entry(name: str, step: dict, submission: Any, message: str) -> Entry:
    """The row of the ledger."""
    return Entry(
        ref=str(submission.ref),
        date=f"{submission.date:%Y-%m-%d %H:%M}" if submission.date else "",
        name=name,
        version=str(step["version"]),
        **{key: step[key] for key in ("commit", "config", "runs", "cv")},
        public=submission.public_score or "",
        private=submission.private_score or "",
        message=message,
    )


def _wait_for_score(competition: Competition, ref: int, minutes: float) -> Any:
    found = []

    def look() -> tuple[bool, str]:
        found[:] = [competition.read_submission(ref)]
        return found[0].status.name != PENDING, found[0].status.name.lower()

    wait_until(look, competition.patience, minutes, f"submission {ref}")
    return found[0]


def _describe_midnight(now: datetime) -> str:
    """When the next day begins, by Kaggle's clock, and in how long."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    minutes = int((midnight - now).total_seconds() // 60) + 1
    return f"at 00:00 UTC, in {minutes // 60} h {minutes % 60:02} min"
