"""Where a scheduler listens for the binary protocol."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DEFAULT_PORT: Final = 8001
DEFAULT_ADDRESS: Final = f"127.0.0.1:{DEFAULT_PORT}"
# What the kernel takes as a socket's path.
_PATH_BYTES_MAX: Final = 107
_UNIX_SCHEME: Final = "unix://"
_TLS_SCHEME: Final = "tls://"


@dataclass(frozen=True, slots=True)
class TCPAddress:
    """A name or an IP address (IPv6 without brackets), and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TLSAddress:
    """The same, spoken to inside TLS."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{_TLS_SCHEME}{TCPAddress(self.host, self.port)}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a unix socket."""

    path: str

    def __str__(self) -> str:
        return _UNIX_SCHEME + self.path


Address = TCPAddress | TLSAddress | UnixAddress


def parse_address(text: str) -> Address:
    """Reads `host`, `host:port`, `[v6]:port`, the same behind `tls://`, or `unix:///path`; raises ValueError."""
    if text.startswith(_UNIX_SCHEME):
        path = text.removeprefix(_UNIX_SCHEME)
        if not path.startswith("/"):
            raise _refusal(text, "the path must begin with '/', as in unix:///run/dms.sock")
        if len(path.encode()) > _PATH_BYTES_MAX:
            raise _refusal(text, f"the path has more than {_PATH_BYTES_MAX} bytes")
        return UnixAddress(path)
    place = text.removeprefix(_TLS_SCHEME)
    if place.startswith("["):
        host, bracket, rest = place[1:].partition("]")
        if not bracket:
            raise _refusal(text, "']' is missing")
        if rest and not rest.startswith(":"):
            raise _refusal(text, "only ':port' may follow ']'")
        port = rest[1:] if rest else str(DEFAULT_PORT)
    else:
        if place.count(":") > 1:
            raise _refusal(text, "an IPv6 address needs brackets, as in [::1]:8001")
        host, colon, port = place.partition(":")
        port = port if colon else str(DEFAULT_PORT)
    if not host or any(character <= " " or character in "/\x7f" for character in host):
        raise _refusal(text, "a host is expected, as in 127.0.0.1:8001")
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
        raise _refusal(text, "the port must be a number from 1 to 65535")
    kind = TLSAddress if text.startswith(_TLS_SCHEME) else TCPAddress
    return kind(host, int(port))


def parse_addresses(addresses: str | Iterable[str]) -> tuple[Address, ...]:
    """Reads one address or several; raises ValueError, also for none."""
    texts = [addresses] if isinstance(addresses, str) else list(addresses)
    if not texts:
        raise ValueError("a client needs the address of a server")
    return tuple(parse_address(text) for text in texts)


def _refusal(text: str, problem: str) -> ValueError:
    return ValueError(f"{text!r} is no server address: {problem}")
