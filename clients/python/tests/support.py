"""Real schedulers, and servers that do as they are told."""

import asyncio
import functools
import os
import pathlib
import re
import signal
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec

from dms_client._frames import Frame, FrameDecoder, FrameType
from dms_client._proto.google.rpc import error_details_pb2, status_pb2
from dms_client._proto.grpc.health.v1 import health_pb2
from dms_client._proto.ttrpc import ttrpc_pb2

PROJECT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("DMS_SCHEDULER", PROJECT / ".build/debug/dms-scheduler"))
OPERATOR_TOKEN = "operator-secret"
# How long anything may take on a slow machine; tests that pass wait only as long as they must.
PATIENCE = 30.0

_P = ParamSpec("_P")


def asynchronous(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Runs a test on an event loop of its own, and not for ever."""

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        async def within_time() -> None:
            async with asyncio.timeout(2 * PATIENCE):
                await test(*args, **kwargs)

        asyncio.run(within_time())

    return run


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not in {PATIENCE:g} s: {what}"
        time.sleep(0.01)


async def eventually_async(condition: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not in {PATIENCE:g} s: {what}"
        await asyncio.sleep(0.01)


class Scheduler:
    """A scheduler process, with a private redis-server or on another's."""

    def __init__(
        self,
        folder: pathlib.Path,
        *flags: str,
        redis: str | None = None,
        rpc_port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.socket = folder / "rpc.sock"
        self.redis = redis or f"unix://{folder}/data/redis.sock?db=0"
        self._redis_flags = ("--redis-writer-url", redis) if redis else ("--data-dir", str(folder / "data"))
        self._flags = flags
        self._rpc_port = rpc_port
        self._tls = tls
        self.http_port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ""

    def start(self) -> "Scheduler":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        command = [
            str(BINARY), *self._redis_flags, "--http-port", "0", "--rpc-port", str(self._rpc_port),
            "--rpc-socket", str(self.socket), "--operator-token", OPERATOR_TOKEN, *self._flags,
        ]  # fmt: skip
        # Nothing that is set around the tests may change what they test.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DMS_", "REDIS_"))}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, cwd=self.folder, env=kept)
        eventually(self._is_ready, "the scheduler is ready")
        return self

    def _is_ready(self) -> bool:
        text = self.log.read_text()
        assert self._process is not None
        assert self._process.poll() is None, f"the scheduler ended:\n{text}"
        rpc = re.search(r"address=\S*?127\.0\.0\.1:(\d+) \[RPCServer\]", text)
        http = re.search(r"address=\S*?127\.0\.0\.1:(\d+) \[dms_scheduler\]", text)
        if rpc is None or http is None:
            return False
        self._rpc_port = int(rpc[1])
        self.http_port = int(http[1])
        self.address = f"{'tls://' if self._tls else ''}127.0.0.1:{self._rpc_port}"
        # Its connections to Redis come about one by one.
        try:
            scheme = "https" if self._tls else "http"
            url = f"{scheme}://127.0.0.1:{self.http_port}/readyz"
            with urllib.request.urlopen(url, timeout=PATIENCE, context=self._tls):
                return True
        except OSError:
            return False

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """Ends it at once; its private redis-server ends by itself."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.kill()


class Peer:
    """The server's end of a connection, in the hands of a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []

    async def frame(self) -> Frame:
        """The next frame; EOFError where there is none."""
        while not self._frames:
            data = await self._reader.read(65536)
            if not data:
                raise EOFError
            self._frames += self._decoder.feed(data)
        return self._frames.pop(0)

    async def greet(self) -> None:
        """Answers the first ping."""
        ping = await self.frame()
        assert ping.type == FrameType.PING, ping
        self.send(Frame(FrameType.PONG, 0, ping.data))

    async def request(self) -> tuple[int, ttrpc_pb2.Request]:
        """The next request, with its stream id."""
        frame = await self.frame()
        return frame.stream, self.read(frame)

    @staticmethod
    def read(frame: Frame) -> ttrpc_pb2.Request:
        """What a request frame holds."""
        assert frame.type == FrameType.REQUEST, frame
        request = ttrpc_pb2.Request()
        request.ParseFromString(frame.data)
        return request

    def send(self, frame: Frame) -> None:
        self.writer.write(frame.encode())

    def answer(self, stream: int, payload: bytes = b"") -> None:
        self.send(Frame(FrameType.RESPONSE, stream, ttrpc_pb2.Response(payload=payload).SerializeToString()))

    def refuse(self, stream: int, code: int, reason: str, message: str = "no") -> None:
        response = ttrpc_pb2.Response(status=packed_status(code, reason, message))
        self.send(Frame(FrameType.RESPONSE, stream, response.SerializeToString()))

    def go_away(self, last_stream: int) -> None:
        status = packed_status(14, "DRAINING", "The server is shutting down")
        self.send(Frame(FrameType.GOAWAY, last_stream, status.SerializeToString()))

    async def close(self) -> None:
        self.writer.close()


def packed_status(code: int, reason: str, message: str = "no") -> status_pb2.Status:
    status = status_pb2.Status(code=code, message=message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="dms"))
    return status


class ScriptedServer:
    """Runs a script for each connection; the scripts' failures fail the test."""

    def __init__(self, *scripts: Callable[[Peer], Awaitable[None]]) -> None:
        self._scripts = scripts
        self.connections = 0
        self.failures: list[BaseException] = []
        self.address = ""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> "ScriptedServer":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if error is None:
            assert self.failures == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        try:
            await script(Peer(reader, writer))
        except (EOFError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as failure:
            self.failures.append(failure)
        finally:
            writer.close()


SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING).SerializeToString()


async def healthy(peer: Peer) -> None:
    """A server that answers every call alike."""
    await peer.greet()
    while True:
        stream, _ = await peer.request()
        peer.answer(stream, SERVING)


async def unanswered(peer: Peer) -> None:
    """A server that answers no call."""
    await peer.greet()
    while True:
        await peer.frame()
