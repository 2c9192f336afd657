"""What there is to tell of a night that has ended, and whether anybody wants to hear it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class News:
    """One night; `night` is None where it did not come as far as to have a number.

    `report`: as JSON, None where it left none; `trouble`: why, in words. `note` and `summary`: what the morning note says, in full
    and without anybody's words; empty where there is none.
    """

    night: int | None
    kind: str
    outcome: str
    report: Mapping[str, Any] | None = None
    trouble: str = ""
    note: str = ""
    summary: str = ""

    @property
    def title(self) -> str:
        """`iai-daemon: night 7 completed`"""
        return f"iai-daemon: {self.kind}{'' if self.night is None else f' {self.night}'} {self.outcome}"

    @property
    def short(self) -> str:
        """For where others may look on."""
        return self.summary or self.trouble or "`iai-daemon nights list` tells more."

    @property
    def text(self) -> str:
        """All that there is to tell."""
        return (
            self.note
            or f"{self.title}\n{self.trouble or 'The morning note could not be made: see the log.'}\n"
        )


def worth_telling(news: News) -> bool:
    """A night that changed, planned or failed something. Of a nap nobody wants to hear."""
    if news.kind != "night":
        return False
    report = news.report
    if report is None:
        return bool(news.trouble)
    from iai_daemon.consolidation.report import notable  # noqa: PLC0415 -- who wants no news does not pay for it

    return news.outcome == "failed" or notable(report)
