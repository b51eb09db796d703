"""Taking tasks, and what becomes of them."""

from collections.abc import Iterable, Mapping
from typing import Final

from dms_client import models
from dms_client._held import AsyncHeldTask, LeaseKeeper
from dms_client._late import Asking, LateTasks
from dms_client._link import Call, Kind, LastWord, Link
from dms_client._proto.dms.v1 import submitter_pb2, task_pb2
from dms_client._stream import AsyncTaskStream
from dms_client.aio._calls import Caller, milliseconds, outcomes, pairs, ref
from dms_client.errors import DMSError
from dms_client.models import JSON, HasRef, LeasedTask, LeaseOutcome, NextResult, Task

_CLOSING_PATIENCE: Final = 2.0


class AsyncSubmitter(Caller):
    """Fetch tasks, keep their leases, report how they ended."""

    service = "dms.v1.Submitter"

    def __init__(self, link: Link, timeout: float, submitter_id: str) -> None:
        super().__init__(link, timeout)
        self._submitter_id = submitter_id
        self._keeper: LeaseKeeper | None = None
        self.late = LateTasks(self, submitter_id)

    @property
    def keeper(self) -> LeaseKeeper:
        """What renews the leases; made when it is first needed, on the client's event loop."""
        if self._keeper is None:
            self._keeper = LeaseKeeper(self)
        return self._keeper

    async def next(
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

        Where the call is cancelled or its time is up, and tasks come nevertheless, those under a lease are returned;
        others are what the next call brings that has neither a lease nor a `request_id`. Whoever gives a `request_id`
        gets them with the next call that has it.
        """
        acks = list(acks)
        chosen = self._submitter_id if submitter_id is None else submitter_id
        if request_id is not None:
            asking = Asking(chosen, has_lease=lease > 0, request_id=request_id)
        else:
            if not lease and (left := await self.late.take(chosen, max(1, max_tasks))):
                try:
                    return NextResult(left, await self.ack(acks, timeout=timeout, metadata=metadata) if acks else ())
                except BaseException:
                    self.late.put_back(left, chosen, "it came too late")
                    raise
            asking = self.late.asking(chosen, has_lease=lease > 0)
        try:
            result = await self.fetch(
                asking,
                max_tasks=max_tasks,
                wait=wait,
                lease=lease,
                acks=acks,
                timeout=timeout,
                metadata=metadata,
            )
        except BaseException:
            self.late.leave(asking)
            raise
        if asking.is_callers:
            return result
        # A repetition may bring as many as were asked for at first.
        self.late.put_back(result.tasks[max(1, max_tasks) :], chosen, "more came than were asked for")
        return NextResult(result.tasks[: max(1, max_tasks)], result.acks)

    def tasks(
        self, *, lease: float = 30.0, wait: float = 60.0, batch: int = 1, submitter_id: str | None = None
    ) -> AsyncTaskStream:
        """Tasks one after the other, for ever: `async for task in client.submitter.tasks(lease=30): ...`.

        Their leases are renewed in the background until they are finished, failed, returned or acknowledged. Outages
        are waited out; errors that waiting does not mend are raised. `batch` tasks are fetched with one call.
        """
        chosen = self._submitter_id if submitter_id is None else submitter_id
        return AsyncTaskStream(self, lease=lease, wait=wait, batch=batch, submitter_id=chosen)

    def hold(self, leased: LeasedTask, lease: float) -> AsyncHeldTask:
        """Renews the lease (of so many seconds) of a task that `next` has brought, as `tasks` does."""
        return AsyncHeldTask(leased, lease, self, self.keeper)

    async def ack(
        self, tasks: Iterable[HasRef], *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> tuple[LeaseOutcome, ...]:
        """Ends leases: the tasks are the holder's for good. One outcome for each."""
        request = submitter_pb2.AckRequest(leases=[ref(task.ref) for task in tasks])
        answer = await self._call("Ack", request, submitter_pb2.AckResponse, Kind.REPLAY_SAFE, timeout, metadata)
        return outcomes(answer.outcomes, len(request.leases))

    async def renew(
        self,
        tasks: Iterable[HasRef],
        *,
        lease: float = 0.0,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[LeaseOutcome, ...]:
        """Sets new ends, `lease` seconds from now (0: as long as each was). One outcome for each."""
        refs = [ref(task.ref) for task in tasks]
        request = submitter_pb2.RenewRequest(leases=refs, lease_ms=milliseconds(lease))
        answer = await self._call("Renew", request, submitter_pb2.RenewResponse, Kind.REPLAY_SAFE, timeout, metadata)
        return outcomes(answer.outcomes, len(refs))

    async def return_(
        self,
        task: HasRef,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a task back to its place in its queue, for somebody else."""
        request = submitter_pb2.ReturnRequest(lease=ref(task.ref), reason=reason)
        answer = await self._call("Return", request, task_pb2.Task, Kind.REPLAY_SAFE, timeout, metadata)
        return models.task_from(answer)

    async def finish(
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
        request = submitter_pb2.FinishRequest(
            lease=ref(task.ref),
            succeeded=succeeded,
            result=b"" if result is None else models.json_bytes(result),
            error=error or "",
        )
        answer = await self._call("Finish", request, task_pb2.Task, Kind.REPLAY_SAFE, timeout, metadata)
        return models.task_from(answer)

    async def fetch(
        self,
        asking: Asking,
        *,
        max_tasks: int,
        wait: float,
        lease: float,
        acks: Iterable[HasRef] = (),
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> NextResult:
        """Makes one call for an asking, which knows afterwards whether the answer may be an old one."""
        # Until it is known what came of the call before, this one may not begin.
        if brought := await self.late.heard(asking):
            asking.is_repeated = True
            return NextResult(brought, ())
        request = submitter_pb2.NextRequest(
            max_tasks=max_tasks,
            wait_ms=milliseconds(wait),
            lease_ms=milliseconds(lease),
            submitter_id=asking.submitter_id,
            request_id=asking.request_id,
            acks=[ref(task.ref) for task in acks],
        )
        wait_ms = request.wait_ms

        def payload(elapsed: float) -> bytes:
            request.wait_ms = max(0, wait_ms - round(elapsed * 1000))
            packed: bytes = request.SerializeToString()
            return packed

        def given_up(word: LastWord) -> None:
            self.late.given_up(asking, call, word)

        call = Call(
            service=self.service,
            method="Next",
            kind=Kind.REPLAY_SAFE if request.request_id else Kind.ONCE,
            payload=payload,
            timeout=self._timeout + wait if timeout is None else timeout,
            metadata=pairs(metadata),
            # Whoever chose the request id may ask again for what came too late.
            on_given_up=None if asking.is_callers else given_up,
        )
        try:
            answer = await self._perform(call, submitter_pb2.NextResponse)
        except DMSError as error:
            asking.is_repeated = asking.is_repeated or error.outcome_unknown
            raise
        finally:
            asking.is_repeated = asking.is_repeated or call.attempts > 1
        return models.next_from(answer)

    async def close(self) -> None:
        """Returns what is still held, and what is on its way."""
        self.link.give_up()
        await self.late.settled(_CLOSING_PATIENCE)
        if self._keeper is not None:
            await self._keeper.return_all(_CLOSING_PATIENCE)
