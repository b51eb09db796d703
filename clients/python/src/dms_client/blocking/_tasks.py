"""Submitting tasks, and looking at them."""

from collections.abc import Iterable, Iterator, Mapping

from dms_client.aio import AsyncTasks
from dms_client.blocking._thread import LoopThread
from dms_client.models import JSON, Priority, QueueOverview, Stats, Task, TaskPage, TaskStatus, TaskSummary


class Tasks:
    """Submit tasks, look at them, cancel them."""

    def __init__(self, calls: AsyncTasks, thread: LoopThread) -> None:
        self._calls = calls
        self._thread = thread

    def enqueue(
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
        return self._thread.run(
            self._calls.enqueue(
                task_id,
                service=service,
                user_id=user_id,
                parameters=parameters,
                priority=priority,
                timeout=timeout,
                metadata=metadata,
            )
        )

    def get(
        self, task_id: str, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> TaskSummary:
        """A task, where it stands, and how long the queues are."""
        return self._thread.run(self._calls.get(task_id, timeout=timeout, metadata=metadata))

    def cancel(
        self,
        task_id: str,
        *,
        service: str,
        user_id: str,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Cancels a task; service and user must be the task's, unless there is an operator token."""
        return self._thread.run(
            self._calls.cancel(task_id, service=service, user_id=user_id, timeout=timeout, metadata=metadata)
        )

    def list(
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
        return self._thread.run(
            self._calls.list(
                page_size=page_size,
                page_token=page_token,
                status=status,
                priority=priority,
                service=service,
                user_id=user_id,
                newest_first=newest_first,
                timeout=timeout,
                metadata=metadata,
            )
        )

    def list_all(
        self,
        *,
        page_size: int = 0,
        status: Iterable[TaskStatus] = (),
        priority: Iterable[Priority] = (),
        service: str = "",
        user_id: str = "",
        newest_first: bool = False,
    ) -> Iterator[Task]:
        """Every task that fits every filter, page by page."""
        tasks = self._calls.list_all(
            page_size=page_size,
            status=status,
            priority=priority,
            service=service,
            user_id=user_id,
            newest_first=newest_first,
        )

        async def following() -> Task | None:
            return await anext(tasks, None)

        while (task := self._thread.run(following())) is not None:
            yield task

    def overview(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> QueueOverview:
        """How many tasks are queued."""
        return self._thread.run(self._calls.overview(timeout=timeout, metadata=metadata))

    def stats(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> Stats:
        """Counters since the beginning, and how things stand now."""
        return self._thread.run(self._calls.stats(timeout=timeout, metadata=metadata))
