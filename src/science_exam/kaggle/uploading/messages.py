"""What is said of Kaggle's refusals: the reason, what to do, and never a secret."""

import re

import requests

from science_exam.kaggle.uploading.retrying import name_failure

TOKEN = re.compile(r"KGAT_\w+|((?:Basic|Bearer) )[\w+/=.-]+")
MIN_SECRET = 6  # shorter values stand in texts by chance
GO_ON = "the same command goes on from here"
LOG_IN = (
    "make new ones at kaggle.com/settings, for the places where the official client looks (~/.kaggle, "
    "KAGGLE_API_TOKEN)"
)
# What to do, by the status of the answer.
ADVICE = {
    401: f"the credentials were refused: they are wrong or expired; {LOG_IN}",
    403: "not allowed: it belongs to another user, or the competition's rules are yet to be accepted",
    404: "not there: look for it on the site, and at its name here",
    429: f"too many requests; wait some minutes, then {GO_ON}",
}
# What to do, by words of the answer.
QUOTA = re.compile(r"quota|maximum (weekly|batch)|session count", re.IGNORECASE)
TAKEN = re.compile(r"already (in use|taken|exists)|\b409\b|conflict", re.IGNORECASE)
LATER = f"hours, sessions or room are used up: see kaggle.com/settings, wait or free some, then {GO_ON}"
OTHER_NAME = "the name or title is taken: choose another, with make kernel NAME=…"


def redact(text: str, secrets: tuple[str, ...] = ()) -> str:
    """A text without tokens, keys and passwords.

    Args:
        text: to be shown.
        secrets: values that must not be in it.
    """
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, "…")
    return TOKEN.sub(lambda match: f"{match[1] or ''}…", text)


def explain(what: str, error: requests.RequestException) -> str:
    """One line about a request that failed: what it was for, what Kaggle said, what to do."""
    if error.response is None:
        return f"{what}: Kaggle {name_failure(error)}; {GO_ON}"
    status, said = error.response.status_code, read_reason(error)
    trouble = f"Kaggle is in trouble; {GO_ON}" if status >= 500 else ""
    advice = _advise(said) or ADVICE.get(status) or trouble
    return f"{what}: Kaggle answered {status} ({said}){advice and '; '}{advice}"


def explain_reason(what: str, said: str) -> str:
    """One line about a refusal in an answer that looks well: what it was for, the reason, what to do."""
    said, advice = said.rstrip("."), _advise(said)
    return f"{what}: {said}{advice and '; '}{advice}"


def _advise(said: str) -> str:
    """What to do about a reason that Kaggle gave; empty when that is not known."""
    return LATER if QUOTA.search(said) else OTHER_NAME if TAKEN.search(said) else ""


def read_reason(error: requests.RequestException) -> str:
    """The reason in an answer, or its usual name where it is a page."""
    try:
        return str(error.response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return error.response.reason or "no reason given"
