"""The blocking client: the asyncio client on a thread of its own."""

from dms_client.blocking._admin import Admin
from dms_client.blocking._client import Client
from dms_client.blocking._health import Health
from dms_client.blocking._held import HeldTask, TaskStream
from dms_client.blocking._submitter import Submitter
from dms_client.blocking._tasks import Tasks

__all__ = ["Admin", "Client", "Health", "HeldTask", "Submitter", "TaskStream", "Tasks"]
