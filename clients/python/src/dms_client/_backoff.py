"""Pauses between attempts."""

import random
from typing import Final

_PAUSE_MIN: Final = 0.02
_PAUSE_MAX: Final = 2.0


class Backoff:
    """Each pause is about twice as long as the one before, up to a limit.

    It is drawn from the upper half of its range, so that clients that lost one server do not all come back at once.
    """

    def __init__(self, first: float = _PAUSE_MIN, most: float = _PAUSE_MAX) -> None:
        self._first = first
        self._most = most
        self._range = first

    def next(self) -> float:
        """The next pause, in seconds."""
        pause = random.uniform(self._range / 2, self._range)
        self._range = min(self._range * 2, self._most)
        return pause

    def reset(self) -> None:
        """Begins anew, once an attempt has shown that things work."""
        self._range = self._first
