"""The way from a call to a server: connects, fails over, sends again what may be sent again."""

import asyncio
import math
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from google.protobuf.message import DecodeError

from dms_client._addresses import Address, TLSAddress, UnixAddress
from dms_client._backoff import Backoff
from dms_client._causes import Failure, sentence, words
from dms_client._connection import Connection, StreamLostError
from dms_client._frames import DATA_BYTES_MAX
from dms_client._proto.ttrpc import ttrpc_pb2
from dms_client.errors import (
    ClientClosed,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    DMSError,
    Draining,
    NoScheduler,
    ProtocolError,
    RequestTooLarge,
    ResourceExhausted,
    Unavailable,
    error_from_status,
)

# The server keeps the deadline itself; we give up this much later, when it does not.
_DEADLINE_GRACE: Final = 0.5
_TIMEOUT_NANO_MAX: Final = 2**63 - 1
# How long a connection inside TLS that is closed waits for the server's word of farewell.
_FAREWELL_PATIENCE: Final = 1.0


class Kind(Enum):
    """What may be done with a call whose answer was lost."""

    READ = auto()
    """Changes nothing; may be sent again."""
    REPLAY_SAFE = auto()
    """Sent again it does the same once and gets the same answer."""
    ONCE = auto()
    """Sent again it might be done twice."""


LastWord = asyncio.Future[bytes | None]
"""The packed message of an answer that nobody waited for; empty where nothing was done, None where that is not known."""


@dataclass(slots=True)
class Call:
    """A call, until it is answered."""

    service: str
    method: str
    kind: Kind
    payload: Callable[[float], bytes]
    """Packs the request, given the seconds since the call began."""
    timeout: float
    """Seconds for all attempts together; infinite for none."""
    metadata: tuple[tuple[str, str], ...] = ()
    on_given_up: Callable[[LastWord], None] | None = None
    """Is called when the caller goes while the call is at a server, with what will hold the server's last word."""
    attempts: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class LinkOptions:
    """How a link behaves; has no description, since there are tokens in it."""

    metadata: tuple[tuple[str, str], ...]
    connect_timeout: float
    keepalive: float
    keepalive_timeout: float
    attempts_max: int
    tls: ssl.SSLContext | None = None
    """Of connections to `tls://` addresses."""
    server_name: str | None = None
    """What their certificates must hold, where that is not the host."""


class Link:
    """Keeps at most one connection for new calls; lives on one event loop."""

    def __init__(self, addresses: tuple[Address, ...], options: LinkOptions) -> None:
        self._addresses = addresses
        self._options = options
        self._address_index = 0
        self._connection: Connection | None = None
        self._connections: set[Connection] = set()
        self._connecting: asyncio.Task[Connection] | None = None
        self._waiters = 0
        self._backoff = Backoff()
        # When the next attempt to connect may begin, by the loop's clock.
        self._earliest = 0.0
        # Of the addresses that were tried since a scheduler was last reached.
        self._failures: dict[Address, Failure] = {}
        # Calls at a server whose last word counts, by the futures of their answers.
        self._open: dict[asyncio.Future[bytes], tuple[Connection, int, Call]] = {}
        self._takes_no_more = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._background: set[asyncio.Task[None]] = set()
        self.is_closed = False
        self.was_reached = False
        """Whether a scheduler has ever answered."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs something that nobody waits for; it ends with the link."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    def give_up(self) -> None:
        """Fails the calls whose last word counts, as the end of the client does, and begins no more of them."""
        self._takes_no_more = True
        for answer, (connection, stream_id, call) in list(self._open.items()):
            if not answer.done():
                answer.set_exception(StreamLostError("the client was closed", may_be_done=True))
                answer.exception()
                connection.abandon(stream_id, self._last_word(call))

    async def close(self) -> None:
        """Fails the calls under way, and closes the connections."""
        self.is_closed = True
        tasks: list[asyncio.Task[Any]] = [*self._background]
        if self._connecting is not None:
            tasks.append(self._connecting)
        for task in tasks:
            task.cancel()
        connections = list(self._connections)
        for connection in connections:
            connection.lose("the client was closed")
        await asyncio.gather(*tasks, *(connection.closed for connection in connections), return_exceptions=True)

    async def call(self, call: Call) -> bytes:
        """Makes the call and returns the packed message of its answer; raises DMSError."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("A client belongs to the event loop that it was first used on")
        begun = loop.time()
        deadline = begun + call.timeout
        may_be_done = False
        while True:
            if self._takes_no_more and call.on_given_up is not None:
                raise self._closed_error(may_be_done)
            connection = await self._connected(deadline, may_be_done)
            call.attempts += 1
            is_last = call.attempts >= self._options.attempts_max
            try:
                return await self._attempt(connection, call, begun, deadline)
            except StreamLostError as lost:
                if self.is_closed or (self._takes_no_more and call.on_given_up is not None):
                    raise self._closed_error(may_be_done or self._changed(call, lost)) from None
                may_be_done = may_be_done or self._changed(call, lost)
                if is_last or (lost.may_be_done and call.kind is Kind.ONCE):
                    raise ConnectionLost(lost.cause, outcome_unknown=may_be_done) from None
            except Draining as refusal:
                # It did not begin the call; another server may.
                connection.retire("the server is shutting down")
                if is_last:
                    refusal.outcome_unknown = may_be_done
                    raise
            except (DeadlineExceeded, ResourceExhausted, Unavailable) as refusal:
                # Nothing was done this time: what an earlier attempt did is not known by that.
                refusal.outcome_unknown = refusal.outcome_unknown or may_be_done
                raise

    @staticmethod
    def _changed(call: Call, lost: StreamLostError) -> bool:
        return lost.may_be_done and call.kind is not Kind.READ

    @staticmethod
    def _closed_error(may_be_done: bool) -> ClientClosed:
        return ClientClosed("the client was closed", outcome_unknown=may_be_done)

    async def _attempt(self, connection: Connection, call: Call, begun: float, deadline: float) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(_when(deadline)):
                await connection.writable()
        except TimeoutError:
            raise DeadlineExceeded("the server did not read what was sent to it") from None
        now = loop.time()
        remaining = deadline - now
        if remaining <= 0:
            raise DeadlineExceeded("the call's time was up before it was sent")
        request = self._pack(call, now - begun, remaining)
        stream_id, answer = connection.start(request)
        if call.on_given_up is not None:
            self._open[answer] = (connection, stream_id, call)
        try:
            async with asyncio.timeout_at(_when(deadline + _DEADLINE_GRACE)):
                data = await answer
        except TimeoutError:
            if not _has_result(answer):
                connection.abandon(stream_id, self._last_word(call))
                raise DeadlineExceeded(
                    "the server did not answer in time", outcome_unknown=call.kind is not Kind.READ
                ) from None
            data = answer.result()
        except asyncio.CancelledError:
            if _has_result(answer):
                self._last_word(call)(answer.result())
            else:
                connection.abandon(stream_id, self._last_word(call))
            raise
        finally:
            self._open.pop(answer, None)
        try:
            return _open(data, call)
        except ProtocolError as error:
            connection.lose(error.message)
            raise

    def _pack(self, call: Call, elapsed: float, remaining: float) -> bytes:
        request = ttrpc_pb2.Request(service=call.service, method=call.method, payload=call.payload(elapsed))
        if math.isfinite(remaining):
            request.timeout_nano = max(1, min(int(remaining * 1e9), _TIMEOUT_NANO_MAX))
        for key, value in (*self._options.metadata, *call.metadata):
            request.metadata.add(key=key, value=value)
        packed: bytes = request.SerializeToString()
        if len(packed) > DATA_BYTES_MAX:
            raise RequestTooLarge(f"the request has {len(packed)} bytes, a frame takes {DATA_BYTES_MAX}")
        return packed

    @staticmethod
    def _last_word(call: Call) -> Callable[[bytes | None], None]:
        """Takes the answer, or None, of a call whose caller is gone."""
        if call.on_given_up is None:
            return lambda _: None
        word: LastWord = asyncio.get_running_loop().create_future()
        call.on_given_up(word)

        def hear(data: bytes | None) -> None:
            if word.done():
                return
            try:
                word.set_result(None if data is None else _open(data, call))
            except DMSError as error:
                word.set_result(None if error.outcome_unknown else b"")

        return hear

    async def _connected(self, deadline: float, may_be_done: bool) -> Connection:
        if self.is_closed:
            raise self._closed_error(may_be_done)
        if self._connection is not None:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        connecting = self._connecting
        give_up = asyncio.get_running_loop().time() + self._options.connect_timeout
        self._waiters += 1
        try:
            # Our caller's cancellation is not the attempt's, nor the attempt's ours.
            async with asyncio.timeout_at(_when(min(give_up, deadline))):
                await asyncio.wait({connecting})
            if connecting.cancelled():
                # Only close() does that while somebody waits for it.
                raise self._closed_error(may_be_done)
            return connecting.result()
        except TimeoutError:
            raise self._unreachable(DeadlineExceeded if deadline < give_up else ConnectError, may_be_done) from None
        finally:
            self._waiters -= 1
            if self._waiters == 0 and not connecting.done():
                connecting.cancel()
                self._connecting = None

    def _unreachable(self, kind: type[DMSError], may_be_done: bool) -> DMSError:
        failures = self._failures
        if len(failures) == len(set(self._addresses)) and all(one.is_stranger for one in failures.values()):
            kind = NoScheduler
        return kind(sentence(failures, are_strangers=kind is NoScheduler), outcome_unknown=may_be_done)

    async def _connect(self) -> Connection:
        try:
            loop = asyncio.get_running_loop()
            while True:
                # The pause goes on where a caller's patience is shorter.
                await asyncio.sleep(max(0.0, self._earliest - loop.time()))
                self._earliest = loop.time() + self._backoff.next()
                for _ in self._addresses:
                    address = self._addresses[self._address_index]
                    connection = await self._try(address)
                    if connection is not None:
                        self._connection = connection
                        return connection
                    self._next_address()
        finally:
            # The last caller may have given up on this attempt, and another begun one of its own.
            if self._connecting is asyncio.current_task():
                self._connecting = None

    def _next_address(self) -> None:
        self._address_index = (self._address_index + 1) % len(self._addresses)

    async def _try(self, address: Address) -> Connection | None:
        """A connection whose server has answered the first ping; None where none came about."""
        loop = asyncio.get_running_loop()
        connection = Connection(
            keepalive=self._options.keepalive,
            keepalive_timeout=self._options.keepalive_timeout,
            on_unusable=self._unusable,
            on_answer=self._works,
        )
        self._connections.add(connection)
        connection.closed.add_done_callback(lambda _: self._connections.discard(connection))
        is_open = False
        try:
            # One server that does not answer must leave time for the others.
            async with asyncio.timeout(self._options.connect_timeout / (len(self._addresses) + 1)):
                if isinstance(address, UnixAddress):
                    await loop.create_unix_connection(lambda: connection, address.path)
                elif isinstance(address, TLSAddress):
                    await loop.create_connection(
                        lambda: connection,
                        address.host,
                        address.port,
                        ssl=self._options.tls,
                        server_hostname=self._options.server_name,
                        ssl_shutdown_timeout=_FAREWELL_PATIENCE,
                    )
                else:
                    await loop.create_connection(lambda: connection, address.host, address.port)
                await connection.ready
            is_open = connection.is_usable
            if is_open:
                self.was_reached = True
                self._failures.clear()
            return connection if is_open else None
        except TimeoutError:
            self._failures[address] = Failure("it does not answer")
            return None
        except OSError as error:
            self._failures[address] = Failure(words(error))
            return None
        except StreamLostError as error:
            self._failures[address] = Failure(error.cause, error.is_stranger)
            return None
        finally:
            if not is_open:
                connection.lose("the attempt to connect was given up")

    def _unusable(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None
            self._next_address()

    def _works(self) -> None:
        self._backoff.reset()
        self._earliest = 0.0


def _when(deadline: float) -> float | None:
    return deadline if math.isfinite(deadline) else None


def _has_result(answer: asyncio.Future[bytes]) -> bool:
    """Whether the answer came in the very turn of the loop in which its caller gave up."""
    return answer.done() and not answer.cancelled() and answer.exception() is None


def _open(data: bytes, call: Call) -> bytes:
    """The packed message of an answer; raises what the answer says."""
    response = ttrpc_pb2.Response()
    try:
        response.ParseFromString(data)
    except DecodeError:
        raise ProtocolError(
            f"the server's answer to {call.method} is none", outcome_unknown=call.kind is not Kind.READ
        ) from None
    error = error_from_status(response.status)
    if error is None:
        payload: bytes = response.payload
        return payload
    if isinstance(error, DeadlineExceeded) and call.kind is not Kind.READ:
        error.outcome_unknown = True
    raise error
