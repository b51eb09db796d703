"""The asyncio client."""

import contextlib
import math
import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import DecodeError

from dms_client import models
from dms_client._addresses import DEFAULT_ADDRESS, Address, TLSAddress, parse_addresses
from dms_client._held import AsyncHeldTask, LeaseKeeper
from dms_client._link import Call, Kind, Link, LinkOptions
from dms_client._proto.dms.v1 import admin_pb2, submitter_pb2, task_pb2, tasks_pb2
from dms_client._proto.grpc.health.v1 import health_pb2
from dms_client._stream import AsyncTaskStream
from dms_client.errors import DMSError, ProtocolError
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

if TYPE_CHECKING:
    from google.protobuf.message import Message

_TASKS: Final = "dms.v1.Tasks"
_SUBMITTER: Final = "dms.v1.Submitter"
_ADMIN: Final = "dms.v1.Admin"
_HEALTH: Final = "grpc.health.v1.Health"

DEFAULT_TIMEOUT: Final = 10.0
_CLOSING_PATIENCE: Final = 2.0

_M = TypeVar("_M", bound="Message")


class _Caller:
    """Makes the calls of one service."""

    service: str

    def __init__(self, link: Link, timeout: float) -> None:
        self.link = link
        self._timeout = timeout

    async def _call(
        self,
        method: str,
        request: "Message",
        answer: type[_M],
        kind: Kind,
        timeout: float | None,
        metadata: Mapping[str, str] | None,
    ) -> _M:
        packed: bytes = request.SerializeToString()
        return await self._perform(
            Call(
                service=self.service,
                method=method,
                kind=kind,
                payload=lambda _: packed,
                timeout=self._timeout if timeout is None else timeout,
                metadata=_pairs(metadata),
            ),
            answer,
        )

    async def _perform(self, call: Call, answer: type[_M]) -> _M:
        payload = await self.link.call(call)
        message = answer()
        try:
            message.ParseFromString(payload)
        except DecodeError:
            raise ProtocolError(
                f"the message in the server's answer to {call.method} is none",
                outcome_unknown=call.kind is not Kind.READ,
            ) from None
        return message


class AsyncTasks(_Caller):
    """Submit tasks, look at them, cancel them."""

    service = _TASKS

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


class AsyncSubmitter(_Caller):
    """Fetch tasks, keep their leases, report how they ended."""

    service = _SUBMITTER

    def __init__(self, link: Link, timeout: float, submitter_id: str) -> None:
        super().__init__(link, timeout)
        self._submitter_id = submitter_id
        self._keeper: LeaseKeeper | None = None

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
        """
        result, _ = await self.fetch(
            max_tasks=max_tasks,
            wait=wait,
            lease=lease,
            submitter_id=submitter_id,
            request_id=request_id,
            acks=acks,
            timeout=timeout,
            metadata=metadata,
        )
        return result

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
        request = submitter_pb2.AckRequest(leases=[_ref(task.ref) for task in tasks])
        answer = await self._call("Ack", request, submitter_pb2.AckResponse, Kind.REPLAY_SAFE, timeout, metadata)
        return _outcomes(answer.outcomes, len(request.leases))

    async def renew(
        self,
        tasks: Iterable[HasRef],
        *,
        lease: float = 0.0,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[LeaseOutcome, ...]:
        """Sets new ends, `lease` seconds from now (0: as long as each was). One outcome for each."""
        refs = [_ref(task.ref) for task in tasks]
        request = submitter_pb2.RenewRequest(leases=refs, lease_ms=_milliseconds(lease))
        answer = await self._call("Renew", request, submitter_pb2.RenewResponse, Kind.REPLAY_SAFE, timeout, metadata)
        return _outcomes(answer.outcomes, len(refs))

    async def return_(
        self,
        task: HasRef,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a task back at the head of its queue, for somebody else."""
        request = submitter_pb2.ReturnRequest(lease=_ref(task.ref), reason=reason)
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
        """Makes a task completed, with a result (bytes are JSON text already), or failed, with an error."""
        request = submitter_pb2.FinishRequest(
            lease=_ref(task.ref),
            succeeded=succeeded,
            result=b"" if result is None else models.json_bytes(result),
            error=error or "",
        )
        answer = await self._call("Finish", request, task_pb2.Task, Kind.REPLAY_SAFE, timeout, metadata)
        return models.task_from(answer)

    async def fetch(
        self,
        *,
        max_tasks: int,
        wait: float,
        lease: float,
        submitter_id: str | None = None,
        request_id: str | None = None,
        acks: Iterable[HasRef] = (),
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> tuple[NextResult, int]:
        """What `next` does; tells also how many attempts it took."""
        request = submitter_pb2.NextRequest(
            max_tasks=max_tasks,
            wait_ms=_milliseconds(wait),
            lease_ms=_milliseconds(lease),
            submitter_id=self._submitter_id if submitter_id is None else submitter_id,
            request_id=uuid.uuid4().hex if request_id is None else request_id,
            acks=[_ref(task.ref) for task in acks],
        )
        wait_ms = request.wait_ms

        def payload(elapsed: float) -> bytes:
            request.wait_ms = max(0, wait_ms - round(elapsed * 1000))
            packed: bytes = request.SerializeToString()
            return packed

        call = Call(
            service=_SUBMITTER,
            method="Next",
            kind=Kind.REPLAY_SAFE if request.request_id else Kind.ONCE,
            payload=payload,
            timeout=self._timeout + wait if timeout is None else timeout,
            metadata=_pairs(metadata),
            # Whoever chose the request id may ask again for what came too late.
            on_late=self._give_back if request_id is None else None,
        )
        answer = await self._perform(call, submitter_pb2.NextResponse)
        return models.next_from(answer), call.attempts

    async def close(self) -> None:
        """Returns what is still held."""
        if self._keeper is not None:
            await self._keeper.return_all(_CLOSING_PATIENCE)

    def _give_back(self, payload: bytes) -> None:
        answer = submitter_pb2.NextResponse()
        try:
            answer.ParseFromString(payload)
        except DecodeError:
            return
        for leased in answer.tasks:
            if leased.lease_token:
                self.link.spawn(self._return_late(LeaseRef(leased.task.task_id, leased.lease_token)))

    async def _return_late(self, ref: LeaseRef) -> None:
        # Where it cannot be given back its lease ends by itself.
        with contextlib.suppress(DMSError):
            await self.return_(ref, "it came too late")


class AsyncAdmin(_Caller):
    """Steer the scheduler; every call needs the operator token."""

    service = _ADMIN

    async def set_priority(
        self,
        task_id: str,
        priority: Priority,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Task:
        """Puts a queued task at the tail of another queue."""
        request = admin_pb2.SetPriorityRequest(task_id=task_id, priority=task_pb2.Priority.Name(priority))
        return models.task_from(await self._call("SetPriority", request, task_pb2.Task, Kind.ONCE, timeout, metadata))

    async def block(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Blocks submissions."""
        request = admin_pb2.BlockRequest(blocked=True, reason=reason)
        answer = await self._call("Block", request, admin_pb2.BlockState, Kind.ONCE, timeout, metadata)
        return models.block_state_from(answer)

    async def resume(
        self,
        reason: str | None = None,
        *,
        timeout: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlockState:
        """Takes submissions again; without a reason the block's stays."""
        request = admin_pb2.ResumeRequest(reason=reason)
        answer = await self._call("Resume", request, admin_pb2.BlockState, Kind.ONCE, timeout, metadata)
        return models.block_state_from(answer)

    async def get_block(self, *, timeout: float | None = None, metadata: Mapping[str, str] | None = None) -> BlockState:
        """Whether submissions are blocked."""
        request = admin_pb2.GetBlockRequest()
        answer = await self._call("GetBlock", request, admin_pb2.BlockState, Kind.READ, timeout, metadata)
        return models.block_state_from(answer)


class AsyncHealth(_Caller):
    """Ask whether the scheduler serves."""

    service = _HEALTH

    async def check(
        self, service: str = "", *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> ServingStatus:
        """The state of a service by its full name, or of the server as a whole."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._call("Check", request, health_pb2.HealthCheckResponse, Kind.READ, timeout, metadata)
        return ServingStatus(answer.status)


class AsyncClient:
    """A client for asyncio; belongs to the event loop it is first used on.

    It connects with the first call, keeps one connection for all calls, and connects anew, to the next of its
    addresses, when the connection is lost. Times are in seconds; a timeout of infinity is none.
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
        """Addresses are `host`, `host:port`, `[v6]:port`, the same behind `tls://`, or `unix:///path`.

        Nothing is opened yet. `tls` says how the servers of `tls://` addresses are known, and which certificate they
        are shown; without it their certificates must lead to a root of the system. `server_name` is the name that
        these must hold, in place of the host.

        `timeout` is for calls that name none, `connect_timeout` how long a call waits for a connection. A server that
        sends nothing for `keepalive_timeout` after a ping, sent every `keepalive` seconds, is given up. A call that may
        be sent again is sent `attempts` times at most.
        """
        servers = parse_addresses(addresses)
        tokens = {"x-dms-operator-token": operator_token, "x-dms-submitter-token": submitter_token}
        self._link = Link(
            servers,
            LinkOptions(
                metadata=tuple((key, value) for key, value in tokens.items() if value is not None) + _pairs(metadata),
                connect_timeout=connect_timeout,
                keepalive=keepalive,
                keepalive_timeout=keepalive_timeout,
                attempts_max=attempts,
                tls=_tls(servers, tls, server_name),
                server_name=server_name,
            ),
        )
        self.tasks: Final = AsyncTasks(self._link, timeout)
        self.submitter: Final = AsyncSubmitter(self._link, timeout, submitter_id)
        self.admin: Final = AsyncAdmin(self._link, timeout)
        self.health: Final = AsyncHealth(self._link, timeout)

    async def close(self) -> None:
        """Returns the tasks whose leases are being renewed, fails the calls under way, and closes the connection."""
        if not self._link.is_closed:
            await self.submitter.close()
            await self._link.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _pairs(metadata: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((key.lower(), value) for key, value in (metadata or {}).items())


def _tls(servers: Iterable[Address], tls: ssl.SSLContext | None, server_name: str | None) -> ssl.SSLContext | None:
    if any(isinstance(server, TLSAddress) for server in servers):
        return tls or ssl.create_default_context()
    if tls is not None or server_name is not None:
        raise ValueError("TLS needs a tls:// address: what is sent to the others is not encrypted")
    return None


def _milliseconds(seconds: float) -> int:
    if not (math.isfinite(seconds) and 0 <= seconds < 2**31 / 1000):
        raise ValueError(f"{seconds} s is no time that the scheduler takes")
    # What is asked for is something: not nothing for being short.
    return math.ceil(round(seconds * 1000, 3))


def _ref(ref: LeaseRef) -> submitter_pb2.LeaseRef:
    return submitter_pb2.LeaseRef(task_id=ref.task_id, lease_token=ref.lease_token)


def _outcomes(outcomes: Iterable[submitter_pb2.LeaseOutcome], count: int) -> tuple[LeaseOutcome, ...]:
    read = tuple(models.outcome_from(outcome) for outcome in outcomes)
    if len(read) != count:
        raise ProtocolError(f"the server answered {count} leases with {len(read)} outcomes")
    return read
