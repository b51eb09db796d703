"""Asking a scheduler whether it serves."""

from collections.abc import Mapping

from dms_client._link import Kind
from dms_client._proto.grpc.health.v1 import health_pb2
from dms_client.aio._calls import Caller
from dms_client.models import ServingStatus


class AsyncHealth(Caller):
    """Ask whether the scheduler serves."""

    service = "grpc.health.v1.Health"

    async def check(
        self, service: str = "", *, timeout: float | None = None, metadata: Mapping[str, str] | None = None
    ) -> ServingStatus:
        """The state of a service by its full name, or of the server as a whole."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._call("Check", request, health_pb2.HealthCheckResponse, Kind.READ, timeout, metadata)
        return ServingStatus(answer.status)
