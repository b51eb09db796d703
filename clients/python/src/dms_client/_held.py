"""Tasks that this process holds, and the renewal of their leases."""

import asyncio
import math
import weakref
from collections.abc import Awaitable, Iterable
from itertools import count, zip_longest
from types import TracebackType
from typing import TYPE_CHECKING, Final

from dms_client._backoff import Backoff
from dms_client.errors import DMSError, FailedPrecondition, LeaseLost, NotFound, TaskCanceled
from dms_client.models import JSON, LeasedTask, LeaseOutcome, LeaseRef, Task

if TYPE_CHECKING:
    from datetime import datetime

    from dms_client.aio import AsyncSubmitter

# A lease is renewed when this part of it is over; two attempts more fit in before it ends.
_RENEW_AFTER: Final = 1 / 3
# At most so many refs in one Renew.
REFS_MAX: Final = 1000
_ERROR_BYTES_MAX: Final = 64 << 10
# In the order in which tasks were handed out.
_numbers: Final = count()


class AsyncHeldTask:
    """A task that was handed out to this process.

    Its lease is renewed in the background until the task is finished, failed, returned or acknowledged, or until
    nobody refers to this object any more. As a context manager it finishes the task at the end of the block, fails it
    for an exception, and returns it where the block was cancelled.
    """

    def __init__(self, leased: LeasedTask, lease: float, submitter: "AsyncSubmitter", keeper: "LeaseKeeper") -> None:
        self.task: Task = leased.task
        self.ref: LeaseRef = leased.ref
        self.lease_expires_at: datetime | None = leased.lease_expires_at
        self._lease = lease
        self._number = next(_numbers)
        self._submitter = submitter
        self._keeper = keeper
        self._over = asyncio.Event()
        self._canceled = False
        self._lost = False
        self._settled = False
        now = asyncio.get_running_loop().time()
        self._renew_at = now + lease * _RENEW_AFTER
        self._ends_at = now + lease
        self._backoff = Backoff(first=min(lease / 10, 0.25), most=max(lease / 10, 1.0))
        if self.ref.lease_token:
            keeper.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.task.task_id!r} attempt {self.task.attempt}>"

    @property
    def task_id(self) -> str:
        """The task's id."""
        return self.task.task_id

    @property
    def parameters(self) -> bytes:
        """The task's parameters, JSON text."""
        return self.task.parameters

    @property
    def canceled(self) -> bool:
        """Whether the task was canceled: wind down."""
        return self._canceled

    @property
    def lost(self) -> bool:
        """Whether the lease was lost: somebody else has the task, or will have it."""
        return self._lost

    @property
    def settled(self) -> bool:
        """Whether the task was finished, failed or returned."""
        return self._settled

    async def wait_over(self) -> None:
        """Waits until the task was canceled or its lease lost; cancel this wait when the work is done."""
        await self._over.wait()

    async def finish(self, result: JSON = None, *, timeout: float | None = None) -> Task:
        """Makes the task completed; bytes are JSON text already, None is no result."""
        return await self._settle(self._submitter.finish(self, result=result, timeout=timeout))

    async def fail(self, error: str, result: JSON = None, *, timeout: float | None = None) -> Task:
        """Makes the task failed, with a result where it has one nevertheless."""
        return await self._settle(
            self._submitter.finish(self, succeeded=False, error=error, result=result, timeout=timeout)
        )

    async def return_(self, reason: str | None = None, *, timeout: float | None = None) -> Task:
        """Puts the task back to its place in its queue, for somebody else."""
        return await self._settle(self._submitter.return_(self, reason, timeout=timeout))

    async def ack(self, *, timeout: float | None = None) -> None:
        """Ends the lease: the task is this process's for good. Nothing tells of its cancellation any more."""
        (outcome,) = await self._submitter.ack([self], timeout=timeout)
        if outcome.error is not None:
            self._note(outcome.error)
            raise outcome.error
        self._keeper.discard(self)
        if outcome.canceled:
            self._end(canceled=True)

    async def __aenter__(self) -> "AsyncHeldTask":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._settled or self._over.is_set():
            return
        try:
            if error is None:
                await self.finish()
            elif isinstance(error, Exception):
                text = f"{type(error).__name__}: {error}".replace("\x00", "\N{REPLACEMENT CHARACTER}")
                await self.fail(text.encode(errors="replace")[:_ERROR_BYTES_MAX].decode(errors="ignore"))
            else:
                await self.return_(type(error).__name__)
        except DMSError as failure:
            # Of an exception that is on its way out, nothing may take the place.
            if error is None and not isinstance(failure, (TaskCanceled, LeaseLost)):
                raise

    async def _settle(self, call: Awaitable[Task]) -> Task:
        try:
            task = await call
        except FailedPrecondition as error:
            self._note(error)
            raise
        self._settled = True
        self._keeper.discard(self)
        return task

    # What the keeper does.

    def _is_due(self, now: float) -> bool:
        return now >= self._renew_at

    def _hold_off(self) -> None:
        """Lets no second renewal begin while one is under way."""
        self._renew_at = math.inf

    def _renewed(self, outcome: LeaseOutcome, sent_at: float) -> None:
        if outcome.error is not None:
            self._note(outcome.error)
            if not self._over.is_set():
                self._renewal_failed()
        elif outcome.canceled:
            self._end(canceled=True)
        else:
            self.lease_expires_at = outcome.lease_expires_at
            self._backoff.reset()
            self._ends_at = sent_at + self._lease
            self._renew_at = sent_at + self._lease * _RENEW_AFTER

    def _renewal_failed(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._ends_at:
            self._end(canceled=False)
        else:
            self._renew_at = min(now + self._backoff.next(), self._ends_at)

    def _note(self, error: DMSError) -> None:
        if isinstance(error, TaskCanceled):
            self._end(canceled=True)
        elif isinstance(error, (LeaseLost, NotFound)):
            self._end(canceled=False)

    def _end(self, *, canceled: bool) -> None:
        self._keeper.discard(self)
        if self._settled or self._over.is_set():
            return
        self._canceled = canceled
        self._lost = not canceled
        self._over.set()


class LeaseKeeper:
    """Renews the leases of all tasks that a client holds, as many in one call as fall due together."""

    def __init__(self, submitter: "AsyncSubmitter") -> None:
        self._submitter = submitter
        # Weak: a task that its holder has forgotten is to go to somebody else.
        self._held: weakref.WeakSet[AsyncHeldTask] = weakref.WeakSet()
        self._changed = asyncio.Event()
        self._is_running = False

    def add(self, held: AsyncHeldTask) -> None:
        """Renews this task's lease from now on."""
        self._held.add(held)
        self._changed.set()
        if not self._is_running:
            self._is_running = True
            self._submitter.link.spawn(self._run())

    def discard(self, held: AsyncHeldTask) -> None:
        """Renews it no longer."""
        self._held.discard(held)

    def held(self) -> list[AsyncHeldTask]:
        """The tasks whose leases are renewed."""
        return list(self._held)

    async def renew(self, held: Iterable[AsyncHeldTask]) -> None:
        """Renews now, in one call; the tasks are told what became of it."""
        batch = list(held)
        loop = asyncio.get_running_loop()
        sent_at = loop.time()
        for one in batch:
            one._hold_off()
        outcomes: tuple[LeaseOutcome, ...] = ()
        try:
            patience = min(one._ends_at for one in batch) - sent_at
            outcomes = await self._submitter.renew(batch, timeout=max(patience, 0.1))
        except DMSError:
            pass
        finally:
            # Also where whoever waits for this is cancelled: the leases go on.
            for one, outcome in zip_longest(batch, outcomes):
                if outcome is None:
                    one._renewal_failed()
                else:
                    one._renewed(outcome, sent_at)
            self._changed.set()

    async def return_all(self, patience: float) -> None:
        """Returns every task that is held, as far as the server takes them in time."""
        held = self.held()
        # The last one first: a scheduler of an earlier version puts each at the head of its queue.
        held.sort(key=lambda one: one._number, reverse=True)
        returns = [one.return_("the client was closed", timeout=patience) for one in held]
        await asyncio.gather(*returns, return_exceptions=True)

    def _renew_due(self, now: float) -> None:
        # A method of its own: what waits below may not keep a task alive that its holder has forgotten.
        due = [one for one in self.held() if one._is_due(now)]
        for start in range(0, len(due), REFS_MAX):
            batch = due[start : start + REFS_MAX]
            for one in batch:
                one._hold_off()
            self._submitter.link.spawn(self.renew(batch))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._renew_due(loop.time())
            wake_at = min((one._renew_at for one in self._held), default=math.inf)
            try:
                async with asyncio.timeout_at(wake_at if math.isfinite(wake_at) else None):
                    await self._changed.wait()
            except TimeoutError:
                pass
