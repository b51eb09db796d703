"""Every call against a real scheduler, blocking."""

import concurrent.futures
import inspect
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dms_client import (
    AsyncClient,
    Client,
    ClientClosed,
    ConnectError,
    ConnectionLost,
    InvalidArgument,
    NoScheduler,
    NotFound,
    NotOwner,
    PermissionDenied,
    Priority,
    QueueFull,
    ResourceExhausted,
    ServingStatus,
    StoreUnavailable,
    SubmissionsBlocked,
    TaskExists,
    TaskNotFound,
    TaskNotQueued,
    TaskStatus,
    TaskSummary,
)
from dms_client._proto.dms.v1 import task_pb2
from dms_client.models import task_from
from tests.support import OPERATOR_TOKEN, Scheduler, asynchronous, eventually


def ignoring_the_store(call: Callable[[], TaskSummary]) -> TaskSummary:
    """Calls until the server has its Redis."""
    while True:
        try:
            return call()
        except StoreUnavailable as error:
            time.sleep(error.retry_after or 0.05)


def submit(client: Client, task_id: str, priority: Priority = Priority.LOW) -> None:
    client.tasks.enqueue(task_id, service="copy", user_id="ada", parameters={"from": "/a"}, priority=priority)


def test_a_task_goes_in_and_comes_out_byte_for_byte(client: Client) -> None:
    parameters = '{"n": 123456789012345678901234567890, "é": "\\u00e9\\u0000", "a":[ ]}'.encode()
    queued = client.tasks.enqueue("café 😀", service="copy", user_id="ada", parameters=parameters)
    assert (queued.status, queued.priority, queued.attempt) == (TaskStatus.QUEUED, Priority.LOW, 0)
    (handed_out,) = client.submitter.next(request_id="").tasks
    assert handed_out.task.task_id == "café 😀"
    assert handed_out.task.parameters == parameters
    assert handed_out.task.parameters_json()["a"] == []
    assert (handed_out.task.status, handed_out.task.attempt) == (TaskStatus.DISPATCHED, 1)
    assert (handed_out.lease_token, handed_out.lease_expires_at) == ("", None)
    assert client.submitter.next(request_id="").tasks == ()


def test_a_summary_tells_where_a_task_stands(client: Client) -> None:
    submit(client, "low")
    submit(client, "high", Priority.HIGH)
    summary = client.tasks.get("low")
    assert summary.queue_position is not None
    assert (summary.queue_position.position_in_priority, summary.queue_position.global_position) == (1, 2)
    assert (summary.overview.total, summary.overview.high, summary.overview.low) == (2, 1, 1)
    assert client.tasks.overview() == summary.overview
    client.submitter.next(request_id="")
    assert client.tasks.get("high").queue_position is None


def test_stats_count(client: Client) -> None:
    assert client.tasks.stats().last_updated is None
    submit(client, "a")
    submit(client, "b")
    client.submitter.next(request_id="")
    client.tasks.cancel("b", service="copy", user_id="ada")
    stats = client.tasks.stats()
    assert (stats.queued, stats.dispatched, stats.canceled, stats.queue_overview.total) == (2, 1, 1, 0)
    assert stats.last_updated is not None


def test_admins_steer(client: Client) -> None:
    assert client.admin.get_block().blocked is False
    submit(client, "t")
    assert client.admin.set_priority("t", Priority.HIGH).priority == Priority.HIGH
    assert client.admin.block("maintenance").reason == "maintenance"
    with pytest.raises(SubmissionsBlocked) as blocked:
        submit(client, "u")
    assert blocked.value.retry_after is not None
    state = client.admin.resume()
    assert (state.blocked, state.reason) == (False, "maintenance")
    assert client.admin.get_block() == state
    submit(client, "u")


def test_a_queue_that_is_full_is_an_error_of_its_own(folder: Path) -> None:
    scheduler = Scheduler(folder, "--max-queued", "1").start()
    with Client(scheduler.address, operator_token=OPERATOR_TOKEN) as client:
        submit(client, "t")
        with pytest.raises(QueueFull) as full:
            submit(client, "u")
        assert full.value.retry_after == 1
        assert not full.value.outcome_unknown
        assert client.submitter.next().tasks[0].task.task_id == "t"
        submit(client, "u")
    scheduler.stop()


def test_refusals_are_typed(client: Client, scheduler: Scheduler) -> None:
    submit(client, "t")
    with pytest.raises(TaskExists):
        submit(client, "t")
    with pytest.raises(TaskNotFound):
        client.tasks.get("nobody")
    with pytest.raises(NotFound):
        client.health.check("no.such.Service")
    with pytest.raises(InvalidArgument) as bad:
        client.tasks.enqueue("", service="copy", user_id="ada")
    assert [violation.field for violation in bad.value.violations] == ["task_id"]
    with pytest.raises(InvalidArgument):
        client.tasks.enqueue("u", service="copy", user_id="ada", parameters=b"[]")
    with pytest.raises(ResourceExhausted) as large:
        client.tasks.enqueue("u", service="copy", user_id="ada", parameters={"a": "x" * (1 << 20)})
    assert large.value.reason == "LIMIT_PARAMETERS"
    client.submitter.next(request_id="")
    with pytest.raises(TaskNotQueued):
        client.admin.set_priority("t", Priority.HIGH)
    with Client(scheduler.address) as stranger:
        with pytest.raises(NotOwner):
            stranger.tasks.cancel("t", service="copy", user_id="eve")
        with pytest.raises(PermissionDenied) as denied:
            stranger.admin.block()
        assert denied.value.reason == "TOKEN_REQUIRED"


def test_health_is_known_by_service(client: Client) -> None:
    assert client.health.check() == ServingStatus.SERVING
    assert client.health.check("dms.v1.Submitter") == ServingStatus.SERVING


def test_a_unix_socket_serves_as_well(scheduler: Scheduler) -> None:
    with Client(f"unix://{scheduler.socket}") as client:
        assert client.health.check() == ServingStatus.SERVING


def test_threads_share_one_connection_and_every_task_is_handed_out_once(client: Client) -> None:
    ids = [f"t-{n}" for n in range(400)]
    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda task_id: submit(client, task_id), ids))
        got = [
            task.task.task_id
            for result in threads.map(lambda _: client.submitter.next(request_id=""), ids)
            for task in result.tasks
        ]
    assert sorted(got) == sorted(ids)
    assert len(client._client._link._connections) == 1


def test_a_closed_client_says_so_and_may_be_closed_again(scheduler: Scheduler) -> None:
    client = Client(scheduler.address)
    client.health.check()
    client.close()
    client.close()
    with pytest.raises(ClientClosed):
        client.health.check()
    assert not [thread for thread in threading.enumerate() if thread.name == "dms-client"]


def test_a_killed_server_is_found_again_once_it_is_back(scheduler: Scheduler) -> None:
    with Client(scheduler.address, operator_token=OPERATOR_TOKEN, connect_timeout=20) as client:
        submit(client, "t")
        scheduler.kill()
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            # Waits for the connection while the server is away; for its Redis the server does not wait.
            answer = threads.submit(ignoring_the_store, lambda: client.tasks.get("t", timeout=20))
            scheduler.start()
            assert answer.result().task.task_id == "t"


def test_another_server_takes_over(scheduler: Scheduler, folder: Path) -> None:
    other = Scheduler(folder / "2", redis=scheduler.redis).start()
    try:
        with Client([other.address, scheduler.address], operator_token=OPERATOR_TOKEN) as client:
            submit(client, "t")
            other.kill()
            assert client.tasks.get("t").task.task_id == "t"
    finally:
        other.stop()


def test_a_server_that_shuts_down_sends_its_clients_elsewhere(scheduler: Scheduler, folder: Path) -> None:
    other = Scheduler(folder / "2", redis=scheduler.redis).start()
    try:
        with Client([other.address, scheduler.address], operator_token=OPERATOR_TOKEN) as client:
            failures: list[BaseException] = []
            done = threading.Event()
            count = 0

            def work() -> None:
                nonlocal count
                try:
                    while not done.is_set():
                        submit(client, f"t-{count}")
                        count += 1
                except BaseException as failure:
                    failures.append(failure)

            worker = threading.Thread(target=work)
            worker.start()
            eventually(lambda: count > 20, "submissions")
            other.signal(signal.SIGTERM)
            assert other.wait() == 0
            before = count
            eventually(lambda: count > before + 20 or bool(failures), "submissions go on")
            done.set()
            worker.join()
            assert failures == []
            assert client.tasks.stats().queued == count
    finally:
        other.stop()


def test_without_a_server_a_call_fails_in_time(scheduler: Scheduler) -> None:
    scheduler.kill()
    begun = time.monotonic()
    with Client(scheduler.address, connect_timeout=0.3) as client, pytest.raises((ConnectError, ConnectionLost)):
        client.health.check()
    assert time.monotonic() - begun < 10


@asynchronous
async def test_the_asyncio_client_has_the_same_calls(scheduler: Scheduler) -> None:
    async with AsyncClient(scheduler.address, operator_token=OPERATOR_TOKEN) as client:
        await client.tasks.enqueue("t", service="copy", user_id="ada", priority=Priority.MID)
        assert (await client.tasks.overview()).mid == 1
        await client.admin.set_priority("t", Priority.HIGH)
        assert (await client.tasks.get("t")).task.priority == Priority.HIGH
        assert (await client.submitter.next(request_id="")).tasks[0].task.task_id == "t"
        canceled = await client.tasks.cancel("t", service="copy", user_id="ada")
        assert canceled.status == TaskStatus.CANCELED
        assert await client.health.check() == ServingStatus.SERVING


def test_both_clients_have_the_same_methods() -> None:
    with Client() as client:
        for service in ("tasks", "submitter", "admin", "health"):
            blocking, asyncio_ = type(getattr(client, service)), type(getattr(client._client, service))
            internal = {"close", "fetch", "keeper", "link", "service"}
            names = {name for name in dir(asyncio_) if not name.startswith("_")} - internal
            assert {name for name in dir(blocking) if not name.startswith("_")} == names
            for name in names:
                ours = inspect.signature(getattr(blocking, name)).parameters
                theirs = inspect.signature(getattr(asyncio_, name)).parameters
                assert list(ours.values()) == list(theirs.values()), name


def test_the_rest_port_is_known_for_what_it_is(scheduler: Scheduler) -> None:
    address = f"127.0.0.1:{scheduler.http_port}"
    with Client(address, connect_timeout=0.5) as client, pytest.raises(NoScheduler) as error:
        client.tasks.overview()
    assert error.value.message == (
        f"what answers is no scheduler's RPC port: {address}: it looks like HTTP, which the REST port speaks; "
        "the RPC port is 8001 unless set"
    )


def test_a_wrong_operator_token_cancels_nothing(scheduler: Scheduler, client: Client) -> None:
    submit(client, "t")
    with Client(scheduler.address, operator_token="guess") as guesser, pytest.raises(PermissionDenied) as refused:
        guesser.tasks.cancel("t", service="copy", user_id="ada")
    assert refused.value.reason == "TOKEN_INVALID"
    assert client.tasks.get("t").task.status == TaskStatus.QUEUED


def test_numbers_without_a_name_are_taken_as_they_come() -> None:
    # Field 5 is the priority, field 6 the status.
    task = task_from(task_pb2.Task.FromString(b"\x28\x07\x30\x63"))
    assert (task.status, task.status.name, task.priority) == (99, "UNKNOWN_99", 7)
    assert TaskStatus(4) is TaskStatus.COMPLETED
    assert TaskStatus(99) == TaskStatus(99)
