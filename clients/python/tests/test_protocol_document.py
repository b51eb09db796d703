"""The bytes that Proto/PROTOCOL.md shows are the messages that it says they are."""

import re

from dms_client._frames import Frame, FrameDecoder, FrameType
from dms_client._proto.dms.v1 import submitter_pb2
from dms_client._proto.ttrpc import ttrpc_pb2
from tests.support import PROJECT


def dumps() -> list[Frame]:
    """The frames of the document's hex dumps; each line's offset has to be right."""
    data: list[bytes] = []
    text = (PROJECT / "Proto/PROTOCOL.md").read_text(encoding="utf-8")
    for offset, line in re.findall(r"^    ([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)(?: |$)", text, re.MULTILINE):
        if int(offset, 16) == 0:
            data.append(b"")
        assert len(data[-1]) == int(offset, 16), f"the line at {offset}: {line}"
        data[-1] += bytes.fromhex(line)
    return [frame for one in data for frame in FrameDecoder().feed(one)]


def test_the_dumps_of_the_document_are_a_next_and_its_answer() -> None:
    question, answer = dumps()
    assert (question.type, question.stream) == (FrameType.REQUEST, 1)
    request = ttrpc_pb2.Request.FromString(question.data)
    assert (request.service, request.method) == ("dms.v1.Submitter", "Next")
    assert submitter_pb2.NextRequest.FromString(request.payload) == submitter_pb2.NextRequest(
        max_tasks=1, wait_ms=5000, lease_ms=30000, submitter_id="gpu-7", request_id="r-1"
    )
    assert (answer.type, answer.stream) == (FrameType.RESPONSE, 1)
    response = ttrpc_pb2.Response.FromString(answer.data)
    assert not response.HasField("status")
    (leased,) = submitter_pb2.NextResponse.FromString(response.payload).tasks
    assert (leased.task.task_id, leased.task.parameters) == ("t-1795488803", b'{"a":1}')
    assert leased.task.enqueued_at.ToNanoseconds() == 1795488803541739000
    assert leased.task.updated_at.ToNanoseconds() == 1795488803542917000
    assert leased.lease_token == "uUyJr8X9ffIpoTnuqYb5EN"
    assert leased.lease_expires_at.ToNanoseconds() == 1795488833543107000
