"""Frames: a header of ten bytes, then data. No I/O happens here."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from dms_client._addresses import DEFAULT_PORT

HEADER_BYTES: Final = 10
DATA_BYTES_MAX: Final = 4 << 20
STREAM_ID_MAX: Final = 2**32 - 1

_HEADER: Final = struct.Struct(">IIBB")


class FrameType(IntEnum):
    """The types that the protocol knows; frames of others are ignored."""

    REQUEST = 0x01
    RESPONSE = 0x02
    DATA = 0x03
    PING = 0x10
    PONG = 0x11
    CANCEL = 0x12
    GOAWAY = 0x13


class FrameError(Exception):
    """The bytes are no frames; nothing behind them can be read."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it is on the wire."""

    type: int
    stream: int
    data: bytes = b""
    flags: int = 0

    def encode(self) -> bytes:
        """The bytes of the frame."""
        return _HEADER.pack(len(self.data), self.stream, self.type, self.flags) + self.data


class FrameDecoder:
    """Cuts received bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no frame is begun."""
        return not self._buffer

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yields the frames that are complete with these bytes; raises FrameError for one that is too long."""
        self._buffer += data
        position = 0
        try:
            while len(self._buffer) - position >= HEADER_BYTES:
                length, stream, kind, flags = _HEADER.unpack_from(self._buffer, position)
                if length > DATA_BYTES_MAX:
                    raise FrameError(_describe(bytes(self._buffer[position : position + 4]), length))
                end = position + HEADER_BYTES + length
                if len(self._buffer) < end:
                    break
                frame = Frame(kind, stream, bytes(self._buffer[position + HEADER_BYTES : end]), flags)
                position = end
                yield frame
        finally:
            del self._buffer[:position]


def _describe(start: bytes, length: int) -> str:
    """What it is that sends too long a frame, as far as its first bytes tell; half a sentence for people."""
    if start == b"HTTP":
        return f"it looks like HTTP, which the REST port speaks; the RPC port is {DEFAULT_PORT} unless set"
    if start[:2] in (b"\x15\x03", b"\x16\x03"):
        return "it looks like TLS, which an address with tls:// in front speaks"
    if all(0x20 <= byte < 0x7F for byte in start):
        return f"it sends text that begins with '{start.decode()}', and no frames"
    return f"it announced a frame of {length} bytes, where {DATA_BYTES_MAX} are the most"
