"""Tasks one after the other, for as long as there is somebody to take them."""

import asyncio
import contextlib
import uuid
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from dms_client._backoff import Backoff
from dms_client._held import AsyncHeldTask
from dms_client.errors import (
    ClientClosed,
    ConnectionLost,
    DeadlineExceeded,
    DMSError,
    ResourceExhausted,
    Unavailable,
    UnknownOutcome,
)

if TYPE_CHECKING:
    from dms_client.aio import AsyncSubmitter


class AsyncTaskStream:
    """Hands out tasks for ever; see AsyncSubmitter.tasks. Several workers may iterate over one stream."""

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
        self._fetching: asyncio.Task[None] | None = None

    def __aiter__(self) -> "AsyncTaskStream":
        return self

    async def __anext__(self) -> AsyncHeldTask:
        async with self._turn:
            while not self._is_closed:
                while self._fetched:
                    held = self._fetched.popleft()
                    # One that was canceled, or lost, while it lay here is nobody's work.
                    if not held.canceled and not held.lost:
                        return held
                self._fetching = asyncio.ensure_future(self._fetch())
                try:
                    await self._fetching
                except asyncio.CancelledError:
                    # Either we were closed, or whoever waits for us is cancelled; then the call must be too.
                    if not self._is_closed:
                        self._fetching.cancel()
                        with contextlib.suppress(asyncio.CancelledError, DMSError):
                            await self._fetching
                        raise
                finally:
                    self._fetching = None
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Fetches no more, and returns what was fetched and not handed out yet; tasks handed out stay held."""
        self._is_closed = True
        if self._fetching is not None:
            self._fetching.cancel()
        fetched, self._fetched = list(self._fetched), deque()
        returns = [held.return_("not begun") for held in fetched if held.ref.lease_token]
        await asyncio.gather(*returns, return_exceptions=True)

    async def __aenter__(self) -> "AsyncTaskStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _fetch(self) -> None:
        request_id = uuid.uuid4().hex
        is_repeated = False
        while True:
            try:
                result, attempts = await self._submitter.fetch(
                    max_tasks=self._batch,
                    wait=self._wait,
                    lease=self._lease,
                    submitter_id=self._submitter_id,
                    request_id=request_id,
                )
                break
            except ClientClosed:
                raise
            except (Unavailable, DeadlineExceeded, ResourceExhausted, UnknownOutcome) as error:
                if isinstance(error, (ConnectionLost, UnknownOutcome)):
                    is_repeated = True
                elif isinstance(error, DeadlineExceeded):
                    # What it may still bring is given back, so a repetition of it must not be taken for work.
                    request_id = uuid.uuid4().hex
                    is_repeated = False
                await asyncio.sleep(max(error.retry_after or 0.0, self._backoff.next()))
        self._backoff.reset()
        held = [self._submitter.hold(leased, self._lease) for leased in result.tasks]
        if held and self._lease and (is_repeated or attempts > 1):
            # The answer may be an old one, whose leases have ended meanwhile.
            await self._submitter.keeper.renew(held)
        self._fetched.extend(held)
