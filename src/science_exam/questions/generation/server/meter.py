"""What requests cost, and the budget that they share."""

from dataclasses import dataclass
from threading import Condition

PRICED_TOKENS = 1_000_000  # that a price is for


@dataclass(frozen=True)
class Usage:
    """Tokens read and written; `estimated` where a server did not count them all."""

    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.estimated or other.estimated,
        )

    def __sub__(self, other: "Usage") -> "Usage":
        return Usage(self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out, self.estimated)


class Meter:
    """Counts requests, tokens and dollars; safe from several threads.

    A request reserves the most that it can cost before it is sent and settles what it did cost
    afterwards, so that all requests together, those under way too, never cost more than the budget.

    Attributes:
        n_requests: requests sent by this process, those tried again among them.
        n_retries: requests tried again.
        spent: tokens paid for, with those of earlier processes.
    """

    def __init__(
        self,
        price_in: float = 0.0,
        price_out: float = 0.0,
        budget_usd: float = 0.0,
        budget_tokens: int = 0,
        spent: Usage = Usage(),
    ) -> None:
        """Start to count.

        Args:
            price_in: US dollars a million tokens read.
            price_out: US dollars a million tokens written.
            budget_usd: dollars that may be spent in all; 0 is no limit.
            budget_tokens: tokens that may be read and written in all; 0 is no limit.
            spent: tokens that earlier processes paid for.
        """
        self.price_in, self.price_out = price_in, price_out
        self.budget_usd, self.budget_tokens = budget_usd, budget_tokens
        self.spent = spent
        self.n_requests = self.n_retries = 0
        self._reserved = Usage()
        self._n_reserved = 0
        self._exhausted = False
        self._settled = Condition()

    def reserve(self, worst: Usage) -> bool:
        """Set aside what a request may cost at most; waits while others under way may leave enough.

        Returns:
            False when the budget does not allow it: from then on nothing is allowed.
        """
        with self._settled:
            while not self._exhausted and not self._allows(self.spent + self._reserved + worst):
                if self._n_reserved:
                    self._settled.wait()
                else:
                    self._exhausted = True
                    self._settled.notify_all()
            if not self._exhausted:
                self._reserved += worst
                self._n_reserved += 1
            return not self._exhausted

    def settle(self, worst: Usage, used: Usage) -> None:
        """Give back what was reserved for a request and count what it used."""
        with self._settled:
            self._reserved -= worst
            self._n_reserved -= 1
            self.spent += used
            self._settled.notify_all()

    def count_request(self, again: bool) -> None:
        """Count a request that is sent, for the first time or again."""
        with self._settled:
            self.n_requests += 1
            self.n_retries += again

    @property
    def spent_usd(self) -> float:
        """Dollars paid, with those of earlier processes at today's prices."""
        return self._price(self.spent)

    def summarize(self) -> str:
        """One line: "1,204 requests (13 again), 301,000 tokens in, 96,000 out, $0.1027 of $5.00"."""
        tokens = f"{self.spent.tokens_in:,} tokens in, {self.spent.tokens_out:,} out"
        parts = [f"{self.n_requests:,} requests ({self.n_retries:,} again)", tokens]
        if self.budget_tokens:
            parts.append(f"{self.spent.tokens_in + self.spent.tokens_out:,} of {self.budget_tokens:,} tokens")
        if self.price_in or self.price_out:
            limit = f" of ${self.budget_usd:,.2f}" if self.budget_usd else ""
            parts.append(f"${self.spent_usd:,.4f}{limit}")
        return ", ".join(parts) + (" (partly estimated)" if self.spent.estimated else "")

    def _allows(self, usage: Usage) -> bool:
        tokens_fit = not self.budget_tokens or usage.tokens_in + usage.tokens_out <= self.budget_tokens
        return tokens_fit and (not self.budget_usd or self._price(usage) <= self.budget_usd)

    def _price(self, usage: Usage) -> float:
        return (usage.tokens_in * self.price_in + usage.tokens_out * self.price_out) / PRICED_TOKENS
