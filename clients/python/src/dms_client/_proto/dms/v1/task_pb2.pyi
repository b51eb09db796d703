from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
PRIORITY_HIGH: Priority
PRIORITY_LOW: Priority
PRIORITY_MID: Priority
PRIORITY_UNSPECIFIED: Priority
TASK_STATUS_CANCELED: TaskStatus
TASK_STATUS_COMPLETED: TaskStatus
TASK_STATUS_DISPATCHED: TaskStatus
TASK_STATUS_FAILED: TaskStatus
TASK_STATUS_QUEUED: TaskStatus
TASK_STATUS_UNSPECIFIED: TaskStatus

class QueueOverview(_message.Message):
    __slots__ = ["high", "low", "mid", "total"]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    MID_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    high: int
    low: int
    mid: int
    total: int
    def __init__(self, total: _Optional[int] = ..., high: _Optional[int] = ..., mid: _Optional[int] = ..., low: _Optional[int] = ...) -> None: ...

class QueuePosition(_message.Message):
    __slots__ = ["global_position", "position_in_priority", "priority"]
    GLOBAL_POSITION_FIELD_NUMBER: _ClassVar[int]
    POSITION_IN_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    global_position: int
    position_in_priority: int
    priority: Priority
    def __init__(self, priority: _Optional[_Union[Priority, str]] = ..., position_in_priority: _Optional[int] = ..., global_position: _Optional[int] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ["attempt", "enqueued_at", "error", "parameters", "priority", "result", "service", "status", "submitter_id", "task_id", "updated_at", "user_id"]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ENQUEUED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTER_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    enqueued_at: _timestamp_pb2.Timestamp
    error: str
    parameters: bytes
    priority: Priority
    result: bytes
    service: str
    status: TaskStatus
    submitter_id: str
    task_id: str
    updated_at: _timestamp_pb2.Timestamp
    user_id: str
    def __init__(self, task_id: _Optional[str] = ..., service: _Optional[str] = ..., user_id: _Optional[str] = ..., parameters: _Optional[bytes] = ..., priority: _Optional[_Union[Priority, str]] = ..., status: _Optional[_Union[TaskStatus, str]] = ..., enqueued_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., submitter_id: _Optional[str] = ..., result: _Optional[bytes] = ..., error: _Optional[str] = ...) -> None: ...

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class TaskStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
