// Every message of Proto/, as protoc-c's structs.
#pragma once
#include "dms/v1/admin.pb-c.h"
#include "dms/v1/submitter.pb-c.h"
#include "dms/v1/task.pb-c.h"
#include "dms/v1/tasks.pb-c.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "grpc/health/v1/health.pb-c.h"
#include "ttrpc/ttrpc.pb-c.h"
