from dms_client._proto.dms.v1 import task_pb2 as _task_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelTaskRequest(_message.Message):
    __slots__ = ["service", "task_id", "user_id"]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    service: str
    task_id: str
    user_id: str
    def __init__(self, task_id: _Optional[str] = ..., service: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class EnqueueRequest(_message.Message):
    __slots__ = ["parameters", "priority", "service", "task_id", "user_id"]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    parameters: bytes
    priority: _task_pb2.Priority
    service: str
    task_id: str
    user_id: str
    def __init__(self, task_id: _Optional[str] = ..., service: _Optional[str] = ..., user_id: _Optional[str] = ..., parameters: _Optional[bytes] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class GetTaskRequest(_message.Message):
    __slots__ = ["task_id"]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ["newest_first", "page_size", "page_token", "priority", "service", "status", "user_id"]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    newest_first: bool
    page_size: int
    page_token: str
    priority: _containers.RepeatedScalarFieldContainer[_task_pb2.Priority]
    service: str
    status: _containers.RepeatedScalarFieldContainer[_task_pb2.TaskStatus]
    user_id: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., status: _Optional[_Iterable[_Union[_task_pb2.TaskStatus, str]]] = ..., priority: _Optional[_Iterable[_Union[_task_pb2.Priority, str]]] = ..., service: _Optional[str] = ..., user_id: _Optional[str] = ..., newest_first: bool = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ["next_page_token", "tasks"]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    next_page_token: str
    tasks: _containers.RepeatedCompositeFieldContainer[_task_pb2.Task]
    def __init__(self, tasks: _Optional[_Iterable[_Union[_task_pb2.Task, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class OverviewRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class Stats(_message.Message):
    __slots__ = ["canceled", "completed", "dispatched", "failed", "last_updated", "leased", "oldest_queued_at", "queue_overview", "queued", "requeued", "waiting_submitters"]
    CANCELED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DISPATCHED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_FIELD_NUMBER: _ClassVar[int]
    LEASED_FIELD_NUMBER: _ClassVar[int]
    OLDEST_QUEUED_AT_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    QUEUE_OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    REQUEUED_FIELD_NUMBER: _ClassVar[int]
    WAITING_SUBMITTERS_FIELD_NUMBER: _ClassVar[int]
    canceled: int
    completed: int
    dispatched: int
    failed: int
    last_updated: _timestamp_pb2.Timestamp
    leased: int
    oldest_queued_at: _timestamp_pb2.Timestamp
    queue_overview: _task_pb2.QueueOverview
    queued: int
    requeued: int
    waiting_submitters: int
    def __init__(self, queued: _Optional[int] = ..., dispatched: _Optional[int] = ..., canceled: _Optional[int] = ..., last_updated: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., queue_overview: _Optional[_Union[_task_pb2.QueueOverview, _Mapping]] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ..., requeued: _Optional[int] = ..., leased: _Optional[int] = ..., waiting_submitters: _Optional[int] = ..., oldest_queued_at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TaskSummary(_message.Message):
    __slots__ = ["overview", "queue_position", "task"]
    OVERVIEW_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    overview: _task_pb2.QueueOverview
    queue_position: _task_pb2.QueuePosition
    task: _task_pb2.Task
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., queue_position: _Optional[_Union[_task_pb2.QueuePosition, _Mapping]] = ..., overview: _Optional[_Union[_task_pb2.QueueOverview, _Mapping]] = ...) -> None: ...
