"""How many records a pass takes at a time: so few that no transaction keeps a user waiting. Pure."""

from __future__ import annotations

# A pass begins with so many: nobody knows yet how long its records are and how fast this disk is.
_FIRST = 16
# Seconds that a portion may take to be read and written.
_QUICK = 0.025
_SLOW = 0.05


class Pace:
    """Doubles what went quickly, up to `most`, and halves what went slowly."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.portion = min(most, _FIRST)

    def took(self, seconds: float) -> None:
        """So long did the last portion keep the store."""
        if seconds > _SLOW:
            self.portion = max(1, self.portion // 2)
        elif seconds < _QUICK:
            self.portion = min(self._most, self.portion * 2)
