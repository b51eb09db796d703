"""What a real scheduler cannot be made to do: lost answers, goaway at the wrong moment, silence, nonsense."""

import asyncio

import pytest

from dms_client import AsyncClient, ConnectionLost, DeadlineExceeded, DMSError, ServingStatus, TaskExists
from dms_client._frames import Frame, FrameType
from dms_client._proto.dms.v1 import submitter_pb2, task_pb2
from tests.support import SERVING, Peer, ScriptedServer, asynchronous, eventually_async, healthy

TASK = task_pb2.Task(task_id="t", priority="PRIORITY_LOW", status="TASK_STATUS_DISPATCHED")
NEXT = submitter_pb2.NextResponse(tasks=[submitter_pb2.LeasedTask(task=TASK, lease_token="token")]).SerializeToString()


async def hang_up_after_a_request(peer: Peer) -> None:
    await peer.greet()
    await peer.request()
    await peer.close()


@asynchronous
async def test_a_request_carries_method_tokens_metadata_and_what_is_left_of_its_time() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        stream, request = await peer.request()
        assert stream == 1
        assert (request.service, request.method) == ("grpc.health.v1.Health", "Check")
        assert 4_000_000_000 < request.timeout_nano <= 5_000_000_000
        assert [(one.key, one.value) for one in request.metadata] == [
            ("x-dms-operator-token", "o"),
            ("x-dms-submitter-token", "s"),
            ("x-a", "1"),
            ("traceparent", "tp"),
        ]
        peer.answer(stream, SERVING)
        stream, request = await peer.request()
        assert (stream, request.timeout_nano) == (3, 0)
        peer.answer(stream, SERVING)

    async with ScriptedServer(script) as server:
        async with AsyncClient(
            server.address, operator_token="o", submitter_token="s", timeout=5, metadata={"X-A": "1"}
        ) as client:
            assert await client.health.check(metadata={"traceparent": "tp"}) == ServingStatus.SERVING
            await client.health.check(timeout=float("inf"))


@asynchronous
async def test_answers_come_in_any_order() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        requests = [await peer.request() for _ in range(100)]
        for stream, request in reversed(requests):
            asked = submitter_pb2.NextRequest()
            asked.ParseFromString(request.payload)
            answer = submitter_pb2.NextResponse(tasks=[{"task": {"task_id": asked.request_id, "status": 2}}])
            peer.answer(stream, answer.SerializeToString())

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        results = await asyncio.gather(*(client.submitter.next(request_id=f"r-{n}") for n in range(100)))
        assert [result.tasks[0].task.task_id for result in results] == [f"r-{n}" for n in range(100)]
        assert server.connections == 1


@asynchronous
async def test_a_read_is_sent_again_when_its_answer_was_lost() -> None:
    async with ScriptedServer(hang_up_after_a_request, healthy) as server, AsyncClient(server.address) as client:
        assert await client.health.check() == ServingStatus.SERVING
        assert server.connections == 2


@asynchronous
async def test_a_submission_is_not_sent_again_and_may_have_happened() -> None:
    async with ScriptedServer(hang_up_after_a_request, healthy) as server, AsyncClient(server.address) as client:
        with pytest.raises(ConnectionLost) as lost:
            await client.tasks.enqueue("t", service="s", user_id="u")
        assert lost.value.outcome_unknown
        assert server.connections == 1


@asynchronous
async def test_next_is_sent_again_with_the_same_request_id_and_what_is_left_of_the_wait() -> None:
    seen: list[submitter_pb2.NextRequest] = []

    async def lose(peer: Peer) -> None:
        await peer.greet()
        _, request = await peer.request()
        seen.append(submitter_pb2.NextRequest.FromString(request.payload))
        await asyncio.sleep(0.05)
        await peer.close()

    async def answer(peer: Peer) -> None:
        await peer.greet()
        stream, request = await peer.request()
        seen.append(submitter_pb2.NextRequest.FromString(request.payload))
        peer.answer(stream, NEXT)
        await peer.frame()

    async with ScriptedServer(lose, answer) as server, AsyncClient(server.address, submitter_id="me") as client:
        result = await client.submitter.next(5, wait=60, lease=30)
        assert [leased.lease_token for leased in result.tasks] == ["token"]
    first, second = seen
    assert len(first.request_id) >= 16
    assert first.wait_ms - second.wait_ms >= 50
    second.wait_ms = first.wait_ms
    assert first == second
    assert (first.max_tasks, first.lease_ms, first.submitter_id) == (5, 30_000, "me")


@asynchronous
@pytest.mark.parametrize(("code", "reason"), [(14, "STORE_UNAVAILABLE"), (14, "DRAINING"), (8, "LIMIT_RATE")])
async def test_what_was_lost_stays_unknown_where_the_repetition_is_refused(code: int, reason: str) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.refuse(stream, code, reason)
        await peer.frame()

    script = (hang_up_after_a_request, refuse)
    async with ScriptedServer(*script) as server, AsyncClient(server.address, attempts=2) as client:
        with pytest.raises(DMSError) as refused:
            await client.submitter.next()
        assert refused.value.reason == reason
        assert refused.value.outcome_unknown
    async with ScriptedServer(*script) as server, AsyncClient(server.address, attempts=2) as client:
        with pytest.raises(DMSError) as refused:
            await client.tasks.overview()
        assert not refused.value.outcome_unknown


@asynchronous
async def test_next_without_a_request_id_is_not_sent_again() -> None:
    async with ScriptedServer(hang_up_after_a_request) as server, AsyncClient(server.address) as client:
        with pytest.raises(ConnectionLost) as lost:
            await client.submitter.next(request_id="")
        assert lost.value.outcome_unknown
        assert server.connections == 1


@asynchronous
async def test_attempts_are_limited() -> None:
    async with ScriptedServer(hang_up_after_a_request) as server, AsyncClient(server.address, attempts=3) as client:
        with pytest.raises(ConnectionLost) as lost:
            await client.health.check()
        assert not lost.value.outcome_unknown
        assert server.connections == 3


@asynchronous
async def test_a_cancelled_call_sends_a_cancel_frame_and_the_connection_lives_on() -> None:
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.greet()
        first, _ = await peer.request()
        arrived.set()
        assert await peer.frame() == Frame(FrameType.CANCEL, first)
        peer.refuse(first, 1, "CANCELLED")
        cancelled.set()
        stream, _ = await peer.request()
        peer.answer(stream, SERVING)
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        call = asyncio.create_task(client.submitter.next(wait=60))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await cancelled.wait()
        assert await client.health.check() == ServingStatus.SERVING


@asynchronous
async def test_tasks_that_come_after_their_caller_has_gone_are_returned() -> None:
    returned: list[submitter_pb2.ReturnRequest] = []
    arrived = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.greet()
        first, _ = await peer.request()
        arrived.set()
        assert (await peer.frame()).type == FrameType.CANCEL
        peer.answer(first, NEXT)
        stream, request = await peer.request()
        assert request.method == "Return"
        returned.append(submitter_pb2.ReturnRequest.FromString(request.payload))
        peer.answer(stream, TASK.SerializeToString())
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        call = asyncio.create_task(client.submitter.next(wait=60, lease=30))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually_async(lambda: len(returned) == 1, "the task is returned")
        assert (returned[0].lease.task_id, returned[0].lease.lease_token) == ("t", "token")


@asynchronous
async def test_a_deadline_that_the_server_does_not_keep_is_kept_here() -> None:
    cancels: list[Frame] = []

    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.request()
        cancels.append(await peer.frame())
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        with pytest.raises(DeadlineExceeded) as late:
            await client.tasks.enqueue("t", service="s", user_id="u", timeout=0.05)
        assert late.value.outcome_unknown
        await eventually_async(lambda: cancels == [Frame(FrameType.CANCEL, 1)], "a cancel frame")


@asynchronous
async def test_goaway_lets_calls_end_and_sends_new_ones_elsewhere() -> None:
    ended = asyncio.Event()

    async def leaving(peer: Peer) -> None:
        await peer.greet()
        first, _ = await peer.request()
        await peer.request()
        # The first will be answered; of the second the server knows nothing.
        peer.go_away(first)
        await asyncio.sleep(0.05)
        peer.answer(first, SERVING)
        with pytest.raises(EOFError):
            await peer.frame()
        ended.set()

    async with ScriptedServer(leaving, healthy) as server, AsyncClient(server.address) as client:
        # The second is a submission: it may go elsewhere only because goaway says that it was not begun.
        check, task = await asyncio.gather(
            client.health.check(), client.tasks.cancel("t", service="s", user_id="u"), return_exceptions=True
        )
        assert check == ServingStatus.SERVING
        # The second server's answer is no task, but it was asked.
        assert not isinstance(task, ConnectionLost)
        assert server.connections == 2
        await ended.wait()


@asynchronous
async def test_a_call_that_a_draining_server_did_not_begin_goes_to_another() -> None:
    async def draining(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.refuse(stream, 14, "DRAINING")
        await peer.frame()

    async def refusing(peer: Peer) -> None:
        await peer.greet()
        stream, _ = await peer.request()
        peer.refuse(stream, 6, "TASK_EXISTS")
        await peer.frame()

    async with ScriptedServer(draining) as first, ScriptedServer(refusing) as second:
        async with AsyncClient([first.address, second.address]) as client:
            with pytest.raises(TaskExists):
                await client.tasks.enqueue("t", service="s", user_id="u")
            assert (first.connections, second.connections) == (1, 1)
