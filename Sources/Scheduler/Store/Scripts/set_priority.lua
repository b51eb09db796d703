-- Move a queued task to the tail of another queue.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] STRING sequence
-- KEYS[8] STRING record
-- ARGV[1] task id   ARGV[2] new priority   ARGV[3] now, RFC 3339
-- Returns {1, record} moved | {0, record} has that priority already | {-1} unknown | {-2, record} not queued
local record = redis.call('GET', KEYS[8])
local front, priority, status, enqueued_at, updated_at, later = split(record)
if not front then
    return {-1}
end
if status ~= 'queued' then
    return {-2, record}
end
if priority == ARGV[2] then
    return {0, record}
end
local numbers = {high = 1, mid = 2, low = 3}
local old, new = numbers[priority], numbers[ARGV[2]]
for queue = 1, 3 do
    redis.call('LLEN', KEYS[queue])
end

local number = redis.call('INCR', KEYS[7])
local removed = old and redis.call('LREM', KEYS[old], 0, ARGV[1]) or 0
for queue = 1, 3 do
    -- It stands in another list only where another program stopped halfway through a move.
    if removed == 0 and queue ~= old then
        redis.call('LREM', KEYS[queue], 0, ARGV[1])
    end
    redis.call('ZREM', KEYS[3 + queue], ARGV[1])
end
record = join(front, ARGV[2], status, enqueued_at, ARGV[3], later)
redis.call('SET', KEYS[8], record)
redis.call('RPUSH', KEYS[new], ARGV[1])
redis.call('ZADD', KEYS[3 + new], number, ARGV[1])
return {1, record}
