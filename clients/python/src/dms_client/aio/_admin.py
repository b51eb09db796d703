"""Changing priorities, and blocking submissions."""

from collections.abc import Mapping

from dms_client import models
from dms_client._link import Kind
from dms_client._proto.dms.v1 import admin_pb2, task_pb2
from dms_client.aio._calls import Caller
from dms_client.models import BlockState, Priority, Task


class AsyncAdmin(Caller):
    """Steer the scheduler; every call needs the operator token."""

    service = "dms.v1.Admin"

    async def set_priority(
        self,
        task_id: str,
        priority: Priority,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a queued task at the tail of another queue."""
        request = admin_pb2.SetPriorityRequest(task_id=task_id, priority=task_pb2.Priority.Name(priority))
        return models.task_from(await self._call("SetPriority", request, task_pb2.Task, Kind.ONCE, timeout, metadata))

    async def block(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Blocks submissions."""
        request = admin_pb2.BlockRequest(blocked=True, reason=reason)
        answer = await self._call("Block", request, admin_pb2.BlockState, Kind.ONCE, timeout, metadata)
        return models.block_state_from(answer)

    async def resume(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Takes submissions again; without a reason the block's stays."""
        request = admin_pb2.ResumeRequest(reason=reason)
        answer = await self._call("Resume", request, admin_pb2.BlockState, Kind.ONCE, timeout, metadata)
        return models.block_state_from(answer)

    async def get_block(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> BlockState:
        """Whether submissions are blocked."""
        request = admin_pb2.GetBlockRequest()
        answer = await self._call("GetBlock", request, admin_pb2.BlockState, Kind.READ, timeout, metadata)
        return models.block_state_from(answer)
