"""The bytes that every language agrees on."""

import importlib
import json
from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message

from dms_client import Priority, Task, TaskStatus
from dms_client._frames import DATA_BYTES_MAX, Frame, FrameDecoder, FrameError
from dms_client._proto._pool import POOL
from dms_client.errors import error_from_status
from dms_client.models import leased_task_from, task_from
from tests.support import PROJECT

VECTORS = PROJECT / "Tests/Vectors"
MODULES = {
    "dms.v1": ("dms.v1.task_pb2", "dms.v1.tasks_pb2", "dms.v1.submitter_pb2", "dms.v1.admin_pb2"),
    "google.rpc": ("google.rpc.status_pb2", "google.rpc.error_details_pb2"),
    "grpc.health.v1": ("grpc.health.v1.health_pb2",),
    "ttrpc": ("ttrpc.ttrpc_pb2",),
}


def load(name: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return vectors


def message_class(full_name: str) -> type[Message]:
    package, _, name = full_name.rpartition(".")
    for module in MODULES[package]:
        found = getattr(importlib.import_module(f"dms_client._proto.{module}"), name, None)
        if found is not None:
            kind: type[Message] = found
            return kind
    raise LookupError(full_name)


def message(name: str) -> Any:
    vector = next(one for one in load("messages.json") if one["name"] == name)
    read = message_class(vector["message"])()
    read.ParseFromString(bytes.fromhex(vector["hex"]))
    return read


@pytest.mark.parametrize("vector", load("messages.json"), ids=lambda vector: str(vector["name"]))
def test_a_message_is_read_as_its_text_says_and_written_in_the_same_bytes(vector: dict[str, Any]) -> None:
    kind = message_class(vector["message"])
    data = bytes.fromhex(vector["hex"])
    read = kind()
    assert read.ParseFromString(data) == len(data)
    expected = text_format.Parse(vector["text"], kind(), descriptor_pool=POOL)
    assert read == expected
    assert read.SerializeToString(deterministic=True) == data


@pytest.mark.parametrize("vector", load("frames.json"), ids=lambda vector: str(vector["name"]))
def test_a_frame_is_cut_and_put_together(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    decoder = FrameDecoder()
    if vector["data_length"] > DATA_BYTES_MAX:
        with pytest.raises(FrameError):
            list(decoder.feed(data))
        return
    if "left out" in vector["name"]:
        assert list(decoder.feed(data)) == []
        (frame,) = decoder.feed(bytes(vector["data_length"]))
        assert len(frame.data) == vector["data_length"]
        return
    # Byte by byte: a frame comes with its last byte, not before.
    frames = [(at, frame) for at in range(len(data)) for frame in decoder.feed(data[at : at + 1])]
    assert frames == [(len(data) - 1, Frame(vector["type"], vector["stream"], data[10:], vector["flags"]))]
    assert frames[0][1].encode() == data


def test_a_task_keeps_every_byte() -> None:
    task = task_from(message("task full"))
    assert task == Task(
        task_id="café \0 😀",
        service="billing",
        user_id="user-1",
        parameters=b'{"n":123456789012345678901234567890,"e":"\\u0000","a":[]}',
        priority=Priority.HIGH,
        status=TaskStatus.DISPATCHED,
        enqueued_at=task.enqueued_at,
        updated_at=task.updated_at,
        attempt=4294967295,
        submitter_id="gpu-7",
    )
    assert task.enqueued_at.isoformat() == "2025-11-23T10:11:12.123456+00:00"


def test_a_task_that_failed_has_an_error_and_no_result() -> None:
    task = task_from(message("task failed"))
    assert (task.status, task.error, task.result) == (TaskStatus.FAILED, "no luck", None)


def test_a_task_of_no_priority_is_low_and_times_before_1970_are_read() -> None:
    assert task_from(message("task of no priority")).priority == Priority.LOW
    assert task_from(message("task canceled long ago")).updated_at.isoformat() == "1969-12-31T23:59:59.999999+00:00"


def test_a_leased_task_tells_its_proof() -> None:
    leased = leased_task_from(message("leased task"))
    assert (leased.ref.task_id, leased.ref.lease_token) == ("t", "3f9c")
    assert leased.lease_expires_at is not None
    assert leased.lease_expires_at.isoformat() == "2025-11-23T10:12:12.000001+00:00"


def test_errors_are_typed_by_code_and_reason() -> None:
    lost = error_from_status(message("status of a lost lease"))
    assert (type(lost).__name__, lost and lost.reason, lost and lost.code) == ("LeaseLost", "LEASE_LOST", 9)
    down = error_from_status(message("status of a store that is down"))
    assert (type(down).__name__, down and down.retry_after) == ("StoreUnavailable", 2.5)
    bad = error_from_status(message("status of a bad field"))
    assert bad is not None
    assert (type(bad).__name__, bad.violations[0].field) == ("InvalidArgument", "max_tasks")
    odd = error_from_status(message("status from elsewhere"))
    assert (type(odd).__name__, odd and odd.code, odd and odd.reason) == ("DMSError", 77, "ODD")
