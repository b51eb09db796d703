"""How held tasks behave when things go wrong; the server is scripted, since each of these is a matter of moments."""

import asyncio
import gc
from collections.abc import Callable

import pytest

from dms_client import AsyncClient, LeaseLost, PermissionDenied, TaskCanceled
from dms_client._frames import FrameType
from dms_client._proto.dms.v1 import submitter_pb2, task_pb2
from dms_client._proto.google.rpc import status_pb2
from tests.support import PATIENCE, Peer, ScriptedServer, asynchronous, eventually_async, packed_status

Answer = Callable[[submitter_pb2.LeaseRef], submitter_pb2.LeaseOutcome]


def good(ref: submitter_pb2.LeaseRef) -> submitter_pb2.LeaseOutcome:
    return submitter_pb2.LeaseOutcome(task_id=ref.task_id, lease_expires_at={"seconds": 1})


def canceled(ref: submitter_pb2.LeaseRef) -> submitter_pb2.LeaseOutcome:
    return submitter_pb2.LeaseOutcome(task_id=ref.task_id, canceled=True)


def lost(ref: submitter_pb2.LeaseRef) -> submitter_pb2.LeaseOutcome:
    status: status_pb2.Status = packed_status(9, "LEASE_LOST")
    return submitter_pb2.LeaseOutcome(task_id=ref.task_id, status=status)


class Desk:
    """Hands out tasks a, b, c, … once each, and answers the rest as it is told."""

    def __init__(self, count: int) -> None:
        self.waiting = [chr(ord("a") + n) for n in range(count)]
        self.renew: Answer = good
        self.renewed: list[list[str]] = []
        self.calls: list[tuple[str, str]] = []
        self.refuse: dict[str, tuple[int, str]] = {}
        self.lose_next_answer = False
        self.request_ids: list[str] = []
        self._kept: dict[str, list[str]] = {}

    async def serve(self, peer: Peer) -> None:
        await peer.greet()
        while True:
            frame = await peer.frame()
            if frame.type == FrameType.CANCEL:
                peer.refuse(frame.stream, 1, "CANCELLED")
                continue
            request = peer.read(frame)
            if request.method in self.refuse:
                peer.refuse(frame.stream, *self.refuse[request.method])
                continue
            match request.method:
                case "Next":
                    asked = submitter_pb2.NextRequest.FromString(request.payload)
                    self.request_ids.append(asked.request_id)
                    count = asked.max_tasks or 1
                    if asked.request_id not in self._kept:
                        taken, self.waiting = self.waiting[:count], self.waiting[count:]
                        if not taken:
                            continue
                        self._kept[asked.request_id] = taken
                    if self.lose_next_answer:
                        self.lose_next_answer = False
                        await peer.close()
                        return
                    answer = submitter_pb2.NextResponse()
                    for task_id in self._kept[asked.request_id]:
                        answer.tasks.add(
                            task=task_pb2.Task(task_id=task_id, status="TASK_STATUS_DISPATCHED"),
                            lease_token="k-" + task_id,
                        )
                    peer.answer(frame.stream, answer.SerializeToString())
                case "Renew":
                    refs = submitter_pb2.RenewRequest.FromString(request.payload).leases
                    self.renewed.append([ref.task_id for ref in refs])
                    renewal = submitter_pb2.RenewResponse(outcomes=[self.renew(ref) for ref in refs])
                    peer.answer(frame.stream, renewal.SerializeToString())
                case "Ack":
                    ref = submitter_pb2.AckRequest.FromString(request.payload).leases[0]
                    self.calls.append(("Ack", ref.task_id))
                    peer.answer(frame.stream, submitter_pb2.AckResponse(outcomes=[good(ref)]).SerializeToString())
                case method:
                    # Return and Finish begin with the same field.
                    ref = submitter_pb2.ReturnRequest.FromString(request.payload).lease
                    self.calls.append((method, ref.task_id))
                    task = task_pb2.Task(task_id=ref.task_id, status="TASK_STATUS_QUEUED")
                    peer.answer(frame.stream, task.SerializeToString())


@asynchronous
async def test_leases_are_renewed_together_until_their_tasks_are_finished() -> None:
    desk = Desk(2)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=0.3, batch=2)
        first, second = await anext(stream), await anext(stream)
        await eventually_async(lambda: len(desk.renewed) >= 3, "renewals")
        assert all(sorted(batch) == ["a", "b"] for batch in desk.renewed)
        await first.finish({"ok": True})
        await asyncio.sleep(0)
        before = len(desk.renewed)
        await eventually_async(lambda: len(desk.renewed) >= before + 3, "renewals of the other")
        assert all(batch == ["b"] for batch in desk.renewed[before + 1 :])
        await second.fail("no luck")
        assert desk.calls == [("Finish", "a"), ("Finish", "b")]
        assert client.submitter.keeper.held() == []


@asynchronous
async def test_a_held_task_tells_of_its_cancellation() -> None:
    desk = Desk(1)
    desk.renew = canceled
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=0.3))
        assert not held.canceled
        await held.wait_over()
        assert (held.canceled, held.lost) == (True, False)
        desk.refuse["Finish"] = (9, "TASK_CANCELED")
        with pytest.raises(TaskCanceled):
            await held.finish()


@asynchronous
async def test_a_held_task_tells_that_its_lease_was_lost() -> None:
    desk = Desk(1)
    desk.renew = lost
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=0.3))
        await held.wait_over()
        assert (held.canceled, held.lost) == (False, True)
        desk.refuse["Finish"] = (9, "LEASE_LOST")
        with pytest.raises(LeaseLost):
            await held.finish()


@asynchronous
async def test_renewals_go_on_through_an_outage_that_is_shorter_than_the_lease() -> None:
    desk = Desk(1)
    desk.refuse["Renew"] = (14, "STORE_UNAVAILABLE")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=6))
        held._renew_at = 0.0
        client.submitter.keeper._changed.set()
        await asyncio.sleep(0.3)
        assert not held.lost
        desk.refuse.clear()
        await eventually_async(lambda: desk.renewed != [], "a renewal")
        assert not held.lost


@asynchronous
async def test_a_lease_that_cannot_be_renewed_in_time_is_given_up() -> None:
    desk = Desk(1)
    desk.refuse["Renew"] = (14, "STORE_UNAVAILABLE")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=0.3))
        async with asyncio.timeout(PATIENCE):
            await held.wait_over()
        assert held.lost


@asynchronous
async def test_a_task_that_nobody_refers_to_any_more_is_not_renewed() -> None:
    desk = Desk(2)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=0.3)
        forgotten, kept = await anext(stream), await anext(stream)
        del forgotten
        gc.collect()
        await eventually_async(lambda: len(desk.renewed) >= 3, "renewals")
        assert ["b"] in desk.renewed
        assert desk.renewed[-1] == [kept.task_id]


@asynchronous
async def test_an_acknowledged_task_is_not_renewed_and_can_be_finished() -> None:
    desk = Desk(1)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=30))
        await held.ack()
        assert client.submitter.keeper.held() == []
        await held.finish()
        assert desk.calls == [("Ack", "a"), ("Finish", "a")]


@asynchronous
async def test_a_block_finishes_fails_or_returns_its_task() -> None:
    desk = Desk(3)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30)
        async with await anext(stream):
            pass
        with pytest.raises(ZeroDivisionError):
            async with await anext(stream):
                _ = 1 / 0

        async def cancelled() -> None:
            async with await anext(stream):
                await asyncio.Event().wait()

        work = asyncio.create_task(cancelled())
        await eventually_async(lambda: len(client.submitter.keeper.held()) == 1, "the third task")
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert desk.calls == [("Finish", "a"), ("Finish", "b"), ("Return", "c")]


@asynchronous
async def test_closing_a_stream_returns_what_was_not_begun_and_keeps_what_was() -> None:
    desk = Desk(3)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        async with client.submitter.tasks(lease=30, batch=3) as stream:
            begun = await anext(stream)
        assert sorted(desk.calls) == [("Return", "b"), ("Return", "c")]
        assert client.submitter.keeper.held() == [begun]
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    assert desk.calls[-1] == ("Return", "a"), "closing the client returns what is held"


@asynchronous
async def test_closing_a_stream_ends_those_who_wait_for_it() -> None:
    desk = Desk(0)
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30)
        waiting = [asyncio.create_task(anext(stream, None)) for _ in range(3)]
        await eventually_async(lambda: desk.request_ids != [], "a call")
        await stream.aclose()
        assert await asyncio.gather(*waiting) == [None, None, None]


@asynchronous
async def test_a_stream_asks_again_for_an_answer_that_was_lost_and_checks_its_leases() -> None:
    desk = Desk(2)
    desk.lose_next_answer = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=30))
        assert held.task_id == "a"
        assert desk.request_ids[0] == desk.request_ids[1]
        assert desk.renewed == [["a"]]


@asynchronous
async def test_a_stream_passes_over_tasks_that_are_over_already() -> None:
    desk = Desk(2)
    desk.lose_next_answer = True
    desk.renew = lost
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=30))
        assert held.task_id == "b"


@asynchronous
async def test_a_stream_waits_out_an_outage_and_raises_what_waiting_does_not_mend() -> None:
    desk = Desk(1)
    desk.refuse["Next"] = (14, "STORE_UNAVAILABLE")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30)
        waiting = asyncio.create_task(anext(stream))
        await asyncio.sleep(0.1)
        desk.refuse.clear()
        assert (await waiting).task_id == "a"
        desk.refuse["Next"] = (7, "TOKEN_REQUIRED")
        with pytest.raises(PermissionDenied):
            await anext(stream)
