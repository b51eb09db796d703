"""Tasks that come when nobody waits for them any more: none is left to its lease, or for ever."""

import asyncio
import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator

import pytest

from dms_client import AsyncClient, Client, ClientClosed, DeadlineExceeded, DMSError
from dms_client._frames import Frame, FrameType
from dms_client._proto.dms.v1 import submitter_pb2, task_pb2
from dms_client._proto.ttrpc import ttrpc_pb2
from dms_client.blocking._thread import LoopThread, _Errand
from tests.support import PATIENCE, Peer, Scheduler, ScriptedServer, asynchronous, eventually, eventually_async


class Desk:
    """Lets every `Next` wait, and answers it, with tasks, when its cancel frame comes: too late to take them back."""

    def __init__(self, *task_ids: str) -> None:
        self.waiting = list(task_ids)
        self.asked: list[submitter_pb2.NextRequest] = []
        self.returned: list[tuple[str, str]] = []
        self.acked: list[str] = []
        # Answers a `Next` at once from now on.
        self.is_open = False
        # The streams of renewals that are not answered yet; None where all are answered at once.
        self.unrenewed: list[tuple[int, bytes]] | None = None
        # Takes every `Next` back that is given up, whatever it keeps.
        self.is_deaf = False
        # Ends the connection with the answer to a call that was given up.
        self.loses_answers = False
        self.on_next: Callable[[], None] = lambda: None
        self.peer: Peer
        self._parked: dict[int, submitter_pb2.NextRequest] = {}
        self._kept: dict[str, submitter_pb2.NextResponse] = {}

    async def serve(self, peer: Peer) -> None:
        await peer.greet()
        while True:
            frame = await peer.frame()
            if frame.type == FrameType.CANCEL:
                parked = self._parked.pop(frame.stream, None)
                if parked is None:
                    continue
                if self.is_deaf:
                    peer.refuse(frame.stream, 1, "CANCELLED")
                    continue
                answer = self._take(parked)
                if self.loses_answers:
                    self.loses_answers = False
                    await peer.close()
                    return
                peer.answer(frame.stream, answer.SerializeToString())
                continue
            if frame.type != FrameType.REQUEST:
                continue
            request = peer.read(frame)
            match request.method:
                case "Next":
                    asked = submitter_pb2.NextRequest.FromString(request.payload)
                    self.asked.append(asked)
                    if not self.is_deaf and (self.is_open or asked.request_id in self._kept):
                        peer.answer(frame.stream, self._take(asked).SerializeToString())
                    else:
                        self._parked[frame.stream] = asked
                    self.on_next()
                case "Return":
                    returned = submitter_pb2.ReturnRequest.FromString(request.payload)
                    self.returned.append((returned.lease.task_id, returned.reason))
                    self.waiting.insert(0, returned.lease.task_id)
                    task = task_pb2.Task(task_id=returned.lease.task_id, status="TASK_STATUS_QUEUED")
                    peer.answer(frame.stream, task.SerializeToString())
                case "Renew":
                    refs = submitter_pb2.RenewRequest.FromString(request.payload).leases
                    outcomes = [submitter_pb2.LeaseOutcome(task_id=ref.task_id) for ref in refs]
                    renewal: bytes = submitter_pb2.RenewResponse(outcomes=outcomes).SerializeToString()
                    if self.unrenewed is not None:
                        self.unrenewed.append((frame.stream, renewal))
                        self.peer = peer
                    else:
                        peer.answer(frame.stream, renewal)
                case "Ack":
                    refs = submitter_pb2.AckRequest.FromString(request.payload).leases
                    self.acked += [ref.task_id for ref in refs]
                    outcomes = [submitter_pb2.LeaseOutcome(task_id=ref.task_id) for ref in refs]
                    peer.answer(frame.stream, submitter_pb2.AckResponse(outcomes=outcomes).SerializeToString())
                case _:
                    peer.answer(frame.stream)

    def _take(self, asked: submitter_pb2.NextRequest) -> submitter_pb2.NextResponse:
        kept = self._kept.get(asked.request_id) if asked.request_id else None
        if kept is not None:
            return kept
        count = asked.max_tasks or 1
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        answer = submitter_pb2.NextResponse()
        for task_id in taken:
            token = f"k-{task_id}" if asked.lease_ms else ""
            answer.tasks.add(task=task_pb2.Task(task_id=task_id, status="TASK_STATUS_DISPATCHED"), lease_token=token)
        if taken:
            self._kept[asked.request_id] = answer
        return answer


async def give_up(desk: Desk, call: "asyncio.Task[object]") -> None:
    """Cancels a call once it is at the server."""
    before = len(desk.asked)
    await eventually_async(lambda: len(desk.asked) > before, "a call")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@asynchronous
async def test_what_comes_for_a_stream_that_was_cancelled_is_returned_in_its_order() -> None:
    desk = Desk("a", "b", "c", "d")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30, batch=3)
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        await eventually_async(lambda: len(desk.returned) == 3, "returns")
        assert desk.returned == [(task_id, "it came too late") for task_id in "cba"]
        assert desk.waiting == ["a", "b", "c", "d"]
        desk.is_open = True
        assert [(await anext(stream)).task_id for _ in range(4)] == ["a", "b", "c", "d"]
        assert len({asked.request_id for asked in desk.asked}) == 3


@asynchronous
async def test_who_waits_again_before_the_late_answer_is_there_gets_it() -> None:
    desk = Desk("a", "b", "c")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30, batch=2)
        waiting = asyncio.ensure_future(anext(stream))
        await eventually_async(lambda: len(desk.asked) == 1, "a call")
        waiting.cancel()
        # Both are cancelled in one turn of the loop, and the third waits for what the first has asked for.
        second = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        second.cancel()
        assert [(await anext(stream)).task_id for _ in range(2)] == ["a", "b"]
        assert (len(desk.asked), desk.returned) == (1, [])


@asynchronous
async def test_an_asking_that_is_taken_over_and_lost_again_is_asked_once_more_and_no_oftener() -> None:
    desk = Desk("a", "b", "c")
    desk.loses_answers = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        await give_up(desk, asyncio.ensure_future(client.submitter.next(wait=60)))
        stream = client.submitter.tasks(lease=0)
        assert (await anext(stream)).task_id == "a"
        # Lost before anything was taken for it: another id, and nobody else has it.
        desk.loses_answers = True
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        desk.is_open = True
        assert [(await anext(stream)).task_id for _ in range(2)] == ["b", "c"]
        ids = [asked.request_id for asked in desk.asked]
        assert (ids[0], ids[2]) == (ids[1], ids[3])
        assert len(set(ids)) == 3


@asynchronous
async def test_what_comes_too_late_without_a_lease_is_what_the_stream_brings_next() -> None:
    desk = Desk("a", "b", "c")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=0, batch=2)
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        # Begun before the late answer is there, or after it.
        assert [(await anext(stream)).task_id for _ in range(2)] == ["a", "b"]
        assert len(desk.asked) == 1
        desk.is_open = True
        assert (await anext(stream)).task_id == "c"
        assert desk.returned == []


@asynchronous
async def test_what_comes_too_late_without_a_lease_is_for_the_next_call_of_the_same_submitter() -> None:
    desk = Desk("a", "b", "c", "d")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address, submitter_id="me") as client:
        await give_up(desk, asyncio.ensure_future(client.submitter.next(3, wait=60)))
        desk.is_open = True
        other = await client.submitter.next(submitter_id="other")
        assert [leased.task.task_id for leased in other.tasks] == ["d"]
        first = await client.submitter.next(2, acks=[other.tasks[0]])
        assert [leased.task.task_id for leased in first.tasks] == ["a", "b"]
        assert (desk.acked, len(first.acks)) == (["d"], 1)
        # A stream that is closed leaves what it cannot return.
        stream = client.submitter.tasks(lease=0)
        assert (await anext(stream)).task_id == "c"
        assert len(desk.asked) == 2


@asynchronous
@pytest.mark.parametrize("lease", [0.0, 30.0])
async def test_an_answer_that_was_lost_with_its_caller_is_asked_for_again(lease: float) -> None:
    desk = Desk("a", "b")
    desk.loses_answers = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=lease)
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        held = await anext(stream)
        assert held.task_id == "a"
        assert desk.asked[0].request_id == desk.asked[1].request_id
        desk.is_open = True
        assert (await anext(stream)).task_id == "b"
        assert desk.asked[2].request_id != desk.asked[1].request_id


@asynchronous
@pytest.mark.parametrize("lease", [0.0, 30.0])
async def test_an_answer_that_was_lost_is_asked_for_until_it_is_there(lease: float) -> None:
    desk = Desk("a")
    desk.loses_answers = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=lease)
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        # The server takes the next one back before it has looked at what it keeps.
        desk.is_deaf = True
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        desk.is_deaf = False
        assert (await anext(stream)).task_id == "a"
        assert len({asked.request_id for asked in desk.asked}) == 1


@asynchronous
async def test_an_answer_that_comes_in_the_turn_of_the_loop_of_the_cancellation_is_heard() -> None:
    desk = Desk("a")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        call = asyncio.ensure_future(client.submitter.next(wait=60, lease=30, request_id=""))
        await eventually_async(lambda: len(desk.asked) == 1, "a call")
        connection = client._link._connection
        assert connection is not None
        call.cancel()
        answer = submitter_pb2.NextResponse(tasks=[{"task": {"task_id": "a", "status": 2}, "lease_token": "k-a"}])
        response = ttrpc_pb2.Response(payload=answer.SerializeToString())
        connection.data_received(Frame(FrameType.RESPONSE, 1, response.SerializeToString()).encode())
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually_async(lambda: desk.returned == [("a", "it came too late")], "the return")


@asynchronous
async def test_without_a_lease_a_plain_call_asks_again_for_what_an_earlier_one_lost() -> None:
    desk = Desk("a", "b")
    desk.loses_answers = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        await give_up(desk, asyncio.ensure_future(client.submitter.next(2, wait=60)))
        await eventually_async(lambda: any(client.submitter.late._unanswered.values()), "the loss")
        assert [leased.task.task_id for leased in (await client.submitter.next()).tasks] == ["a"]
        assert [leased.task.task_id for leased in (await client.submitter.next()).tasks] == ["b"]
        assert [asked.request_id for asked in desk.asked] == [desk.asked[0].request_id] * 2


@asynchronous
@pytest.mark.parametrize("request_id", [None, ""])
async def test_what_comes_after_a_deadline_is_returned(request_id: str | None) -> None:
    desk = Desk("a")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        with pytest.raises(DeadlineExceeded):
            await client.submitter.next(wait=60, lease=30, timeout=0.01, request_id=request_id)
        await eventually_async(lambda: desk.returned == [("a", "it came too late")], "the return")


@asynchronous
async def test_who_chooses_a_request_id_gets_what_came_too_late_with_it() -> None:
    desk = Desk("a")
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        await give_up(desk, asyncio.ensure_future(client.submitter.next(wait=60, lease=30, request_id="r")))
        result = await client.submitter.next(wait=60, lease=30, request_id="r")
        assert [leased.task.task_id for leased in result.tasks] == ["a"]
        assert desk.returned == []


@asynchronous
async def test_closing_waits_for_what_is_on_its_way() -> None:
    desk = Desk("a", "b", "c")
    async with ScriptedServer(desk.serve) as server:
        client = AsyncClient(server.address)
        async with client.submitter.tasks(lease=30) as stream:
            await give_up(desk, asyncio.ensure_future(anext(stream)))
        waiting = [asyncio.ensure_future(anext(client.submitter.tasks(lease=30))) for _ in range(2)]
        plain = asyncio.ensure_future(client.submitter.next(wait=60, lease=30))
        await eventually_async(lambda: len(desk.asked) == 4, "the calls")
        await client.close()
        for call in (*waiting, plain):
            with pytest.raises(ClientClosed):
                await call
        assert {task_id for task_id, _ in desk.returned} == {"a", "b", "c"}
        assert sorted(desk.waiting) == ["a", "b", "c"], "nobody has them"


@asynchronous
async def test_a_closed_stream_leaves_what_has_no_lease_to_the_next(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk("a", "b", "c")
    desk.is_open = True
    async with ScriptedServer(desk.serve) as server:
        async with AsyncClient(server.address, submitter_id="me") as client:
            async with client.submitter.tasks(lease=0, batch=3) as stream:
                assert (await anext(stream)).task_id == "a"
            assert [leased.task.task_id for leased in (await client.submitter.next()).tasks] == ["b"]
        assert desk.returned == []
    # Nobody can be given the last one any more, which is said.
    assert [record.getMessage() for record in caplog.records] == [
        "Tasks without a lease came too late, and stay dispatched to 'me': 'c'"
    ]


@asynchronous
async def test_a_stream_that_is_forgotten_returns_what_was_not_begun() -> None:
    desk = Desk("a", "b", "c")
    desk.is_open = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30, batch=3)
        begun = await anext(stream)
        del stream
        gc.collect()
        await eventually_async(lambda: len(desk.returned) == 2, "the returns")
        assert desk.returned == [("c", "not begun"), ("b", "not begun")]
        assert client.submitter.keeper.held() == [begun]


@asynchronous
async def test_a_cancellation_while_an_old_answer_is_renewed_loses_nothing() -> None:
    desk = Desk("a")
    desk.loses_answers = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        stream = client.submitter.tasks(lease=30)
        await give_up(desk, asyncio.ensure_future(anext(stream)))
        unrenewed = desk.unrenewed = []
        for _ in range(3):
            again = asyncio.ensure_future(anext(stream))
            await eventually_async(lambda: len(unrenewed) == 1, "a renewal")
            again.cancel()
            with pytest.raises(asyncio.CancelledError):
                await again
        (held,) = client.submitter.keeper.held()
        desk.unrenewed = None
        desk.peer.answer(*unrenewed[0])
        assert await anext(stream) is held
        assert held._renew_at < float("inf"), "it is renewed on"
        assert len(desk.asked) == 2


@asynchronous
async def test_a_cancelled_renewal_does_not_keep_the_next_from_coming() -> None:
    desk = Desk("a")
    desk.is_open = True
    async with ScriptedServer(desk.serve) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=30))
        unrenewed = desk.unrenewed = []
        renewal = asyncio.ensure_future(client.submitter.keeper.renew([held]))
        await eventually_async(lambda: len(unrenewed) == 1, "a renewal")
        assert held._renew_at == float("inf")
        renewal.cancel()
        with pytest.raises(asyncio.CancelledError):
            await renewal
        assert held._renew_at < float("inf")


class ThreadedServer:
    """A scripted server for tests that block."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server = ScriptedServer(desk.serve)

    def __enter__(self) -> str:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.__aenter__(), self._loop).result()
        return self._server.address

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._server.__aexit__(None, None, None), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Sends Ctrl-C to the main thread."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    main = threading.main_thread().ident
    assert main is not None
    yield lambda: signal.pthread_kill(main, signal.SIGINT)
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("is_stream", [True, False])
def test_what_comes_for_a_blocking_call_that_was_interrupted_is_returned(
    interrupt: Callable[[], None], is_stream: bool
) -> None:
    desk = Desk("a")
    desk.on_next = interrupt
    with ThreadedServer(desk) as address, Client(address) as client:
        with pytest.raises(KeyboardInterrupt):
            if is_stream:
                next(client.submitter.tasks(lease=30))
            else:
                client.submitter.next(wait=60, lease=30)
        eventually(lambda: desk.returned == [("a", "it came too late")], "the return")


@pytest.mark.parametrize("is_stream", [True, False])
def test_without_a_lease_the_next_blocking_call_brings_it(interrupt: Callable[[], None], is_stream: bool) -> None:
    desk = Desk("a")
    desk.on_next = interrupt
    with ThreadedServer(desk) as address, Client(address) as client:
        stream = client.submitter.tasks(lease=0)
        with pytest.raises(KeyboardInterrupt):
            if is_stream:
                next(stream)
            else:
                client.submitter.next(wait=60)
        desk.on_next = lambda: None
        assert next(stream).task_id == "a"
        assert len(desk.asked) == 1


def test_a_result_that_is_there_when_its_thread_is_interrupted_is_told_to_be_lost() -> None:
    lost: list[str] = []
    thread = LoopThread()

    async def work() -> str:
        return "task"

    async def nothing() -> None:
        pass

    errand = _Errand(thread._loop, work(), lost.append)
    errand.start()
    assert errand.result() == "task"
    errand.abandon()
    eventually(lambda: lost == ["task"], "it is told")
    late = asyncio.Event()

    async def later() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await late.wait()
        return "late"

    errand = _Errand(thread._loop, later(), lost.append)
    errand.start()
    eventually(lambda: errand._task is not None, "it runs")
    errand.abandon()
    eventually(lambda: lost[-1] == "late", "what came in spite of the interruption is told")
    thread.close(nothing())


@asynchronous
@pytest.mark.parametrize("lease", [0.0, 300.0])
async def test_a_stream_that_is_polled_loses_no_task(scheduler: Scheduler, lease: float) -> None:
    count = 300
    async with AsyncClient(scheduler.address) as client, AsyncClient(scheduler.address) as front_end:
        done: list[str] = []

        async def submit() -> None:
            for number in range(count):
                await front_end.tasks.enqueue(f"t-{number}", service="copy", user_id="ada")

        submitting = asyncio.create_task(submit())
        stream = client.submitter.tasks(lease=lease, wait=PATIENCE)
        pause = 0.0
        while len(done) < count:
            # Some of the waits end just as an answer is on its way.
            pause = (pause + 0.000_1) % 0.005
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.wait({waiting}, timeout=pause)
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                held = await waiting
                await held.finish()
                done.append(held.task_id)
        await submitting
        assert len(set(done)) == count
        assert (await client.tasks.stats()).completed == count


@asynchronous
async def test_a_failed_task_is_reported_with_its_result() -> None:
    finished: list[submitter_pb2.FinishRequest] = []

    async def script(peer: Peer) -> None:
        await peer.greet()
        for _ in range(3):
            stream, request = await peer.request()
            if request.method == "Next":
                answer = submitter_pb2.NextResponse(tasks=[{"task": {"task_id": "t", "status": 2}, "lease_token": "k"}])
                peer.answer(stream, answer.SerializeToString())
                continue
            asked = submitter_pb2.FinishRequest.FromString(request.payload)
            finished.append(asked)
            task = task_pb2.Task(task_id="t", status="TASK_STATUS_FAILED", result=asked.result, error=asked.error)
            peer.answer(stream, task.SerializeToString())
        await peer.frame()

    async with ScriptedServer(script) as server, AsyncClient(server.address) as client:
        held = await anext(client.submitter.tasks(lease=30))
        task = await held.fail("no space left", {"files": 2})
        assert (task.error, task.result_json()) == ("no space left", {"files": 2})
        await client.submitter.finish(held, succeeded=False, error="no", result=b"[1]")
        assert [(one.succeeded, one.result, one.error) for one in finished] == [
            (False, b'{"files":2}', "no space left"),
            (False, b"[1]", "no"),
        ]
        with pytest.raises(DMSError):
            await client.submitter.next(timeout=0)
