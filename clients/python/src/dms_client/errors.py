"""What a call raises. Every error is a DMSError; catch by gRPC's code, or finer by the scheduler's reason."""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from dms_client._proto.google.rpc import error_details_pb2, status_pb2


class Code(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that was refused, and why."""

    field: str
    description: str


class DMSError(Exception):
    """A call that did not succeed.

    `reason` is the contract for programs (UPPER_SNAKE), the message is for people. `retry_after` is how many seconds
    the server asks to wait, where it asks. `outcome_unknown` says that the server may have done what the call asks for.
    """

    default_code: ClassVar[Code] = Code.UNKNOWN
    default_reason: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        reason: str | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code: int = self.default_code if code is None else code
        self.reason: str = self.default_reason if reason is None else reason
        self.violations = violations
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        return f"{self.message} ({self.reason or self.code})"


class Cancelled(DMSError):
    """The call was given up."""

    default_code = Code.CANCELLED
    default_reason = "CANCELLED"


class ClientClosed(Cancelled):
    """The client was closed."""

    default_reason = "CLIENT_CLOSED"


class InvalidArgument(DMSError):
    """The server refuses the request as it is; see `violations`."""

    default_code = Code.INVALID_ARGUMENT


class DeadlineExceeded(DMSError):
    """The call's time was up."""

    default_code = Code.DEADLINE_EXCEEDED
    default_reason = "DEADLINE_EXCEEDED"


class NotFound(DMSError):
    """There is no such task, or no such service."""

    default_code = Code.NOT_FOUND


class TaskNotFound(NotFound):
    """No task has this id."""


class AlreadyExists(DMSError):
    """It is there already."""

    default_code = Code.ALREADY_EXISTS


class TaskExists(AlreadyExists):
    """A task has this id already."""


class PermissionDenied(DMSError):
    """A token is missing or wrong, or the task is another's."""

    default_code = Code.PERMISSION_DENIED


class NotOwner(PermissionDenied):
    """The task belongs to another user or service."""


class ResourceExhausted(DMSError):
    """A limit was reached, or the store is full."""

    default_code = Code.RESOURCE_EXHAUSTED


class QueueFull(ResourceExhausted):
    """As many tasks are queued as the server's settings allow; nothing was done."""

    default_reason = "LIMIT_QUEUED"


class RequestTooLarge(ResourceExhausted):
    """The request does not fit a frame, and was not sent."""

    default_reason = "LIMIT_FRAME"


class FailedPrecondition(DMSError):
    """The task is not in a state that allows this."""

    default_code = Code.FAILED_PRECONDITION


class LeaseLost(FailedPrecondition):
    """The lease token is not, or no longer, the task's: somebody else has it, or will have it."""

    default_reason = "LEASE_LOST"


class TaskNotQueued(FailedPrecondition):
    """Only a queued task can do this."""


class TaskFinished(FailedPrecondition):
    """The task is completed or failed."""


class TaskCanceled(FailedPrecondition):
    """The task was canceled, and stays so."""


class Unimplemented(DMSError):
    """The server has no such method."""

    default_code = Code.UNIMPLEMENTED


class Unavailable(DMSError):
    """Not now; a later attempt may succeed."""

    default_code = Code.UNAVAILABLE


class SubmissionsBlocked(Unavailable):
    """An admin has blocked submissions."""


class StoreUnavailable(Unavailable):
    """The server has no Redis; nothing was written."""


class Draining(Unavailable):
    """The server is shutting down and did not begin the call."""

    default_reason = "DRAINING"


class ConnectError(Unavailable):
    """No connection came about in time; no server has seen anything of the call."""

    default_reason = "UNREACHABLE"


class NoScheduler(ConnectError):
    """What answers at all of the client's addresses is no scheduler; nothing was done."""

    default_reason = "NO_SCHEDULER"


class ConnectionLost(Unavailable):
    """The connection was lost before the answer came; see `outcome_unknown`."""

    default_reason = "CONNECTION_LOST"


class UnknownOutcome(DMSError):
    """Redis stopped answering after a write was sent: it may have happened, or not."""

    default_reason = "OUTCOME_UNKNOWN"


class ProtocolError(DMSError):
    """The server sent what it may not send."""

    default_code = Code.INTERNAL
    default_reason = "PROTOCOL"


_BY_REASON: dict[str, type[DMSError]] = {
    "TASK_NOT_FOUND": TaskNotFound,
    "TASK_EXISTS": TaskExists,
    "TASK_NOT_QUEUED": TaskNotQueued,
    "NOT_OWNER": NotOwner,
    "LEASE_LOST": LeaseLost,
    "SUBMISSIONS_BLOCKED": SubmissionsBlocked,
    "STORE_UNAVAILABLE": StoreUnavailable,
    "LIMIT_QUEUED": QueueFull,
    "OUTCOME_UNKNOWN": UnknownOutcome,
    "TASK_FINISHED": TaskFinished,
    "TASK_CANCELED": TaskCanceled,
    "DRAINING": Draining,
}

_BY_CODE: dict[int, type[DMSError]] = {
    error.default_code: error
    for error in (
        Cancelled,
        InvalidArgument,
        DeadlineExceeded,
        NotFound,
        AlreadyExists,
        PermissionDenied,
        ResourceExhausted,
        FailedPrecondition,
        Unimplemented,
        Unavailable,
    )
}

_CODES = frozenset(code.value for code in Code)
_DOMAIN = "dms"


def error_from_status(status: status_pb2.Status) -> DMSError | None:
    """The error that a status describes; None for OK."""
    if status.code == Code.OK:
        return None
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after: float | None = None
    known_reason = False
    for detail in status.details:
        if detail.Unpack(info):
            known_reason = info.domain == _DOMAIN
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        else:
            detail.Unpack(bad_request)
    by_code = _BY_CODE.get(status.code, DMSError)
    by_reason = _BY_REASON.get(info.reason, by_code) if known_reason else by_code
    # The code is the contract: a reason of another code does not change what catches the error.
    kind = by_reason if by_reason.default_code == status.code else by_code
    return kind(
        status.message,
        code=Code(status.code) if status.code in _CODES else status.code,
        reason=info.reason,
        violations=tuple(FieldViolation(one.field, one.description) for one in bad_request.field_violations),
        retry_after=retry_after,
        outcome_unknown=kind is UnknownOutcome,
    )
