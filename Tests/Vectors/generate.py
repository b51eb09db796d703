#!/usr/bin/env python3
"""Writes messages.json and frames.json: the bytes of every message and frame of the binary protocol.

The messages are packed by Google's protoc from the text form that stands below, not by the code under test; the frames
are put together here. Run it after a change of Proto/ or of a case, and look at the difference.
"""

import json
import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "Proto"
FILES = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))

TIME = "seconds: 1763892672 nanos: 123456000"
LATER = "seconds: 1763892732 nanos: 1000"
TASK_MINIMAL = (
    f'task_id: "t" service: "s" user_id: "u" parameters: "{{}}" priority: PRIORITY_LOW status: TASK_STATUS_QUEUED'
    f" enqueued_at {{ {TIME} }} updated_at {{ {TIME} }}"
)
TASK_FULL = (
    r'task_id: "caf\303\251 \000 \360\237\230\200" service: "billing" user_id: "user-1"'
    r' parameters: "{\"n\":123456789012345678901234567890,\"e\":\"\\u0000\",\"a\":[]}" priority: PRIORITY_HIGH'
    f" status: TASK_STATUS_DISPATCHED enqueued_at {{ {TIME} }} updated_at {{ {LATER} }}"
    ' attempt: 4294967295 submitter_id: "gpu-7"'
)
LEASE = r'task_id: "t" lease_token: "3f9c"'
INFO = "[type.googleapis.com/google.rpc.ErrorInfo]"
BAD = "[type.googleapis.com/google.rpc.BadRequest]"
RETRY = "[type.googleapis.com/google.rpc.RetryInfo]"
LEASE_LOST = f'code: 9 message: "too late" details {{ {INFO} {{ reason: "LEASE_LOST" domain: "dms" }} }}'
UNAVAILABLE = (
    f'code: 14 message: "Redis is down" details {{ {INFO} {{ reason: "STORE_UNAVAILABLE" domain: "dms" }} }}'
    f" details {{ {RETRY} {{ retry_delay {{ seconds: 2 nanos: 500000000 }} }} }}"
)
INVALID = (
    f'code: 3 message: "max_tasks: Value should be from 0 to 1000"'
    f' details {{ {INFO} {{ reason: "INVALID_FIELD" domain: "dms" }} }}'
    f' details {{ {BAD} {{ field_violations {{ field: "max_tasks"'
    f' description: "Value should be from 0 to 1000" }} }} }}'
)
FOREIGN = (
    f'code: 77 message: "from elsewhere" details {{ {INFO} {{ reason: "ODD" domain: "else"'
    f' metadata {{ key: "k" value: "v" }} }} }}'
    r' details { type_url: "example.org/some.Type" value: "\001\002\003" }'
)

# name, message, text form, and whether the bytes are only read (we would write the same value in other bytes).
MESSAGES = [
    ("task minimal", "dms.v1.Task", TASK_MINIMAL, False),
    ("task full", "dms.v1.Task", TASK_FULL, False),
    (
        "task completed",
        "dms.v1.Task",
        TASK_MINIMAL.replace("QUEUED", "COMPLETED") + r' attempt: 1 result: "{\"ok\":true}"',
        False,
    ),
    ("task failed", "dms.v1.Task", TASK_MINIMAL.replace("QUEUED", "FAILED") + ' attempt: 2 error: "no luck"', False),
    (
        "task canceled long ago",
        "dms.v1.Task",
        TASK_MINIMAL.replace("QUEUED", "CANCELED").replace(
            f"updated_at {{ {TIME} }}", "updated_at { seconds: -1 nanos: 999999000 }"
        ),
        False,
    ),
    ("task of no priority", "dms.v1.Task", TASK_MINIMAL.replace("PRIORITY_LOW", "PRIORITY_UNSPECIFIED"), True),
    (
        "queue position",
        "dms.v1.QueuePosition",
        "priority: PRIORITY_MID position_in_priority: 3 global_position: 18446744073709551615",
        False,
    ),
    ("queue overview", "dms.v1.QueueOverview", "total: 1000006 high: 1 mid: 5 low: 1000000", False),
    ("queue overview empty", "dms.v1.QueueOverview", "", False),
    (
        "summary queued",
        "dms.v1.TaskSummary",
        f"task {{ {TASK_MINIMAL} }} queue_position {{ priority: PRIORITY_LOW position_in_priority: 1"
        " global_position: 2 } overview { total: 2 high: 1 low: 1 }",
        False,
    ),
    ("summary not queued", "dms.v1.TaskSummary", f"task {{ {TASK_FULL} }} overview {{ }}", False),
    (
        "stats",
        "dms.v1.Stats",
        f"queued: 10 dispatched: 9 canceled: 8 last_updated {{ {TIME} }} queue_overview {{ total: 1 mid: 1 }}"
        f" completed: 7 failed: 6 requeued: 5 leased: 4 waiting_submitters: 3 oldest_queued_at {{ {LATER} }}",
        False,
    ),
    ("stats of a new scheduler", "dms.v1.Stats", "queue_overview { }", False),
    ("block state", "dms.v1.BlockState", f'blocked: true reason: "maintenance" updated_at {{ {TIME} }}', False),
    ("block state with an empty reason", "dms.v1.BlockState", 'reason: ""', False),
    ("block state never set", "dms.v1.BlockState", "", False),
    (
        "enqueue",
        "dms.v1.EnqueueRequest",
        r'task_id: "t-1" service: "s" user_id: "u" parameters: "{\"a\": 1}" priority: PRIORITY_MID',
        False,
    ),
    ("enqueue of no priority", "dms.v1.EnqueueRequest", 'task_id: "t-1"', True),
    ("get task", "dms.v1.GetTaskRequest", 'task_id: "t-1"', False),
    ("cancel task", "dms.v1.CancelTaskRequest", 'task_id: "t-1" service: "s" user_id: "u"', False),
    (
        "list tasks",
        "dms.v1.ListTasksRequest",
        'page_size: 50 page_token: "p" status: TASK_STATUS_QUEUED status: TASK_STATUS_FAILED'
        ' priority: PRIORITY_HIGH service: "s" user_id: "u" newest_first: true',
        False,
    ),
    ("list tasks empty", "dms.v1.ListTasksRequest", "", False),
    (
        "page of tasks",
        "dms.v1.ListTasksResponse",
        f'tasks {{ {TASK_MINIMAL} }} tasks {{ {TASK_FULL} }} next_page_token: "p2"',
        False,
    ),
    ("overview request", "dms.v1.OverviewRequest", "", False),
    ("stats request", "dms.v1.GetStatsRequest", "", False),
    ("lease", "dms.v1.LeaseRef", LEASE, False),
    (
        "leased task",
        "dms.v1.LeasedTask",
        f'task {{ {TASK_MINIMAL} }} lease_token: "3f9c" lease_expires_at {{ {LATER} }}',
        False,
    ),
    ("outcome good", "dms.v1.LeaseOutcome", f'task_id: "t" lease_expires_at {{ {LATER} }}', False),
    ("outcome canceled", "dms.v1.LeaseOutcome", 'task_id: "t" canceled: true', False),
    ("outcome lost", "dms.v1.LeaseOutcome", f'task_id: "t" status {{ {LEASE_LOST} }}', False),
    ("next", "dms.v1.NextRequest", "max_tasks: 1", False),
    (
        "next full",
        "dms.v1.NextRequest",
        'max_tasks: 1000 wait_ms: 600000 lease_ms: 86400000 submitter_id: "gpu-7" request_id: "r-1"'
        f" acks {{ {LEASE} }} acks {{ {LEASE} }}",
        False,
    ),
    ("next answer empty", "dms.v1.NextResponse", "", False),
    (
        "next answer",
        "dms.v1.NextResponse",
        f"tasks {{ task {{ {TASK_FULL} }} }}"
        f' tasks {{ task {{ {TASK_MINIMAL} }} lease_token: "3f9c" lease_expires_at {{ {LATER} }} }}'
        f' acks {{ task_id: "t" }}',
        False,
    ),
    ("ack", "dms.v1.AckRequest", f"leases {{ {LEASE} }}", False),
    ("ack answer", "dms.v1.AckResponse", f'outcomes {{ task_id: "t" }}', False),
    ("renew", "dms.v1.RenewRequest", f"leases {{ {LEASE} }} lease_ms: 30000", False),
    (
        "renew answer",
        "dms.v1.RenewResponse",
        f'outcomes {{ task_id: "t" lease_expires_at {{ {LATER} }} }} outcomes {{ task_id: "v" canceled: true }}',
        False,
    ),
    ("return", "dms.v1.ReturnRequest", f'lease {{ {LEASE} }} reason: "shutting down"', False),
    ("return without a reason", "dms.v1.ReturnRequest", f"lease {{ {LEASE} }}", False),
    ("finish good", "dms.v1.FinishRequest", f'lease {{ {LEASE} }} succeeded: true result: "[1]"', False),
    ("finish bad", "dms.v1.FinishRequest", f'lease {{ {LEASE} }} error: "no luck"', False),
    ("set priority", "dms.v1.SetPriorityRequest", 'task_id: "t" priority: PRIORITY_HIGH', False),
    ("set no priority", "dms.v1.SetPriorityRequest", 'task_id: "t"', True),
    ("block", "dms.v1.BlockRequest", 'blocked: true reason: "maintenance"', False),
    ("block without a reason", "dms.v1.BlockRequest", "blocked: true", False),
    ("resume", "dms.v1.ResumeRequest", "", False),
    ("resume with an empty reason", "dms.v1.ResumeRequest", 'reason: ""', False),
    ("get block", "dms.v1.GetBlockRequest", "", False),
    ("health of a service", "grpc.health.v1.HealthCheckRequest", 'service: "dms.v1.Tasks"', False),
    ("health of the server", "grpc.health.v1.HealthCheckRequest", "", False),
    ("health serving", "grpc.health.v1.HealthCheckResponse", "status: SERVING", False),
    ("health not serving", "grpc.health.v1.HealthCheckResponse", "status: NOT_SERVING", False),
    ("status of a lost lease", "google.rpc.Status", LEASE_LOST, False),
    ("status of a store that is down", "google.rpc.Status", UNAVAILABLE, False),
    ("status of a bad field", "google.rpc.Status", INVALID, False),
    ("status from elsewhere", "google.rpc.Status", FOREIGN, False),
    (
        "request",
        "ttrpc.Request",
        'service: "dms.v1.Submitter" method: "Next" payload: "\\010\\001" timeout_nano: 5000000000'
        ' metadata { key: "x-dms-submitter-token" value: "secret" } metadata { key: "x-request-id" value: "" }',
        False,
    ),
    ("request too late", "ttrpc.Request", 'service: "s" method: "m" timeout_nano: -1', False),
    ("request empty", "ttrpc.Request", "", False),
    ("response", "ttrpc.Response", 'payload: "\\010\\001"', False),
    ("response of an error", "ttrpc.Response", f"status {{ {UNAVAILABLE} }}", False),
    ("response with a good status", "ttrpc.Response", 'status { } payload: "\\010\\001"', False),
]

NEXT_CALL = 'service: "dms.v1.Submitter" method: "Next" payload: "\\010\\001"'
GOAWAY = f'code: 14 message: "The server is shutting down" details {{ {INFO} {{ reason: "DRAINING" domain: "dms" }} }}'


def pack(message, text):
    command = ["protoc", f"--encode={message}", "--deterministic_output", "-I", str(PROTO), *FILES]
    return subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout


def frame(name, kind, flags, stream, data, announced=None):
    length = len(data) if announced is None else announced
    return {
        "name": name,
        "data_length": length,
        "stream": stream,
        "type": kind,
        "flags": flags,
        "hex": (struct.pack(">IIBB", length, stream, kind, flags) + data).hex(),
    }


def main():
    messages = [
        {"name": name, "message": message, "text": text, "read_only": read_only, "hex": pack(message, text).hex()}
        for name, message, text, read_only in MESSAGES
    ]
    frames = [
        frame("request", 0x01, 0x00, 1, pack("ttrpc.Request", NEXT_CALL)),
        frame("request that the server may stream to", 0x01, 0x01, 3, pack("ttrpc.Request", NEXT_CALL)),
        frame("request of a client that streams", 0x01, 0x02, 5, pack("ttrpc.Request", NEXT_CALL)),
        frame("request without data", 0x01, 0x00, 7, b""),
        frame("response", 0x02, 0x00, 1, pack("ttrpc.Response", 'payload: "\\012\\000"')),
        frame("response of an error", 0x02, 0x00, 4294967295, pack("ttrpc.Response", f"status {{ {UNAVAILABLE} }}")),
        frame("data", 0x03, 0x04, 1, b""),
        frame("ping", 0x10, 0x00, 0, b"12345678"),
        frame("pong", 0x11, 0x00, 0, b"12345678"),
        frame("cancel", 0x12, 0x00, 9, b""),
        frame("goaway", 0x13, 0x00, 9, pack("google.rpc.Status", GOAWAY)),
        frame("largest, its data left out", 0x01, 0x00, 1, b"", announced=4 << 20),
        frame("one over the largest, its data left out", 0x01, 0x00, 1, b"", announced=(4 << 20) + 1),
        frame("largest that is skipped, its data left out", 0x01, 0x00, 1, b"", announced=16 << 20),
        frame("one over what is skipped, its data left out", 0x01, 0x00, 1, b"", announced=(16 << 20) + 1),
    ]
    for name, content in (("messages", messages), ("frames", frames)):
        (HERE / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
