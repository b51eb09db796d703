"""What goes into calls and comes out of them, as plain values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Protocol, Self

from dms_client._proto.dms.v1 import admin_pb2, submitter_pb2, task_pb2, tasks_pb2
from dms_client.errors import DMSError, error_from_status

# What a caller may give where JSON is expected: bytes are JSON text already and go out as they are.
JSON = bytes | str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Open(IntEnum):
    """Numbers that a later server may add names to: those without one here are taken as they come."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class Priority(_Open):
    """Tasks of a higher one are handed out first."""

    LOW = 1
    MID = 2
    HIGH = 3


class TaskStatus(_Open):
    """Where a task is in its life."""

    QUEUED = 1
    DISPATCHED = 2
    CANCELED = 3
    COMPLETED = 4
    FAILED = 5


class ServingStatus(_Open):
    """What the health service answers."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the scheduler has it. `parameters` and `result` are JSON text, byte for byte as it was given."""

    task_id: str
    service: str
    user_id: str
    parameters: bytes
    priority: Priority
    status: TaskStatus
    enqueued_at: datetime
    updated_at: datetime
    attempt: int = 0
    submitter_id: str = ""
    result: bytes | None = None
    error: str = ""

    def parameters_json(self) -> dict[str, Any]:
        """The parameters, parsed; numbers become Python's."""
        value: dict[str, Any] = json.loads(self.parameters)
        return value

    def result_json(self) -> Any:
        """The result, parsed; None where there is none."""
        return None if self.result is None else json.loads(self.result)


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """Where a queued task stands; positions count from 1."""

    priority: Priority
    position_in_priority: int
    global_position: int


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """How many tasks are queued."""

    total: int
    high: int
    mid: int
    low: int


@dataclass(frozen=True, slots=True)
class TaskSummary:
    """A task, and where it stands among the others; `queue_position` is None unless it is queued."""

    task: Task
    queue_position: QueuePosition | None
    overview: QueueOverview


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks of a list; an empty `next_page_token` is the end."""

    tasks: tuple[Task, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the beginning, and how things stand now."""

    queued: int
    dispatched: int
    canceled: int
    completed: int
    failed: int
    requeued: int
    leased: int
    waiting_submitters: int
    queue_overview: QueueOverview
    last_updated: datetime | None
    oldest_queued_at: datetime | None


@dataclass(frozen=True, slots=True)
class BlockState:
    """Whether submissions are blocked."""

    blocked: bool
    reason: str | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeaseRef:
    """A task and the proof that its holder was handed it; the token is empty without a lease."""

    task_id: str
    lease_token: str = ""

    @property
    def ref(self) -> "LeaseRef":
        """Itself, so that calls take a LeasedTask and a LeaseRef alike."""
        return self


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task that was handed out, with the proof of it."""

    task: Task
    lease_token: str
    lease_expires_at: datetime | None

    @property
    def ref(self) -> LeaseRef:
        """What the holder shows to acknowledge, renew, return or finish the task."""
        return LeaseRef(self.task.task_id, self.lease_token)


class HasRef(Protocol):
    """Whatever names a task that was handed out: a LeaseRef, a LeasedTask, a held task."""

    @property
    def ref(self) -> LeaseRef:
        """The task and its token."""


@dataclass(frozen=True, slots=True)
class LeaseOutcome:
    """What became of one lease of an Ack or a Renew; `error` is None where it went well."""

    task_id: str
    error: DMSError | None
    canceled: bool
    lease_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class NextResult:
    """Tasks that were handed out, and what became of the acknowledgements that the call carried."""

    tasks: tuple[LeasedTask, ...]
    acks: tuple[LeaseOutcome, ...]


class _Timestamp(Protocol):
    @property
    def seconds(self) -> int: ...
    @property
    def nanos(self) -> int: ...


def json_bytes(value: JSON) -> bytes:
    """The JSON text of a value; bytes are taken as JSON text already."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def time_from(message: _Timestamp) -> datetime:
    """The time, cut to microseconds."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def task_from(message: task_pb2.Task) -> Task:
    """Reads a message."""
    return Task(
        task_id=message.task_id,
        service=message.service,
        user_id=message.user_id,
        parameters=message.parameters,
        priority=Priority(message.priority or Priority.LOW),
        status=TaskStatus(message.status),
        enqueued_at=time_from(message.enqueued_at),
        updated_at=time_from(message.updated_at),
        attempt=message.attempt,
        submitter_id=message.submitter_id,
        result=message.result or None,
        error=message.error,
    )


def overview_from(message: task_pb2.QueueOverview) -> QueueOverview:
    """Reads a message."""
    return QueueOverview(message.total, message.high, message.mid, message.low)


def summary_from(message: tasks_pb2.TaskSummary) -> TaskSummary:
    """Reads a message."""
    position: QueuePosition | None = None
    if message.HasField("queue_position"):
        at = message.queue_position
        position = QueuePosition(Priority(at.priority or Priority.LOW), at.position_in_priority, at.global_position)
    return TaskSummary(task_from(message.task), position, overview_from(message.overview))


def page_from(message: tasks_pb2.ListTasksResponse) -> TaskPage:
    """Reads a message."""
    return TaskPage(tuple(task_from(task) for task in message.tasks), message.next_page_token)


def stats_from(message: tasks_pb2.Stats) -> Stats:
    """Reads a message."""
    return Stats(
        queued=message.queued,
        dispatched=message.dispatched,
        canceled=message.canceled,
        completed=message.completed,
        failed=message.failed,
        requeued=message.requeued,
        leased=message.leased,
        waiting_submitters=message.waiting_submitters,
        queue_overview=overview_from(message.queue_overview),
        last_updated=time_from(message.last_updated) if message.HasField("last_updated") else None,
        oldest_queued_at=time_from(message.oldest_queued_at) if message.HasField("oldest_queued_at") else None,
    )


def block_state_from(message: admin_pb2.BlockState) -> BlockState:
    """Reads a message."""
    return BlockState(
        blocked=message.blocked,
        reason=message.reason if message.HasField("reason") else None,
        updated_at=time_from(message.updated_at) if message.HasField("updated_at") else None,
    )


def leased_task_from(message: submitter_pb2.LeasedTask) -> LeasedTask:
    """Reads a message."""
    return LeasedTask(
        task=task_from(message.task),
        lease_token=message.lease_token,
        lease_expires_at=time_from(message.lease_expires_at) if message.HasField("lease_expires_at") else None,
    )


def outcome_from(message: submitter_pb2.LeaseOutcome) -> LeaseOutcome:
    """Reads a message."""
    return LeaseOutcome(
        task_id=message.task_id,
        error=error_from_status(message.status),
        canceled=message.canceled,
        lease_expires_at=time_from(message.lease_expires_at) if message.HasField("lease_expires_at") else None,
    )


def next_from(message: submitter_pb2.NextResponse) -> NextResult:
    """Reads a message."""
    return NextResult(
        tasks=tuple(leased_task_from(task) for task in message.tasks),
        acks=tuple(outcome_from(outcome) for outcome in message.acks),
    )
