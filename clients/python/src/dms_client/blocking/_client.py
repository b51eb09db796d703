"""The blocking client: the asyncio client on a thread of its own."""

import ssl
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final

from dms_client._addresses import DEFAULT_ADDRESS
from dms_client.aio import DEFAULT_TIMEOUT, AsyncClient
from dms_client.blocking._admin import Admin
from dms_client.blocking._health import Health
from dms_client.blocking._submitter import Submitter
from dms_client.blocking._tasks import Tasks
from dms_client.blocking._thread import LoopThread


class Client:
    """A client whose calls block; may be used from any number of threads at once, over one connection.

    It connects with the first call, and connects anew, to the next of its addresses, when the connection is lost. Times
    are in seconds; a timeout of infinity is none. Make it after a fork, not before.
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
        """The arguments are those of AsyncClient."""
        self._client = AsyncClient(
            addresses,
            operator_token=operator_token,
            submitter_token=submitter_token,
            submitter_id=submitter_id,
            timeout=timeout,
            connect_timeout=connect_timeout,
            keepalive=keepalive,
            keepalive_timeout=keepalive_timeout,
            attempts=attempts,
            metadata=metadata,
            tls=tls,
            server_name=server_name,
        )
        self._thread = LoopThread()
        self.tasks: Final = Tasks(self._client.tasks, self._thread)
        self.submitter: Final = Submitter(self._client.submitter, self._thread)
        self.admin: Final = Admin(self._client.admin, self._thread)
        self.health: Final = Health(self._client.health, self._thread)

    def close(self) -> None:
        """Returns the tasks whose leases are being renewed, fails the calls under way, and closes the connection."""
        self._thread.close(self._client.close())

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
