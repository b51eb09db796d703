"""Servers that fall silent or speak nonsense, and connections that end."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from dms_client import (
    AsyncClient,
    ClientClosed,
    ConnectError,
    DeadlineExceeded,
    NoScheduler,
    ProtocolError,
    RequestTooLarge,
    ServingStatus,
)
from dms_client._frames import Frame, FrameType
from dms_client._proto.dms.v1 import submitter_pb2
from tests.support import SERVING, Peer, ScriptedServer, asynchronous, eventually_async, healthy, unanswered


@asynchronous
async def test_a_server_that_falls_silent_is_given_up() -> None:
    async with ScriptedServer(unanswered, healthy) as server:
        async with AsyncClient(server.address, keepalive=0.05, keepalive_timeout=0.1) as client:
            assert await client.health.check() == ServingStatus.SERVING
            assert server.connections == 2


@asynchronous
async def test_a_server_that_takes_connections_and_says_nothing_is_passed_over() -> None:
    async def mute(peer: Peer) -> None:
        while True:
            await peer.frame()

    async with ScriptedServer(mute) as first, ScriptedServer(healthy) as second:
        async with AsyncClient([first.address, second.address], connect_timeout=0.6) as client:
            assert await client.health.check() == ServingStatus.SERVING


@asynchronous
async def test_where_nobody_listens_the_error_says_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        async with AsyncClient(address, connect_timeout=0.1) as client:
            with pytest.raises(ConnectError, match=r"refused|failed") as error:
                await client.health.check()
            assert not error.value.outcome_unknown
            with pytest.raises(DeadlineExceeded, match=r"refused|failed"):
                await client.health.check(timeout=0.05)


def speaking(start: bytes) -> Callable[[Peer], Awaitable[None]]:
    """A server of another protocol."""

    async def script(peer: Peer) -> None:
        await peer.frame()
        peer.writer.write(start + b" and so on\r\n\r\n")
        with contextlib.suppress(EOFError, ConnectionError):
            await peer.frame()

    return script


@asynchronous
@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"HTTP/1.1 400", "it looks like HTTP, which the REST port speaks; the RPC port is 8001 unless set"),
        (b"\x15\x03\x01\x00\x02", "it looks like TLS, which an address with tls:// in front speaks"),
        (b"SSH-2.0", "it sends text that begins with 'SSH-', and no frames"),
        (b"\xff\xff\xff\xff", "it announced a frame of 4294967295 bytes, where 4194304 are the most"),
        (Frame(FrameType.RESPONSE, 1, b"").encode(), "it answered on stream 1, which was never opened"),
    ],
)
async def test_what_is_no_scheduler_is_told_by_what_it_says(start: bytes, words: str) -> None:
    async with ScriptedServer(speaking(start)) as server:
        async with AsyncClient(server.address, connect_timeout=0.3) as client:
            with pytest.raises(NoScheduler) as error:
                await client.submitter.next()
            assert error.value.message == f"what answers is no scheduler's RPC port: {server.address}: {words}"
            assert isinstance(error.value, ConnectError)
            assert not error.value.outcome_unknown
            with pytest.raises(NoScheduler):
                await client.submitter.next(timeout=0.1)
            # From the beginning it is the address that is wrong: waiting does not mend it.
            with pytest.raises(NoScheduler):
                await anext(client.submitter.tasks(lease=30))


@asynchronous
async def test_where_a_scheduler_may_come_or_was_before_it_is_waited_for() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"127.0.0.1:{unused.getsockname()[1]}"
        async with ScriptedServer(speaking(b"HTTP")) as stranger:
            async with AsyncClient([stranger.address, away], connect_timeout=0.3) as client:
                with pytest.raises(ConnectError) as error:
                    await client.health.check()
                assert not isinstance(error.value, NoScheduler)
                assert f"{stranger.address}: what answers there is no scheduler: it looks like HTTP" in str(error.value)
                assert f"{away}: connection refused" in str(error.value)

    async def once(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.answer(stream, SERVING)
        await peer.close()

    async def task(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        answer = submitter_pb2.NextResponse(tasks=[{"task": {"task_id": "t", "status": 2}}])
        peer.answer(stream, answer.SerializeToString())
        await peer.frame()

    async with ScriptedServer(once, *[speaking(b"HTTP")] * 4, task) as server:
        async with AsyncClient(server.address, connect_timeout=0.1) as client:
            await client.health.check()
            assert (await anext(client.submitter.tasks(lease=0))).task_id == "t"


@asynchronous
async def test_pauses_that_are_longer_than_a_caller_waits_do_not_keep_a_client_away() -> None:
    async with ScriptedServer(*[speaking(b"HTTP")] * 8, healthy) as server:
        async with AsyncClient(server.address, connect_timeout=0.05) as client:
            status: ServingStatus | None = None
            while status is None:
                with contextlib.suppress(NoScheduler):
                    status = await client.health.check()
            assert status == ServingStatus.SERVING


@asynchronous
async def test_a_name_with_several_addresses_is_told_without_insides() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with AsyncClient(f"localhost:{unused.getsockname()[1]}", connect_timeout=0.1) as client:
            with pytest.raises(ConnectError) as error:
                await client.health.check()
            assert "connection refused" in error.value.message
            assert "Errno" not in error.value.message
        async with AsyncClient("no-such-name.invalid", connect_timeout=1) as client:
            with pytest.raises(ConnectError) as error:
                await client.health.check()
            assert "Errno" not in error.value.message


@asynchronous
@pytest.mark.parametrize(
    "nonsense",
    [
        b"\xff\xff\xff\xff\x00\x00\x00\x01\x02\x00",
        Frame(FrameType.RESPONSE, 1001, b"").encode(),
        Frame(FrameType.RESPONSE, 2, b"").encode(),
    ],
    ids=["too long", "a stream never opened", "an even stream"],
)
async def test_a_server_that_breaks_the_protocol_is_left(nonsense: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.request()
        peer.writer.write(nonsense)
        with pytest.raises((EOFError, ConnectionError)):
            await peer.frame()

    async with ScriptedServer(script, healthy) as server, AsyncClient(server.address) as client:
        assert await client.health.check() == ServingStatus.SERVING
        assert server.connections == 2


@asynchronous
async def test_an_answer_that_is_none_is_an_error() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.send(Frame(FrameType.RESPONSE, stream, b"\xff"))
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        with pytest.raises(ProtocolError):
            await client.health.check()


@asynchronous
async def test_frames_of_types_from_the_future_are_ignored_and_pings_answered() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.send(Frame(0x42, stream, b"?"))
        peer.send(Frame(FrameType.PING, 0, b"you?"))
        assert await peer.frame() == Frame(FrameType.PONG, 0, b"you?")
        peer.answer(stream, SERVING)
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        assert await client.health.check() == ServingStatus.SERVING


@asynchronous
async def test_a_request_over_the_limit_is_not_sent() -> None:
    async with ScriptedServer(healthy) as server, AsyncClient(server.address) as client:
        with pytest.raises(RequestTooLarge):
            await client.tasks.enqueue("t", service="s", user_id="u", parameters=b"x" * (4 << 20))
        assert await client.health.check() == ServingStatus.SERVING
        assert server.connections == 1


@asynchronous
async def test_closing_fails_the_calls_under_way_and_those_to_come() -> None:
    async with ScriptedServer(unanswered) as server:
        client = AsyncClient(server.address)
        calls = [asyncio.create_task(client.health.check()) for _ in range(3)]
        await eventually_async(lambda: client._link._connection is not None, "a connection")
        await client.close()
        for call in calls:
            with pytest.raises(ClientClosed):
                await call
        with pytest.raises(ClientClosed):
            await client.health.check()


@asynchronous
async def test_closing_fails_the_calls_that_wait_for_a_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = AsyncClient(f"127.0.0.1:{unused.getsockname()[1]}", connect_timeout=60, timeout=60)
        call = asyncio.create_task(client.health.check())
        await asyncio.sleep(0.05)
        await client.close()
        with pytest.raises(ClientClosed):
            await call


@asynchronous
async def test_a_connection_that_has_used_its_stream_ids_is_replaced() -> None:
    async with ScriptedServer(healthy) as server, AsyncClient(server.address) as client:
        await client.health.check()
        connection = client._link._connection
        assert connection is not None
        connection._next_stream_id = 2**32 - 1
        assert await client.health.check() == ServingStatus.SERVING
        assert await client.health.check() == ServingStatus.SERVING
        assert server.connections == 2
