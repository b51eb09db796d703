-- Finish a task: it is completed or failed, with what came of it.
-- KEYS[1] HASH stats   KEYS[2] ZSET leases   KEYS[3] STRING record
-- ARGV[1] task id   ARGV[2] the lease's token, empty where the task came without a lease   ARGV[3] now, RFC 3339
-- ARGV[4] completed or failed   ARGV[5] the fields that say what came of it: `,"result":"…"`, `,"error":"…"`, both in this
--   order, or nothing
-- ARGV[6] the key prefix of kept answers
-- Returns {1, record} finished | {0, record} was finished so already | {-1} unknown
--   | {-2} the token is not (any longer) the task's, or it was finished otherwise | {-3} canceled
local record = redis.call('GET', KEYS[3])
local front, priority, status, enqueued_at, updated_at, later = read(record, ARGV[1])
if not front then
    return {-1}
end
local attempt, returned, lease, lease_ms, rest = later_fields(later)
if lease ~= ARGV[2] then
    return {-2}
end
if status == 'canceled' then
    return {-3}
end
-- No quote stands bare inside a string, so the first bare name is the first field's.
local start = string.find(rest, ',"result":"', 1, true) or string.find(rest, ',"error":"', 1, true)
if status == 'completed' or status == 'failed' then
    local field = start and string.sub(rest, start) or ''
    if status == ARGV[4] and field == ARGV[5] then
        return {0, record}
    end
    return {-2}
end
if status ~= 'dispatched' or has_ended(KEYS[2], ARGV[1], microseconds()) then
    return {-2}
end
local before = counter(KEYS[1], ARGV[4])
local settled = is_unsettled(KEYS[2], ARGV[1], rest) and {{updated_at, later}} or {}

-- What another program noted of the task's end gives way to what came of it.
-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('ZREM', KEYS[2], ARGV[1])
record = join(front, priority, ARGV[4], enqueued_at, ARGV[3],
    join_later(math.max(attempt, 1), returned, lease, lease_ms, string.sub(rest, 1, (start or #rest + 1) - 1) .. ARGV[5]))
redis.call('SET', KEYS[3], record)
count(KEYS[1], ARGV[4], before, 1, ARGV[3])
settle(ARGV[6], settled)
return {1, record}
