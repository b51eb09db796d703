"""What becomes of tasks that come when nobody waits for them any more."""

import asyncio
import contextlib
import logging
import uuid
from collections import defaultdict, deque
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from dms_client import models
from dms_client._link import Call, LastWord
from dms_client._proto.dms.v1 import submitter_pb2
from dms_client.errors import DMSError
from dms_client.models import LeasedTask, LeaseRef

if TYPE_CHECKING:
    from dms_client.aio import AsyncSubmitter

_logger = logging.getLogger("dms_client")
# How long a call without a lease waits for what an earlier one may bring yet.
_HEARING_PATIENCE: Final = 2.0


class Asking:
    """What is asked for under one request id, until it is known what came of it."""

    def __init__(self, submitter_id: str, *, has_lease: bool, request_id: str | None = None) -> None:
        self.submitter_id = submitter_id
        self.has_lease = has_lease
        # Whether the id is one that its caller has chosen, and may ask for again.
        self.is_callers = bool(request_id)
        self.request_id = uuid.uuid4().hex if request_id is None else request_id
        # Whether an earlier answer may be kept under the id: its leases may have ended meanwhile.
        self.is_repeated = False
        # Hears the last word of a call that was given up.
        self.hearing: asyncio.Task[None] | None = None
        # Whether the next call waits for that, and what came for it.
        self.is_awaited = False
        self.brought: tuple[LeasedTask, ...] = ()
        # Whether nobody goes on with it, once the last word is heard.
        self.is_left = False

    def begin_anew(self) -> None:
        """What was asked for is known to be over."""
        if not self.is_callers and self.request_id:
            self.request_id = uuid.uuid4().hex
        self.is_repeated = False


class LateTasks:
    """Sees to it that no task is lost whose caller has gone; lives on the client's event loop.

    Tasks under a lease are returned to their queue. Others cannot be: the next call without a lease gets them, of the
    same submitter id. Where a connection was lost with the answer, that call asks for it under the same request id.
    Whoever goes on with an asking before its last word was heard gets what that brings.
    """

    def __init__(self, submitter: "AsyncSubmitter", submitter_id: str) -> None:
        self._submitter = submitter
        self._submitter_id = submitter_id
        self._work: set[asyncio.Task[None]] = set()
        self._left: defaultdict[str, deque[LeasedTask]] = defaultdict(deque)
        self._unanswered: defaultdict[str, deque[Asking]] = defaultdict(deque)
        self._heard: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    def asking(self, submitter_id: str, *, has_lease: bool) -> Asking:
        """A new asking, or one without a lease that an earlier caller has left without an answer."""
        unanswered = self._unanswered[submitter_id]
        if not has_lease and unanswered:
            asking = unanswered.popleft()
            asking.is_left = False
            return asking
        return Asking(submitter_id, has_lease=has_lease)

    async def take(self, submitter_id: str, count: int) -> tuple[LeasedTask, ...]:
        """Tasks without a lease that came too late for earlier callers, or will for those that have just gone."""
        if self._heard[submitter_id]:
            await asyncio.wait(self._heard[submitter_id], timeout=_HEARING_PATIENCE)
        left = self._left[submitter_id]
        return tuple(left.popleft() for _ in range(min(count, len(left))))

    def given_up(self, asking: Asking, call: Call, word: LastWord) -> None:
        """A call's caller has gone while the call was at a server."""
        hearing = asking.hearing = self._spawn(self._hear(asking, call, word))
        if not asking.has_lease:
            heard = self._heard[asking.submitter_id]
            heard.add(hearing)
            hearing.add_done_callback(heard.discard)

    async def heard(self, asking: Asking) -> tuple[LeasedTask, ...]:
        """What the last word of the call before has brought, which is waited for."""
        if asking.hearing is None:
            return ()
        asking.is_awaited = True
        try:
            await asyncio.wait({asking.hearing})
        except BaseException:
            self.put_back(asking.brought, asking.submitter_id, "it came too late")
            asking.brought = ()
            raise
        finally:
            asking.is_awaited = False
        brought, asking.brought = asking.brought, ()
        return brought

    def leave(self, asking: Asking) -> None:
        """Nobody goes on with an asking."""
        asking.is_left = True
        is_lost = asking.hearing is None and asking.is_repeated and not asking.has_lease
        if is_lost and asking.request_id and not asking.is_callers:
            self._unanswered[asking.submitter_id].append(asking)

    def put_back(
        self, tasks: Iterable[LeasedTask], submitter_id: str | None, reason: str
    ) -> asyncio.Task[None] | None:
        """Gives tasks back that nobody has begun; what it returns ends when those under a lease are returned."""
        chosen = self._submitter_id if submitter_id is None else submitter_id
        refs: list[LeaseRef] = []
        for leased in tasks:
            if leased.lease_token:
                refs.append(leased.ref)
            else:
                self._left[chosen].append(leased)
        return self._spawn(self._return_all(refs, reason)) if refs else None

    async def settled(self, patience: float) -> None:
        """Waits until all of it is done, for so many seconds at most."""
        end = asyncio.get_running_loop().time() + patience
        while self._work and (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait(self._work, timeout=left)
        for submitter_id, tasks in self._left.items():
            if tasks:
                ids = ", ".join(repr(leased.task.task_id) for leased in tasks)
                _logger.warning("Tasks without a lease came too late, and stay dispatched to %r: %s", submitter_id, ids)

    async def _hear(self, asking: Asking, call: Call, word: LastWord) -> None:
        payload = await word
        tasks: tuple[LeasedTask, ...] = ()
        if payload is not None:
            with contextlib.suppress(DecodeError):
                tasks = models.next_from(submitter_pb2.NextResponse.FromString(payload)).tasks
        asking.hearing = None
        # That nothing was taken this time says nothing of an earlier one under the same id.
        if tasks or (payload is not None and call.attempts == 1 and not asking.is_repeated):
            asking.begin_anew()
            if asking.is_awaited:
                asking.brought = tasks
            else:
                self.put_back(tasks, asking.submitter_id, "it came too late")
            return
        asking.is_repeated = True
        if asking.is_left:
            self.leave(asking)

    async def _return_all(self, refs: list[LeaseRef], reason: str) -> None:
        # The last one first: a scheduler of an earlier version puts each at the head of its queue.
        # What cannot be returned comes back when its lease ends.
        for ref in reversed(refs):
            with contextlib.suppress(DMSError):
                await self._submitter.return_(ref, reason)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._submitter.link.spawn(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task
