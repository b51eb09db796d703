"""The asyncio client."""

from dms_client.aio._admin import AsyncAdmin
from dms_client.aio._client import DEFAULT_TIMEOUT, AsyncClient
from dms_client.aio._health import AsyncHealth
from dms_client.aio._submitter import AsyncSubmitter
from dms_client.aio._tasks import AsyncTasks

__all__ = ["DEFAULT_TIMEOUT", "AsyncAdmin", "AsyncClient", "AsyncHealth", "AsyncSubmitter", "AsyncTasks"]
