"""The descriptor pool that the generated messages live in, apart from everybody else's."""

from google.protobuf import any_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

POOL = descriptor_pool.DescriptorPool()

# What our files import. A pool knows only the files that were added to it, and protobuf's pure Python runtime makes no
# class of a message by itself.
for _file in (any_pb2, duration_pb2, timestamp_pb2):
    POOL.AddSerializedFile(_file.DESCRIPTOR.serialized_pb)
    for _name in _file.DESCRIPTOR.message_types_by_name:
        message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"google.protobuf.{_name}"))
