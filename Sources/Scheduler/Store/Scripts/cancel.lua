-- Cancel a task: take it off its queue, or tell whoever holds it at its next Renew.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..11] ZSET the queues' marks   KEYS[12] STRING record
-- ARGV[1] task id   ARGV[2] service   ARGV[3] user id   ARGV[4] 1: any task may be canceled, 0: only one of that owner
-- ARGV[5] now, RFC 3339   ARGV[6] the key prefix of kept answers
-- Returns {1, record} canceled | {0, record} was canceled already | {-1} unknown | {-2} another's | {-3} finished
local record = redis.call('GET', KEYS[12])
local front, priority, status, enqueued_at, updated_at, later = read(record, ARGV[1])
local names = front and owner(front)
if not names then
    return {-1}
end
if ARGV[4] == '0' and (names.service ~= ARGV[2] or names.user_id ~= ARGV[3]) then
    return {-2}
end
if status == 'canceled' then
    return {0, record}
end
if status ~= 'queued' and status ~= 'dispatched' then
    return {-3}
end
local before = counter(KEYS[7], 'canceled')

local lists, positions, marks = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}, {KEYS[9], KEYS[10], KEYS[11]}
check_types(lists, positions, marks)

local settled = status == 'dispatched' and is_unsettled(KEYS[8], ARGV[1], later) and {{updated_at, later}} or {}

-- The holder keeps its token, to be told; the lease's end would put the task back.
redis.call('ZREM', KEYS[8], ARGV[1])
if status == 'queued' then
    local numbers = {high = 1, mid = 2, low = 3}
    remove(lists, positions, marks, numbers[priority], ARGV[1])
end
record = join(front, priority, 'canceled', enqueued_at, ARGV[5], later)
redis.call('SET', KEYS[12], record)
count(KEYS[7], 'canceled', before, 1, ARGV[5])
settle(ARGV[6], settled)
return {1, record}
