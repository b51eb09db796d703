"""The asyncio client."""

import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final

from dms_client._addresses import DEFAULT_ADDRESS, Address, TLSAddress, parse_addresses
from dms_client._link import Link, LinkOptions
from dms_client.aio._admin import AsyncAdmin
from dms_client.aio._calls import pairs
from dms_client.aio._health import AsyncHealth
from dms_client.aio._submitter import AsyncSubmitter
from dms_client.aio._tasks import AsyncTasks

DEFAULT_TIMEOUT: Final = 10.0


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
                metadata=tuple((key, value) for key, value in tokens.items() if value is not None) + pairs(metadata),
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


def _tls(servers: Iterable[Address], tls: ssl.SSLContext | None, server_name: str | None) -> ssl.SSLContext | None:
    if any(isinstance(server, TLSAddress) for server in servers):
        return tls or ssl.create_default_context()
    if tls is not None or server_name is not None:
        raise ValueError("TLS needs a tls:// address: what is sent to the others is not encrypted")
    return None
