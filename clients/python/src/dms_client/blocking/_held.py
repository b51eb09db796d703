"""Tasks that were handed out to this process."""

import asyncio
from types import TracebackType

from dms_client._held import AsyncHeldTask
from dms_client._stream import AsyncTaskStream
from dms_client.blocking._thread import LoopThread
from dms_client.models import JSON, LeaseRef, Task


class HeldTask:
    """A task that was handed out to this process.

    Its lease is renewed in the background until the task is finished, failed, returned or acknowledged, or until
    nobody refers to this object any more. As a context manager it finishes the task at the end of the block, fails it
    for an exception, and returns it for a KeyboardInterrupt and its like.
    """

    def __init__(self, held: AsyncHeldTask, thread: LoopThread) -> None:
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

    def fail(self, error: str, result: JSON = None, *, timeout: float | None = None) -> Task:
        """Makes the task failed, with a result where it has one nevertheless."""
        return self._thread.run(self._held.fail(error, result, timeout=timeout))

    def return_(self, reason: str | None = None, *, timeout: float | None = None) -> Task:
        """Puts the task back to its place in its queue, for somebody else."""
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
    """Hands out tasks for ever; see Submitter.tasks. Several threads may iterate over one stream.

    A wait that is interrupted loses no task: see AsyncTaskStream.
    """

    def __init__(self, stream: AsyncTaskStream, thread: LoopThread) -> None:
        self._stream = stream
        self._thread = thread

    def __iter__(self) -> "TaskStream":
        return self

    def __next__(self) -> HeldTask:
        held = self._thread.run(self._next(), self._put_back)
        if held is None:
            raise StopIteration
        return HeldTask(held, self._thread)

    async def _next(self) -> AsyncHeldTask | None:
        # StopAsyncIteration may not leave a coroutine.
        return await anext(self._stream, None)

    def _put_back(self, held: AsyncHeldTask | None) -> None:
        if held is not None:
            self._stream.put_back(held)

    def close(self) -> None:
        """Fetches no more, and returns what was fetched and not handed out yet; tasks handed out stay held."""
        self._thread.run(self._stream.aclose())

    def __enter__(self) -> "TaskStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
