"""Changing priorities, and blocking submissions."""

from collections.abc import Mapping

from dms_client.aio import AsyncAdmin
from dms_client.blocking._thread import LoopThread
from dms_client.models import BlockState, Priority, Task


class Admin:
    """Steer the scheduler; every call needs the operator token."""

    def __init__(self, calls: AsyncAdmin, thread: LoopThread) -> None:
        self._calls = calls
        self._thread = thread

    def set_priority(
        self,
        task_id: str,
        priority: Priority,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a queued task at the tail of another queue."""
        return self._thread.run(self._calls.set_priority(task_id, priority, timeout=timeout, metadata=metadata))

    def block(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Blocks submissions."""
        return self._thread.run(self._calls.block(reason, timeout=timeout, metadata=metadata))

    def resume(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Takes submissions again; without a reason the block's stays."""
        return self._thread.run(self._calls.resume(reason, timeout=timeout, metadata=metadata))

    def get_block(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> BlockState:
        """Whether submissions are blocked."""
        return self._thread.run(self._calls.get_block(timeout=timeout, metadata=metadata))
