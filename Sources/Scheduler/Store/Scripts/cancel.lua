-- Cancel a task: take it off its queue, or tell whoever holds it at its next Renew.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] STRING record
-- ARGV[1] task id   ARGV[2] service   ARGV[3] user id   ARGV[4] 1: any task may be canceled, 0: only one of that owner
-- ARGV[5] now, RFC 3339
-- Returns {1, record} canceled | {0, record} was canceled already | {-1} unknown | {-2} another's | {-3} finished
local record = redis.call('GET', KEYS[8])
local front, priority, status, enqueued_at, updated_at, later = split(record)
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
check_counter(KEYS[7], 'canceled')

if status == 'queued' then
    local numbers = {high = 1, mid = 2, low = 3}
    local own = numbers[priority]
    local removed = own and redis.call('LREM', KEYS[own], 0, ARGV[1]) or 0
    for queue = 1, 3 do
        -- It stands in another list only where another program stopped halfway through a move.
        if removed == 0 and queue ~= own then
            redis.call('LREM', KEYS[queue], 0, ARGV[1])
        end
        redis.call('ZREM', KEYS[3 + queue], ARGV[1])
    end
end
record = join(front, priority, 'canceled', enqueued_at, ARGV[5], later)
redis.call('SET', KEYS[8], record)
count(KEYS[7], 'canceled', 1, ARGV[5])
return {1, record}
