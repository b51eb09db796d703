-- Give a task back: to its place in its queue.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..11] ZSET the queues' marks   KEYS[12] STRING record
-- ARGV[1] task id   ARGV[2] the lease's token   ARGV[3] now, RFC 3339   ARGV[4] the channel that wakes who waits for a task
-- ARGV[5] the key prefix of kept answers
-- Returns {1, record} given back | {0, record} was given back already, or was canceled | {-1} unknown
--   | {-2} the token is not (any longer) the task's
local record = redis.call('GET', KEYS[12])
local front, priority, status, enqueued_at, updated_at, later = read(record, ARGV[1])
local numbers = {high = 1, mid = 2, low = 3}
local queue = front and numbers[priority]
if not queue then
    return {-1}
end
local attempt, returned, lease, _, rest = later_fields(later)
if ARGV[2] ~= '' and returned == ARGV[2] then
    return {0, record}
end
if ARGV[2] == '' or lease ~= ARGV[2] or has_ended(KEYS[8], ARGV[1], microseconds()) then
    return {-2}
end
if status == 'canceled' then
    return {0, record}
end
if status ~= 'dispatched' then
    return {-2}
end
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
check_types(lists, positions)
local before = counter(KEYS[7], 'requeued')
local settled = is_unsettled(KEYS[8], ARGV[1], rest) and {{updated_at, later}} or {}

-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('ZREM', KEYS[8], ARGV[1])
record = join(front, priority, 'queued', enqueued_at, ARGV[3], join_later(attempt, ARGV[2], '', 0, rest))
redis.call('SET', KEYS[12], record)
requeue(lists[queue], positions[queue], KEYS[8 + queue], {ARGV[1]}, {place_of(lease) or false})
settle(ARGV[5], settled)
count(KEYS[7], 'requeued', before, 1, ARGV[3])
redis.pcall('PUBLISH', ARGV[4], 1)
return {1, record}
