"""Asking a scheduler whether it serves."""

from collections.abc import Mapping

from dms_client.aio import AsyncHealth
from dms_client.blocking._thread import LoopThread
from dms_client.models import ServingStatus


class Health:
    """Ask whether the scheduler serves."""

    def __init__(self, calls: AsyncHealth, thread: LoopThread) -> None:
        self._calls = calls
        self._thread = thread

    def check(
        self, service: str = "", *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> ServingStatus:
        """The state of a service by its full name, or of the server as a whole."""
        return self._thread.run(self._calls.check(service, timeout=timeout, metadata=metadata))
