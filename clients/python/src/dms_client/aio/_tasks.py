"""Submitting tasks, and looking at them."""

from collections.abc import AsyncIterator, Iterable, Mapping

from dms_client import models
from dms_client._link import Kind
from dms_client._proto.dms.v1 import task_pb2, tasks_pb2
from dms_client.aio._calls import Caller
from dms_client.models import JSON, Priority, QueueOverview, Stats, Task, TaskPage, TaskStatus, TaskSummary


class AsyncTasks(Caller):
    """Submit tasks, look at them, cancel them."""

    service = "dms.v1.Tasks"

    async def enqueue(
        self,
        task_id: str,
        *,
        service: str,
        user_id: str,
        parameters: bytes | Mapping[str, JSON] = b"{}",
        priority: Priority = Priority.LOW,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Submits a task; mid and high need the operator token.

        Parameters that are bytes are the text of a JSON object and are handed on as they are. It is not sent again
        where the answer was lost; submit it anew and take TaskExists for success.
        """
        request = tasks_pb2.EnqueueRequest(
            task_id=task_id,
            service=service,
            user_id=user_id,
            parameters=models.json_bytes(parameters),
            priority=task_pb2.Priority.Name(priority),
        )
        return models.task_from(await self._call("Enqueue", request, task_pb2.Task, Kind.ONCE, timeout, metadata))

    async def get(
        self, task_id: str, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> TaskSummary:
        """A task, where it stands, and how long the queues are."""
        request = tasks_pb2.GetTaskRequest(task_id=task_id)
        answer = await self._call("Get", request, tasks_pb2.TaskSummary, Kind.READ, timeout, metadata)
        return models.summary_from(answer)

    async def cancel(
        self,
        task_id: str,
        *,
        service: str,
        user_id: str,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Cancels a task; service and user must be the task's, unless there is an operator token."""
        request = tasks_pb2.CancelTaskRequest(task_id=task_id, service=service, user_id=user_id)
        return models.task_from(await self._call("Cancel", request, task_pb2.Task, Kind.ONCE, timeout, metadata))

    async def list(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        status: Iterable[TaskStatus] = (),
        priority: Iterable[Priority] = (),
        service: str = "",
        user_id: str = "",
        newest_first: bool = False,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> TaskPage:
        """A page of the tasks that fit every filter, oldest first. It may be empty and still have a next page."""
        request = tasks_pb2.ListTasksRequest(
            page_size=page_size,
            page_token=page_token,
            status=[task_pb2.TaskStatus.Name(one) for one in status],
            priority=[task_pb2.Priority.Name(one) for one in priority],
            service=service,
            user_id=user_id,
            newest_first=newest_first,
        )
        answer = await self._call("List", request, tasks_pb2.ListTasksResponse, Kind.READ, timeout, metadata)
        return models.page_from(answer)

    async def list_all(
        self,
        *,
        page_size: int = 0,
        status: Iterable[TaskStatus] = (),
        priority: Iterable[Priority] = (),
        service: str = "",
        user_id: str = "",
        newest_first: bool = False,
    ) -> AsyncIterator[Task]:
        """Every task that fits every filter, page by page."""
        token = ""
        status, priority = tuple(status), tuple(priority)
        while True:
            page = await self.list(
                page_size=page_size,
                page_token=token,
                status=status,
                priority=priority,
                service=service,
                user_id=user_id,
                newest_first=newest_first,
            )
            for task in page.tasks:
                yield task
            token = page.next_page_token
            if not token:
                return

    async def overview(
        self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> QueueOverview:
        """How many tasks are queued."""
        request = tasks_pb2.OverviewRequest()
        answer = await self._call("Overview", request, task_pb2.QueueOverview, Kind.READ, timeout, metadata)
        return models.overview_from(answer)

    async def stats(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> Stats:
        """Counters since the beginning, and how things stand now."""
        request = tasks_pb2.GetStatsRequest()
        return models.stats_from(await self._call("GetStats", request, tasks_pb2.Stats, Kind.READ, timeout, metadata))
