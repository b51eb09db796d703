"""The blocking client: the asyncio client on a thread of its own."""

import asyncio
import concurrent.futures
import ssl
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar

from dms_client._addresses import DEFAULT_ADDRESS
from dms_client._held import AsyncHeldTask
from dms_client._stream import AsyncTaskStream
from dms_client.aio import DEFAULT_TIMEOUT, AsyncAdmin, AsyncClient, AsyncHealth, AsyncSubmitter, AsyncTasks
from dms_client.errors import ClientClosed
from dms_client.models import (
    JSON,
    BlockState,
    HasRef,
    LeasedTask,
    LeaseOutcome,
    LeaseRef,
    NextResult,
    Priority,
    QueueOverview,
    ServingStatus,
    Stats,
    Task,
    TaskPage,
    TaskStatus,
    TaskSummary,
)

_T = TypeVar("_T")


class _LoopThread:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="dms-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Runs it on the loop and waits for its end; what interrupts the wait cancels it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("The blocking client cannot be used on its own thread")
        with self._lock:
            if self._is_closed:
                work.close()
                raise ClientClosed("the client was closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise ClientClosed("the client was closed") from None
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Runs `last`, lets what is under way end, and ends the thread."""
        with self._lock:
            if self._is_closed:
                last.close()
                return
            self._is_closed = True
            future = asyncio.run_coroutine_threadsafe(self._end(last), self._loop)
        future.result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self, last: Coroutine[Any, Any, None]) -> None:
        await last
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()


class HeldTask:
    """A task that was handed out to this process.

    Its lease is renewed in the background until the task is finished, failed, returned or acknowledged, or until
    nobody refers to this object any more. As a context manager it finishes the task at the end of the block, fails it
    for an exception, and returns it for a KeyboardInterrupt and its like.
    """

    def __init__(self, held: AsyncHeldTask, thread: _LoopThread) -> None:
        self._held = held
        self._thread = thread

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.task.task_id!r} attempt {self.task.attempt}>"

    @property
    def task(self) -> Task:
        """The task as it was handed out."""
        return self._held.task

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self._held.task_id

    @property
    def parameters(self) -> bytes:
        """The task's parameters, JSON text."""
        return self._held.parameters

    @property
    def ref(self) -> LeaseRef:
        """The proof that the task was handed out."""
        return self._held.ref

    @property
    def canceled(self) -> bool:
        """Whether the task was canceled: wind down."""
        return self._held.canceled

    @property
    def lost(self) -> bool:
        """Whether the lease was lost: somebody else has the task, or will have it."""
        return self._held.lost

    @property
    def settled(self) -> bool:
        """Whether the task was finished, failed or returned."""
        return self._held.settled

    def wait_over(self, timeout: float | None = None) -> bool:
        """Waits until the task was canceled or its lease lost; False when `timeout` seconds passed before."""

        async def wait() -> bool:
            try:
                async with asyncio.timeout(timeout):
                    await self._held.wait_over()
            except TimeoutError:
                return False
            return True

        return self._thread.run(wait())

    def finish(self, result: JSON = None, *, timeout: float | None = None) -> Task:
        """Makes the task completed; bytes are JSON text already, None is no result."""
        return self._thread.run(self._held.finish(result, timeout=timeout))

    def fail(self, error: str, *, timeout: float | None = None) -> Task:
        """Makes the task failed."""
        return self._thread.run(self._held.fail(error, timeout=timeout))

    def return_(self, reason: str | None = None, *, timeout: float | None = None) -> Task:
        """Puts the task back at the head of its queue, for somebody else."""
        return self._thread.run(self._held.return_(reason, timeout=timeout))

    def ack(self, *, timeout: float | None = None) -> None:
        """Ends the lease: the task is this process's for good. Nothing tells of its cancellation any more."""
        self._thread.run(self._held.ack(timeout=timeout))

    def __enter__(self) -> "HeldTask":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.run(self._held.__aexit__(kind, error, None))


class TaskStream:
    """Hands out tasks for ever; see Submitter.tasks. Several threads may iterate over one stream."""

    def __init__(self, stream: AsyncTaskStream, thread: _LoopThread) -> None:
        self._stream = stream
        self._thread = thread

    def __iter__(self) -> "TaskStream":
        return self

    def __next__(self) -> HeldTask:
        held = self._thread.run(self._next())
        if held is None:
            raise StopIteration
        return HeldTask(held, self._thread)

    async def _next(self) -> AsyncHeldTask | None:
        # StopAsyncIteration may not leave a coroutine.
        return await anext(self._stream, None)

    def close(self) -> None:
        """Fetches no more, and returns what was fetched and not handed out yet; tasks handed out stay held."""
        self._thread.run(self._stream.aclose())

    def __enter__(self) -> "TaskStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Tasks:
    """Submit tasks, look at them, cancel them."""

    def __init__(self, calls: AsyncTasks, thread: _LoopThread) -> None:
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


class Submitter:
    """Fetch tasks, keep their leases, report how they ended."""

    def __init__(self, calls: AsyncSubmitter, thread: _LoopThread) -> None:
        self._calls = calls
        self._thread = thread

    def next(
        self,
        max_tasks: int = 1,
        *,
        wait: float = 0.0,
        lease: float = 0.0,
        submitter_id: str | None = None,
        request_id: str | None = None,
        acks: Iterable[HasRef] = (),
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> NextResult:
        """Fetches the next tasks, best priority first; waits up to `wait` seconds where there are none.

        With a `lease` (seconds) a task goes back to its queue unless it is acknowledged, renewed, returned or finished
        in time. The call carries a request id (its own, unless one is given), and is sent again where the answer was
        lost: the same tasks come. An empty `request_id` turns that off. Where no `timeout` is given, the wait is added
        to the client's.
        """
        return self._thread.run(
            self._calls.next(
                max_tasks,
                wait=wait,
                lease=lease,
                submitter_id=submitter_id,
                request_id=request_id,
                acks=acks,
                timeout=timeout,
                metadata=metadata,
            )
        )

    def tasks(
        self, *, lease: float = 30.0, wait: float = 60.0, batch: int = 1, submitter_id: str | None = None
    ) -> TaskStream:
        """Tasks one after the other, for ever: `for task in client.submitter.tasks(lease=30): ...`.

        Their leases are renewed in the background until they are finished, failed, returned or acknowledged. Outages
        are waited out; errors that waiting does not mend are raised. `batch` tasks are fetched with one call.
        """

        async def make() -> AsyncTaskStream:
            return self._calls.tasks(lease=lease, wait=wait, batch=batch, submitter_id=submitter_id)

        return TaskStream(self._thread.run(make()), self._thread)

    def hold(self, leased: LeasedTask, lease: float) -> HeldTask:
        """Renews the lease (of so many seconds) of a task that `next` has brought, as `tasks` does."""

        async def make() -> AsyncHeldTask:
            return self._calls.hold(leased, lease)

        return HeldTask(self._thread.run(make()), self._thread)

    def ack(
        self, tasks: Iterable[HasRef], *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[LeaseOutcome, ...]:
        """Ends leases: the tasks are the holder's for good. One outcome for each."""
        return self._thread.run(self._calls.ack(tasks, timeout=timeout, metadata=metadata))

    def renew(
        self,
        tasks: Iterable[HasRef],
        *,
        lease: float = 0.0,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[LeaseOutcome, ...]:
        """Sets new ends, `lease` seconds from now (0: as long as each was). One outcome for each."""
        return self._thread.run(self._calls.renew(tasks, lease=lease, timeout=timeout, metadata=metadata))

    def return_(
        self,
        task: HasRef,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a task back at the head of its queue, for somebody else."""
        return self._thread.run(self._calls.return_(task, reason, timeout=timeout, metadata=metadata))

    def finish(
        self,
        task: HasRef,
        *,
        succeeded: bool = True,
        result: JSON = None,
        error: str | None = None,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Makes a task completed, with a result (bytes are JSON text already), or failed, with an error."""
        return self._thread.run(
            self._calls.finish(
                task,
                succeeded=succeeded,
                result=result,
                error=error,
                timeout=timeout,
                metadata=metadata,
            )
        )


class Admin:
    """Steer the scheduler; every call needs the operator token."""

    def __init__(self, calls: AsyncAdmin, thread: _LoopThread) -> None:
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


class Health:
    """Ask whether the scheduler serves."""

    def __init__(self, calls: AsyncHealth, thread: _LoopThread) -> None:
        self._calls = calls
        self._thread = thread

    def check(
        self, service: str = "", *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> ServingStatus:
        """The state of a service by its full name, or of the server as a whole."""
        return self._thread.run(self._calls.check(service, timeout=timeout, metadata=metadata))


class Client:
    """A client whose calls block; may be used from any number of threads at once, over one connection.

    It connects with the first call, and connects anew, to the next of its addresses, when the connection is lost. Times
    are in seconds; a timeout of infinity is none. Make it after a fork, not before.
    """

    def __init__(
        self,
        addresses: str | Iterable[str] = DEFAULT_ADDRESS,
        *,
        operator_token: str | None = None,
        submitter_token: str | None = None,
        submitter_id: str = "",
        timeout: float = DEFAULT_TIMEOUT,
        connect_timeout: float = 5.0,
        keepalive: float = 20.0,
        keepalive_timeout: float = 10.0,
        attempts: int = 4,
        metadata: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        """The arguments are those of AsyncClient."""
        self._client = AsyncClient(
            addresses,
            operator_token=operator_token,
            submitter_token=submitter_token,
            submitter_id=submitter_id,
            timeout=timeout,
            connect_timeout=connect_timeout,
            keepalive=keepalive,
            keepalive_timeout=keepalive_timeout,
            attempts=attempts,
            metadata=metadata,
            tls=tls,
            server_name=server_name,
        )
        self._thread = _LoopThread()
        self.tasks: Final = Tasks(self._client.tasks, self._thread)
        self.submitter: Final = Submitter(self._client.submitter, self._thread)
        self.admin: Final = Admin(self._client.admin, self._thread)
        self.health: Final = Health(self._client.health, self._thread)

    def close(self) -> None:
        """Returns the tasks whose leases are being renewed, fails the calls under way, and closes the connection."""
        self._thread.close(self._client.close())

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
