"""Tasks one after the other, for as long as there is somebody to take them."""

import asyncio
import contextlib
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from dms_client._backoff import Backoff
from dms_client._held import AsyncHeldTask
from dms_client._late import Asking
from dms_client.errors import (
    ClientClosed,
    DeadlineExceeded,
    NoScheduler,
    ResourceExhausted,
    Unavailable,
    UnknownOutcome,
)
from dms_client.models import LeasedTask

if TYPE_CHECKING:
    from dms_client.aio import AsyncSubmitter


class AsyncTaskStream:
    """Hands out tasks for ever; see AsyncSubmitter.tasks. Several workers may iterate over one stream.

    A wait for the next task may be cancelled: what still comes for it is what the next wait brings, if that has begun
    by then or there is no lease, and else it is returned. What was fetched and is not handed out when the stream is
    closed, or forgotten, is returned, too.
    """

    def __init__(
        self, submitter: "AsyncSubmitter", *, lease: float, wait: float, batch: int, submitter_id: str
    ) -> None:
        self._submitter = submitter
        self._lease = lease
        self._wait = wait
        self._batch = batch
        self._submitter_id = submitter_id
        self._fetched: deque[AsyncHeldTask] = deque()
        self._turn = asyncio.Lock()
        self._backoff = Backoff()
        self._is_closed = False
        # Whether what was fetched may have lain at the server until its leases ended.
        self._is_old = False
        self._renewing: asyncio.Task[None] | None = None
        self._asking: Asking | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __del__(self) -> None:
        fetched = [_leased(held) for held in self._fetched]
        if fetched and self._loop is not None:
            # Not where the loop is closed already.
            with contextlib.suppress(RuntimeError):
                put_back = self._submitter.late.put_back
                self._loop.call_soon_threadsafe(put_back, fetched, self._submitter_id, "not begun")

    def __aiter__(self) -> "AsyncTaskStream":
        return self

    async def __anext__(self) -> AsyncHeldTask:
        async with self._turn:
            while not self._is_closed:
                held = self._take()
                if held is not None:
                    return held
                fetching = self._fetching = asyncio.ensure_future(self._fetch())
                try:
                    # Our caller's cancellation is not that of the fetching, which only closing is.
                    await asyncio.wait({fetching})
                except asyncio.CancelledError:
                    fetching.cancel()
                    await asyncio.wait({fetching})
                    if not fetching.cancelled():
                        fetching.exception()
                    raise
                finally:
                    self._fetching = None
                if not (self._is_closed and fetching.cancelled()):
                    fetching.result()
        raise StopAsyncIteration

    def put_back(self, held: AsyncHeldTask) -> None:
        """Takes a task back that its caller did not get."""
        if self._is_closed:
            self._submitter.late.put_back([_leased(held)], self._submitter_id, "not begun")
        else:
            self._fetched.appendleft(held)

    async def aclose(self) -> None:
        """Fetches no more, and returns what was fetched and not handed out yet; tasks handed out stay held."""
        self._is_closed = True
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})
        if self._asking is not None:
            self._submitter.late.leave(self._asking)
            self._asking = None
        fetched, self._fetched = list(self._fetched), deque()
        returned = self._submitter.late.put_back(map(_leased, fetched), self._submitter_id, "not begun")
        if returned is not None:
            await asyncio.wait({returned})

    async def __aenter__(self) -> "AsyncTaskStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _take(self) -> AsyncHeldTask | None:
        while self._fetched and not self._is_old:
            held = self._fetched.popleft()
            # One that was canceled, or lost, while it lay here is nobody's work.
            if not held.canceled and not held.lost:
                return held
        return None

    async def _fetch(self) -> None:
        self._loop = asyncio.get_running_loop()
        if not self._fetched:
            await self._ask()
        if self._is_old:
            # Who waits for this may go; then it goes on for the next.
            if self._renewing is None:
                self._renewing = self._submitter.link.spawn(self._submitter.keeper.renew(list(self._fetched)))
            await asyncio.wait({self._renewing})
            self._renewing = None
            self._is_old = False

    async def _ask(self) -> None:
        late = self._submitter.late
        has_lease = self._lease > 0
        while True:
            if not has_lease and (left := await late.take(self._submitter_id, self._batch)):
                self._fetched.extend(self._submitter.hold(leased, self._lease) for leased in left)
                return
            if self._asking is None:
                self._asking = late.asking(self._submitter_id, has_lease=has_lease)
            asking = self._asking
            try:
                result = await self._submitter.fetch(
                    asking, max_tasks=self._batch, wait=self._wait, lease=self._lease
                )
                break
            except ClientClosed:
                raise
            except (Unavailable, DeadlineExceeded, ResourceExhausted, UnknownOutcome) as error:
                if isinstance(error, NoScheduler) and not self._submitter.link.was_reached:
                    raise
                await asyncio.sleep(max(error.retry_after or 0.0, self._backoff.next()))
        self._asking = None
        self._backoff.reset()
        self._fetched.extend(self._submitter.hold(leased, self._lease) for leased in result.tasks)
        # The answer may be an old one, whose leases have ended meanwhile.
        self._is_old = asking.is_repeated and has_lease and bool(self._fetched)


def _leased(held: AsyncHeldTask) -> LeasedTask:
    return LeasedTask(task=held.task, lease_token=held.ref.lease_token, lease_expires_at=held.lease_expires_at)
