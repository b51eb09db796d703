from dms_client._proto.dms.v1 import task_pb2 as _task_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BlockRequest(_message.Message):
    __slots__ = ["blocked", "reason"]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    blocked: bool
    reason: str
    def __init__(self, blocked: bool = ..., reason: _Optional[str] = ...) -> None: ...

class BlockState(_message.Message):
    __slots__ = ["blocked", "reason", "updated_at"]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    blocked: bool
    reason: str
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, blocked: bool = ..., reason: _Optional[str] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetBlockRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ["reason"]
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class SetPriorityRequest(_message.Message):
    __slots__ = ["priority", "task_id"]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    priority: _task_pb2.Priority
    task_id: str
    def __init__(self, task_id: _Optional[str] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ...) -> None: ...
