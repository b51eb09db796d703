"""What the calls of all services share."""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from google.protobuf.message import DecodeError

from dms_client import models
from dms_client._link import Call, Kind, Link
from dms_client._proto.dms.v1 import submitter_pb2
from dms_client.errors import ProtocolError
from dms_client.models import LeaseOutcome, LeaseRef

if TYPE_CHECKING:
    from google.protobuf.message import Message

_M = TypeVar("_M", bound="Message")


class Caller:
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
                metadata=pairs(metadata),
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


def pairs(metadata: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple((key.lower(), value) for key, value in (metadata or {}).items())


def milliseconds(seconds: float) -> int:
    if not (math.isfinite(seconds) and 0 <= seconds < 2**31 / 1000):
        raise ValueError(f"{seconds} s is no time that the scheduler takes")
    # What is asked for is something: not nothing for being short.
    return math.ceil(round(seconds * 1000, 3))


def ref(ref: LeaseRef) -> submitter_pb2.LeaseRef:
    return submitter_pb2.LeaseRef(task_id=ref.task_id, lease_token=ref.lease_token)


def outcomes(outcomes: Iterable[submitter_pb2.LeaseOutcome], count: int) -> tuple[LeaseOutcome, ...]:
    read = tuple(models.outcome_from(outcome) for outcome in outcomes)
    if len(read) != count:
        raise ProtocolError(f"the server answered {count} leases with {len(read)} outcomes")
    return read
