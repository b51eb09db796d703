"""Taking tasks, and what becomes of them."""

from collections.abc import Iterable, Mapping

from dms_client._held import AsyncHeldTask
from dms_client._stream import AsyncTaskStream
from dms_client.aio import AsyncSubmitter
from dms_client.blocking._held import HeldTask, TaskStream
from dms_client.blocking._thread import LoopThread
from dms_client.models import JSON, HasRef, LeasedTask, LeaseOutcome, NextResult, Task


class Submitter:
    """Fetch tasks, keep their leases, report how they ended."""

    def __init__(self, calls: AsyncSubmitter, thread: LoopThread) -> None:
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

        Where the call is interrupted or its time is up, and tasks come nevertheless, those under a lease are returned;
        others are what the next call brings that has neither a lease nor a `request_id`. Whoever gives a `request_id`
        gets them with the next call that has it.
        """

        def put_back(result: NextResult) -> None:
            if not request_id:
                self._calls.late.put_back(result.tasks, submitter_id, "it came too late")

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
            ),
            put_back,
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
        """Puts a task back to its place in its queue, for somebody else."""
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
        """Makes a task completed, or failed with an error; both with a result or without (bytes are JSON text already)."""
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
