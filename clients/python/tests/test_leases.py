"""Leases, waits and replay on a real scheduler."""

import asyncio
import concurrent.futures
import threading
import time

import pytest

from dms_client import (
    AsyncClient,
    Client,
    InvalidArgument,
    LeaseLost,
    LeaseRef,
    TaskCanceled,
    TaskFinished,
    TaskStatus,
)
from tests.support import PATIENCE, Scheduler, asynchronous, eventually


def submit(client: Client, *task_ids: str) -> None:
    for task_id in task_ids:
        client.tasks.enqueue(task_id, service="copy", user_id="ada")


def test_a_task_is_leased_renewed_and_finished(client: Client) -> None:
    submit(client, "t")
    (leased,) = client.submitter.next(lease=30).tasks
    assert leased.lease_token
    assert leased.lease_expires_at is not None
    (outcome,) = client.submitter.renew([leased], lease=60)
    assert outcome.error is None
    assert outcome.lease_expires_at is not None
    assert (outcome.lease_expires_at - leased.lease_expires_at).total_seconds() > 20
    finished = client.submitter.finish(leased, result=b'{"n": 1.0}')
    assert (finished.status, finished.result, finished.result_json()) == (
        TaskStatus.COMPLETED,
        b'{"n": 1.0}',
        {"n": 1.0},
    )
    # The same again is answered the same; a different one is somebody else's.
    assert client.submitter.finish(leased, result=b'{"n": 1.0}') == finished
    with pytest.raises(LeaseLost):
        client.submitter.finish(leased, succeeded=False, error="no luck")
    with pytest.raises(TaskFinished):
        client.tasks.cancel("t", service="copy", user_id="ada")
    assert client.tasks.get("t").task.result == b'{"n": 1.0}'


def test_a_lease_that_ends_gives_the_task_to_the_next(client: Client) -> None:
    submit(client, "t", "u")
    begun = time.monotonic()
    (first,) = client.submitter.next(lease=1).tasks
    # "u" is there at once; "t" comes back to the head of its queue.
    assert client.submitter.next(lease=60).tasks[0].task.task_id == "u"
    (second,) = client.submitter.next(lease=60, wait=PATIENCE).tasks
    assert second.task.task_id == "t"
    assert time.monotonic() - begun > 0.99
    assert (first.task.attempt, second.task.attempt) == (1, 2)
    with pytest.raises(LeaseLost):
        client.submitter.finish(first)
    assert [outcome.error and outcome.error.reason for outcome in client.submitter.ack([first, second])] == [
        "LEASE_LOST",
        None,
    ]
    assert client.submitter.finish(second).status == TaskStatus.COMPLETED


def test_a_task_is_returned_to_the_head_of_its_queue(client: Client) -> None:
    submit(client, "t", "u")
    (leased,) = client.submitter.next(lease=30).tasks
    assert client.submitter.return_(leased, "shutting down").status == TaskStatus.QUEUED
    assert client.submitter.next(lease=30).tasks[0].task.task_id == "t"
    assert client.tasks.stats().requeued == 1


def test_acks_ride_on_next(client: Client) -> None:
    submit(client, "t")
    (leased,) = client.submitter.next(lease=30).tasks
    result = client.submitter.next(lease=30, acks=[leased, LeaseRef("nobody", "x")])
    assert [outcome.error and outcome.error.reason for outcome in result.acks] == [None, "TASK_NOT_FOUND"]


def test_a_repetition_gets_the_same_tasks(client: Client) -> None:
    submit(client, "t", "u")
    first = client.submitter.next(lease=30, request_id="r-1")
    assert client.submitter.next(lease=30, request_id="r-1").tasks == first.tasks
    assert client.submitter.next(lease=30).tasks[0].task.task_id == "u"


def test_next_waits_for_a_task(client: Client) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(client.submitter.next, wait=PATIENCE)
        eventually(lambda: client.tasks.stats().waiting_submitters == 1, "a waiter")
        submit(client, "t")
        assert waiting.result(PATIENCE).tasks[0].task.task_id == "t"
    begun = time.monotonic()
    assert client.submitter.next(wait=0.2).tasks == ()
    assert time.monotonic() - begun >= 0.2


def test_limits_are_refused_with_the_field(client: Client) -> None:
    for lease, wait, field in ((0.5, 0.0, "lease_ms"), (0.0, 601.0, "wait_ms")):
        with pytest.raises(InvalidArgument) as bad:
            client.submitter.next(lease=lease, wait=wait)
        assert [violation.field for violation in bad.value.violations] == [field]


@asynchronous
async def test_a_cancelled_next_takes_no_task(scheduler: Scheduler) -> None:
    async with AsyncClient(scheduler.address) as client:
        waiting = asyncio.create_task(client.submitter.next(wait=PATIENCE, lease=PATIENCE))
        while (await client.tasks.stats()).waiting_submitters != 1:
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await client.tasks.enqueue("t", service="copy", user_id="ada")
        assert (await client.submitter.next(wait=PATIENCE)).tasks[0].task.task_id == "t"


def test_a_stream_works_through_the_tasks_and_keeps_their_leases(client: Client) -> None:
    submit(client, "a", "b", "c")
    done = []
    with client.submitter.tasks(lease=3, wait=PATIENCE) as stream:
        for held in stream:
            if held.task_id == "a":
                # Longer than the lease: only a renewal keeps it.
                assert not held.wait_over(4)
            with held:
                done.append(held.task_id)
            assert held.settled
            if held.task_id == "c":
                break
    assert done == ["a", "b", "c"]
    assert client.tasks.stats().completed == 3
    assert client.tasks.stats().requeued == 0


def test_a_held_task_tells_of_its_cancellation(client: Client) -> None:
    submit(client, "t")
    held = next(client.submitter.tasks(lease=1))
    client.tasks.cancel("t", service="copy", user_id="ada")
    assert held.wait_over(PATIENCE)
    assert held.canceled
    with pytest.raises(TaskCanceled):
        held.finish()


def test_closing_the_client_returns_its_tasks(client: Client, scheduler: Scheduler) -> None:
    submit(client, "t")
    with Client(scheduler.address) as worker:
        held = next(worker.submitter.tasks(lease=60))
        assert held.task_id == "t"
    assert client.tasks.get("t").task.status == TaskStatus.QUEUED
    assert client.tasks.get("t").queue_position is not None


def test_a_stream_goes_on_after_a_crash(client: Client, scheduler: Scheduler) -> None:
    stream = client.submitter.tasks(lease=5, wait=PATIENCE)
    got: list[str] = []

    def work() -> None:
        with stream:
            for held in stream:
                with held:
                    got.append(held.task_id)
                if held.task_id == "last":
                    return

    worker = threading.Thread(target=work)
    worker.start()
    submit(client, "first")
    eventually(lambda: got == ["first"], "the first task")
    eventually(lambda: client.tasks.stats().completed == 1, "its end")
    scheduler.kill()
    scheduler.start()
    submit(client, "last")
    worker.join(PATIENCE)
    assert got == ["first", "last"]


def test_finish_without_a_lease_takes_an_empty_token(client: Client) -> None:
    submit(client, "t")
    (handed_out,) = client.submitter.next().tasks
    assert handed_out.lease_token == ""
    assert client.submitter.finish(handed_out, succeeded=False, error="no luck").error == "no luck"


@pytest.mark.usefixtures("lists")
def test_lists_are_filtered_and_complete(client: Client) -> None:
    submit(client, *(f"t-{n}" for n in range(25)))
    assert [task.task_id for task in client.tasks.list_all(page_size=10)] == [f"t-{n}" for n in range(25)]
    client.submitter.next(5)
    dispatched = client.tasks.list(status=[TaskStatus.DISPATCHED])
    assert [task.task_id for task in dispatched.tasks] == [f"t-{n}" for n in range(5)]
    newest = next(iter(client.tasks.list_all(newest_first=True)))
    assert newest.task_id == "t-24"
