#!/usr/bin/env python3
"""A whole submitter in Python's standard library: fetches a task under a lease, prints its parameters, completes it.

Usage: minimal_client.py HOST PORT. Proto/PROTOCOL.md explains the bytes; clients/python is the client to use.
"""
import socket
import struct
import sys


def varint(n: int) -> bytes:
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def field(number: int, value: "int | str | bytes") -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(data: bytes) -> "dict[int, int | bytes]":
    """A message's fields by number, the last of each; enough for varints, strings and embedded messages."""
    found, at = {}, 0

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            at, value, shift = at + 1, value | (data[at] & 127) << shift, shift + 7
            if data[at - 1] < 128:
                return value

    while at < len(data):
        key, value = number(), number()
        if key & 7 == 2:
            at, value = at + value, data[at:at + value]
        found[key >> 3] = value
    return found


def call(server: socket.socket, stream: int, method: str, request: bytes) -> "dict[int, int | bytes]":
    data = field(1, "dms.v1.Submitter") + field(2, method) + field(3, request)
    server.sendall(struct.pack(">IIBB", len(data), stream, 1, 0) + data)
    with server.makefile("rb") as answers:
        length, _, kind, _ = struct.unpack(">IIBB", answers.read(10))
        answer = fields(answers.read(length))
    status = fields(answer.get(1, b""))
    if kind != 2 or status.get(1, 0):
        raise SystemExit(f"{method} failed: code {status.get(1)}, {status.get(2, b'').decode()}")
    return fields(answer.get(2, b""))


with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    leased = fields(call(server, 1, "Next", field(2, 5000) + field(3, 30000) + field(4, "minimal")).get(1, b""))
    if leased:  # wait_ms, lease_ms, submitter_id; no task within 5 s is an answer too
        task = fields(leased[1])
        print(task[1].decode(), task[4].decode())
        call(server, 3, "Finish", field(1, field(1, task[1]) + field(2, leased[2])) + field(2, 1) + field(3, "{}"))
