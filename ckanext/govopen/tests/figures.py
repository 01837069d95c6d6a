"""Figures that a run of the tests tells at its end, whether or not its output is shown.

The launcher repeats these lines below its own totals: they begin with :data:`SIGN`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SIGN = "figures: "


@dataclass
class Sweeps:
    """How much the sweeps asked, and what they found."""

    requests: dict[str, int] = field(default_factory=dict)
    findings: int = 0

    def add(self, what: str, requests: int, findings: int) -> None:
        """One part of the sweep has come to its end."""
        self.requests[what] = self.requests.get(what, 0) + requests
        self.findings += findings

    def lines(self) -> list[str]:
        """The line to tell, e.g. ``figures: sweep: 9,100 requests, 0 findings (pages 700, …)``."""
        if not self.requests:
            return []
        parts = ", ".join(f"{what} {number:,}" for what, number in self.requests.items())
        total = sum(self.requests.values())
        return [f"{SIGN}sweep: {total:,} requests, {self.findings:,} findings ({parts})"]


sweeps = Sweeps()
