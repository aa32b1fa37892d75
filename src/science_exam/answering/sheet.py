"""The answers so far: at every moment each question has one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from science_exam.files import whole_file

ARRAYS = ("sums", "weights", "fallback", "done")


@dataclass
class Sheet:
    """Sums of what the views of each question said.

    Attributes:
        sums: (questions, options) probabilities, weighted and added up.
        weights: (questions,) added up.
        fallback: (questions, options) for questions that nothing was said about.
        done: (questions,) how many passes have answered each.
        n_lost: views that gave no number, twice.
    """

    sums: np.ndarray
    weights: np.ndarray
    fallback: np.ndarray
    done: np.ndarray
    n_lost: int = 0

    @classmethod
    def blank(cls, fallback: np.ndarray) -> "Sheet":
        """No question answered yet."""
        n = len(fallback)
        return cls(np.zeros_like(fallback), np.zeros(n), fallback, np.zeros(n, dtype=int))

    def add(self, question: int, log_probabilities: np.ndarray, weight: float) -> None:
        """Take in the views of one pass: (views, options) in the question's own order of options."""
        is_number = ~np.isnan(log_probabilities).any(axis=1)
        kept = np.exp(log_probabilities[is_number])
        self.sums[question] += weight * kept.sum(axis=0)
        self.weights[question] += weight * len(kept)
        self.n_lost += int((~is_number).sum())
        self.done[question] += 1

    def give_up(self, question: int, n_views: int) -> None:
        """Count the views of one pass as lost."""
        self.n_lost += n_views
        self.done[question] += 1

    @property
    def probabilities(self) -> np.ndarray:
        """(questions, options), rows sum to 1: means over the views, or the fallback."""
        answered = self.weights > 0
        means = self.sums / np.where(answered, self.weights, 1)[:, None]
        means = np.where(answered[:, None], means, self.fallback)
        return means / means.sum(axis=1, keepdims=True)

    @property
    def confidences(self) -> np.ndarray:
        """(questions,) the largest probability; 0 for questions without an answer."""
        return np.where(self.weights > 0, self.probabilities.max(axis=1), 0.0)

    def count_views(self) -> dict[str, int]:
        """How many questions have an answer, and from how many views; those that gave no number are lost."""
        n_answered = int((self.weights > 0).sum())
        return {"answered": n_answered, "views": round(self.weights.sum()), "lost_views": self.n_lost}

    def divide(self, shares: Sequence[np.ndarray]) -> list["Sheet"]:
        """A sheet for each share of the questions, given by their numbers."""
        parts = [Sheet(*(getattr(self, name)[numbers] for name in ARRAYS)) for numbers in shares]
        parts[0].n_lost = self.n_lost
        return parts

    @classmethod
    def join(cls, parts: Sequence["Sheet"], shares: Sequence[np.ndarray]) -> "Sheet":
        """What `divide` took apart."""
        order = np.argsort(np.concatenate(shares))
        arrays = (np.concatenate([getattr(part, name) for part in parts])[order] for name in ARRAYS)
        return cls(*arrays, n_lost=sum(part.n_lost for part in parts))

    def save(self, path: Path) -> None:
        """Write everything into one file, whole."""
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, n_lost=self.n_lost, **{name: getattr(self, name) for name in ARRAYS})

    @classmethod
    def load(cls, path: Path) -> "Sheet":
        """A sheet of `save`."""
        with np.load(path, allow_pickle=False) as saved:
            return cls(*(saved[name] for name in ARRAYS), n_lost=int(saved["n_lost"]))


def rank_by_length(options: list[tuple[str, ...]]) -> np.ndarray:
    """(questions, options) probabilities that only say: the longest first.

    What to answer with when a model could not: generated questions favour their longest option.
    """
    ranks = np.array([np.argsort(np.argsort([-len(text) for text in texts])) for texts in options])
    shares = 0.5 ** np.arange(1, ranks.shape[1] + 1)
    return (shares / shares.sum())[ranks]
