#!/usr/bin/env python3
"""Moves a target's inputs between its file (a line of base64 each) and a folder of files, as libFuzzer wants them.

    corpora.py unpack TARGET FOLDER     the inputs that were kept, and the seeds below
    corpora.py pack TARGET FOLDER       keeps what is in the folder

Seeds are what a fuzzer does not come upon soon: bytes of the golden vectors, and texts with everything in them.
"""
import base64
import hashlib
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).parent
VECTORS = HERE.parent / "Vectors"
# A corpus is to stay small: longer inputs are left to the next run.
INPUT_BYTES_MAX = 2048
CORPUS_BYTES_MAX = 24 << 10

# In the order of MessageProperties.
MESSAGES = """ttrpc.Request ttrpc.Response google.rpc.Status google.protobuf.Timestamp dms.v1.Task dms.v1.QueuePosition
dms.v1.QueueOverview dms.v1.TaskSummary dms.v1.Stats dms.v1.BlockState dms.v1.EnqueueRequest dms.v1.GetTaskRequest
dms.v1.CancelTaskRequest dms.v1.ListTasksRequest dms.v1.ListTasksResponse dms.v1.OverviewRequest
dms.v1.GetStatsRequest dms.v1.LeaseRef dms.v1.LeaseOutcome dms.v1.LeasedTask dms.v1.NextRequest dms.v1.NextResponse
dms.v1.AckRequest dms.v1.AckResponse dms.v1.RenewRequest dms.v1.RenewResponse dms.v1.ReturnRequest
dms.v1.FinishRequest dms.v1.SetPriorityRequest dms.v1.BlockRequest dms.v1.ResumeRequest dms.v1.GetBlockRequest
grpc.health.v1.HealthCheckRequest grpc.health.v1.HealthCheckResponse""".split()

RECORD = (
    '{"task_id":"t-1","service":"copy","user_id":"ada","parameters":{"from":"/a","n":[1,2.5e3,null,true]},'
    '"priority":"high","status":"%s","enqueued_at":"2025-11-23T10:11:12.123456Z","updated_at":"2025-11-23T10:11:13Z"%s}'
)
RECORDS = [
    RECORD % ("queued", ""),
    RECORD % ("dispatched", ',"attempt":2,"lease":"AbC","lease_ms":30000,"submitter_id":"worker"'),
    RECORD % ("queued", ',"attempt":1,"returned":"x"'),
    RECORD % ("completed", ',"attempt":1,"result":"{\\"a\\":1}"'),
    RECORD % ("failed", ',"attempt":1,"error":"disk full"'),
    '{"user_id":"ada","task_id":"\\u0061","service":"c","parameters":{},"priority":"low","status":"canceled",'
    '"updated_at":"2025-11-23T10:11:12","enqueued_at":"2025-11-23 10:11:12.1+02:00"}',
]


def resp(value):
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(resp(element) for element in value)
    text = value.encode() if isinstance(value, str) else value
    return b"$%d\r\n%s\r\n" % (len(text), text)


def frame(data, stream=1, kind=1, flags=0, length=None):
    return struct.pack(">IIBB", len(data) if length is None else length, stream, kind, flags) + data


def seeds(target):
    frames = [bytes.fromhex(vector["hex"]) for vector in json.loads((VECTORS / "frames.json").read_text())]
    messages = json.loads((VECTORS / "messages.json").read_text())
    if target == "frames":
        yield from (b"\0" + data for data in frames)
        yield b"\x03\1\2\3" + b"".join(frames[:4])
        yield b"\0" + frame(b"", length=(4 << 20) + 1) + b"\xff\x41"
        yield b"\x02\x50\x03" + frame(b"", length=4 << 20) + b"\xff\x40" + frame(b"x", 3)
        yield b"\0" + frame(b"", length=(16 << 20) + 1)
    elif target == "messages":
        for vector in messages:
            yield bytes([MESSAGES.index(vector["message"])]) + bytes.fromhex(vector["hex"])
    elif target == "replies":
        overview = [1, 2, 3]
        for value in [
            [0, 0, [], [1, 1], RECORDS[:2], "1700000000000000", []],
            [1, 2, ["a", "b"], [2], RECORDS[1:3], "1700000000000000", [1, 1600000000000000]],
            [1, 0, 0, "1.7e15", "t-1", RECORDS[:1]], [0, 1, 2, "", "", RECORDS], [-1],
            overview + [4, ["2025-11-23T10:11:12Z", ""], "5", "6", None, "2025-11-23T10:11:12Z", "7", None, "8"],
            [RECORDS[0], 4, 1] + overview, [], [3, 1, -1, ["x"]], [1, 2, 3, ["x"]],
            ["0", ["a", "1", "b", "2"]], '{"blocked":true,"reason":"why","updated_at":"2025-11-23T10:11:12Z"}',
        ]:
            yield b"\0" + resp(value)
            yield b"\x03\1\7\x40" + resp(value)
        yield b"\x02\1\1+OK\r\n-ERR no such thing\r\n:-9\r\n*-1\r\n$0\r\n\r\n"
    elif target == "json":
        for text in RECORDS + [
            '[1,-0,1.5,2e10,-3.25E-2,0]', ' {"a" : {"b":[[],{}]} , "a":"\\ud83d\\ude00\\n\\u00e9é"} ', '"x"', 'true',
            'null', '{"":""}', '[[[[[[[[[[]]]]]]]]]]', '{"a":1}x', '"\\ud800"', '{"k\\u0065y":"v"}',
        ]:
            yield text.encode()
    elif target == "records":
        yield from (b"\0" + text.encode() for text in RECORDS)
        for later in [b',"attempt":1,"returned":"x\xf6"', b',"attempt":1,"lease":"x\xf6","lease_ms":1']:
            yield b"\0" + (RECORD % ("queued", "")).encode()[:-1] + later + b"}"
        yield b"\1\3\3\3\x09t-1cpyada\"a\":\"b\"}"
        yield b'\1\1\1\1\x30abc"x":{},"priority":"low","status":"queued","y":[1],"submitter_id":"w"}'
        for text in ["2025-11-23T10:11:12.123456Z", "2024-02-29t23:59:60.5+23:59", "0000-01-01 00:00:00-00:01"]:
            yield b"\2" + text.encode()
    elif target == "bodies":
        submission = '{"task_id":"t","service":"c","user_id":"u","parameters":{"a":[{}]},"priority":"mid"}'
        for kind, text in [
            (0, submission), (0, '{"task_id":1,"service":null,"parameters":[],"priority":"x"}'), (0, ""), (0, "[]"),
            (0, '{"task_id":"index","service":"","user_id":"\\u0000","parameters":' + '{"a":' * 3 + "1" + "}" * 3 + "}"),
            (1, '{"task_id":"t","service":"c","user_id":"u"}'), (2, '{"task_id":"t","priority":"high"}'),
            (3, '{"blocked":true,"reason":"why"}'), (3, '{"blocked":"yes"}'), (4, ""), (4, '{"reason":null}'),
        ]:
            yield bytes([kind]) + text.encode()
    elif target == "requests":
        for text in [
            "/tasks", "/tasks/t-1", "/tasks/a%2Fb%20c", "/tasks?status=queued,failed&priority=high&limit=10&cursor=abc",
            "/submitter/next?wait_ms=1000&lease_ms=30000&submitter_id=w+1", "/admin/block", "/queues/overview", "//",
            "/tasks?newest_first=true&service=a&user_id=b&limit=99999999999", "/%E2%82%AC?x=%ff", "/healthz?", "*",
        ]:
            yield text.encode()
    elif target == "addresses":
        for text in [
            "redis://localhost", "redis://user:p%40ss@[::1]:6380/3", "redis://:pw@h?db=4", "redis://pw@127.0.0.1:1/0",
            "unix:///run/redis.sock?db=1", "unix://u:p@/a%20b", "rediss://h", "redis://h/x", "redis://[::1",
        ]:
            yield b"\0" + text.encode()
        for text in ["localhost", "127.0.0.1:8001, [::1]:9,unix:///run/dms.sock", "[fe80::1]", "a:65535", "a:0", ":1"]:
            yield b"\1" + text.encode()
    elif target == "tokens":
        yield b"\0AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        yield b"\0_-09azAZ"
        for flags in range(0, 64, 7):
            yield bytes([1, flags]) + struct.pack(">d", 1.7e15) + b"t-1"
    elif target == "connections":
        yield bytes([1, 2, 10, 3, 4, 5, 6, 1, 7, 4]) + b"ping" + bytes([8, 100, 9])
        yield bytes([3, 3, 3, 3, 3, 1, 4, 4, 4, 10, 1, 1, 10, 11, 255, 4])
        for data in frames:
            if len(data) < 250:
                yield bytes([1, 0, len(data)]) + data + bytes([1, 8, 255, 9])
        yield bytes([0, 10]) + frame(b"", length=(16 << 20) + 1) + bytes([3, 1])


def main():
    command, target, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    file = HERE / "Corpora" / f"{target}.txt"
    if command == "unpack":
        inputs = [base64.b64decode(line) for line in file.read_text().split()] if file.exists() else []
        for data in inputs + list(seeds(target)):
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
    else:
        kept, total = [], 0
        for data in sorted((path.read_bytes() for path in folder.iterdir()), key=lambda data: (len(data), data)):
            total += len(data) * 4 // 3
            if data and len(data) <= INPUT_BYTES_MAX and total <= CORPUS_BYTES_MAX:
                kept.append(data)
        file.write_text("".join(base64.b64encode(data).decode() + "\n" for data in kept))


main()
