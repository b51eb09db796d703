"""One connection: many calls at once, each on a stream of its own, answered in any order."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from google.protobuf.message import DecodeError

from dms_client._frames import STREAM_ID_MAX, Frame, FrameDecoder, FrameError, FrameType
from dms_client._proto.google.rpc import status_pb2

_PING_DATA: Final = b"dms-ping"


class StreamLostError(Exception):
    """No answer will come.

    `may_be_done`: whether the server may have begun the call. `is_stranger`: whether it has shown that it is no
    scheduler.
    """

    def __init__(self, cause: str, *, may_be_done: bool, is_stranger: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.may_be_done = may_be_done
        self.is_stranger = is_stranger


class _Stream:
    """A call that has no answer yet, or one that was given up and whose answer may be on its way."""

    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        self.answer = answer
        self.on_late: Callable[[bytes | None], None] | None = None
        # An answer that came when its caller was being cancelled, and had not given it up yet.
        self.unheard: bytes | None = None


class Connection(asyncio.Protocol):
    """The protocol's side of a transport; lives on one event loop."""

    def __init__(
        self,
        *,
        keepalive: float,
        keepalive_timeout: float,
        on_unusable: Callable[["Connection"], None],
        on_answer: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._keepalive = keepalive
        self._keepalive_timeout = keepalive_timeout
        self._on_unusable = on_unusable
        self._on_answer = on_answer
        self._decoder = FrameDecoder()
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._next_stream_id = 1
        self._timer: asyncio.TimerHandle | None = None
        self._received_count = 0
        self._writable = asyncio.Event()
        self._writable.set()
        # Half a sentence; None while new calls may be started.
        self._unusable_because: str | None = None
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.closed: asyncio.Future[None] = self._loop.create_future()

    @property
    def is_usable(self) -> bool:
        """Whether new calls may be started."""
        return self._unusable_because is None

    # What the link does.

    def start(self, request: bytes) -> tuple[int, asyncio.Future[bytes]]:
        """Sends a packed request; the future gets the packed response, or a StreamLostError."""
        if self._unusable_because is not None:
            raise StreamLostError(self._unusable_because, may_be_done=False)
        stream_id = self._next_stream_id
        self._next_stream_id += 2
        stream = _Stream(self._loop.create_future())
        self._streams[stream_id] = stream
        self._send(Frame(FrameType.REQUEST, stream_id, request))
        if self._next_stream_id > STREAM_ID_MAX:
            self.retire("all stream ids of the connection are used")
        return stream_id, stream.answer

    def abandon(self, stream_id: int, on_late: Callable[[bytes | None], None]) -> None:
        """Tells the server that nobody waits any more; what it answers to that goes to `on_late`, None for no answer."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.unheard is not None:
            self._streams.pop(stream_id, None)
            on_late(None if stream is None else stream.unheard)
            self._close_if_idle()
            return
        if not stream.answer.done():
            stream.answer.cancel()
        stream.on_late = on_late
        self._send(Frame(FrameType.CANCEL, stream_id))

    async def writable(self) -> None:
        """Waits until the server reads what was sent."""
        await self._writable.wait()

    def retire(self, cause: str) -> None:
        """Lets no new call begin, and closes the connection when those under way have ended."""
        if self._unusable_because is None:
            self._unusable_because = cause
            self._on_unusable(self)
        self._close_if_idle()

    def lose(self, cause: str, *, is_violation: bool = False) -> None:
        """Closes the connection at once; calls under way are lost."""
        self._end(cause, is_violation=is_violation)
        if self._transport is not None:
            self._transport.abort()

    # What the event loop does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # The first ping tells the server that we know the extension frames, and tells us that it serves.
        self._ping()

    def data_received(self, data: bytes) -> None:
        self._received_count += 1
        try:
            for frame in self._decoder.feed(data):
                self._receive(frame)
                if self.closed.done():
                    return
        except FrameError as error:
            self.lose(str(error), is_violation=True)

    def eof_received(self) -> bool:
        self._end("the server closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection failed: {exc}" if exc else "the server closed the connection")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # The rest is ours.

    def _send(self, frame: Frame) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame.encode())

    def _receive(self, frame: Frame) -> None:
        match frame.type:
            case FrameType.RESPONSE:
                self._answer(frame)
            case FrameType.PONG:
                if not self.ready.done():
                    self.ready.set_result(None)
            case FrameType.PING:
                self._send(Frame(FrameType.PONG, 0, frame.data))
            case FrameType.GOAWAY:
                self._go_away(frame)
            case _:
                pass

    def _answer(self, frame: Frame) -> None:
        stream = self._streams.pop(frame.stream, None)
        if stream is None:
            if frame.stream % 2 == 0 or frame.stream >= self._next_stream_id:
                self.lose(f"it answered on stream {frame.stream}, which was never opened", is_violation=True)
            return
        self._on_answer()
        if not stream.answer.done():
            stream.answer.set_result(frame.data)
        elif stream.on_late is not None:
            stream.on_late(frame.data)
        else:
            stream.unheard = frame.data
            self._streams[frame.stream] = stream
        self._close_if_idle()

    def _go_away(self, frame: Frame) -> None:
        status = status_pb2.Status()
        with contextlib.suppress(DecodeError):
            status.ParseFromString(frame.data)
        cause = f"the server ends the connection: {status.message or 'it does not say why'}"
        for stream_id in [one for one in self._streams if one > frame.stream]:
            self._fail(self._streams.pop(stream_id), cause, may_be_done=False)
        self.retire(cause)

    def _close_if_idle(self) -> None:
        if self._unusable_because is not None and not self._streams and self._transport is not None:
            self._end(self._unusable_because)
            self._transport.close()

    def _end(self, cause: str, *, is_violation: bool = False) -> None:
        if self.closed.done():
            return
        self.closed.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        self._writable.set()
        if not self.ready.done():
            # Whatever comes before the first pong comes from something else.
            self.ready.set_exception(StreamLostError(cause, may_be_done=False, is_stranger=is_violation))
            self.ready.exception()
        if self._unusable_because is None:
            self._unusable_because = cause
            self._on_unusable(self)
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            self._fail(stream, cause, may_be_done=True)

    @staticmethod
    def _fail(stream: _Stream, cause: str, *, may_be_done: bool) -> None:
        if not stream.answer.done():
            stream.answer.set_exception(StreamLostError(cause, may_be_done=may_be_done))
            # A caller that has just gone is no reason for a complaint on stderr.
            stream.answer.exception()
        elif stream.on_late is not None:
            stream.on_late(None)

    def _ping(self) -> None:
        self._send(Frame(FrameType.PING, 0, _PING_DATA))
        self._timer = self._loop.call_later(self._keepalive_timeout, self._check, self._received_count)

    def _check(self, received_before: int) -> None:
        if self._received_count == received_before:
            self.lose(f"the server has sent nothing for {self._keepalive_timeout:g} s after a ping")
        else:
            self._timer = self._loop.call_later(self._keepalive, self._ping)
