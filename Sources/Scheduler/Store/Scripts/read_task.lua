-- Read a task, its position in its queue, and the queues' lengths. Only reads: it runs on a replica too.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7..9] ZSET their marks
-- KEYS[10] STRING record
-- ARGV[1] task id   ARGV[2] bytes of a record to answer with at most
-- Returns {record, rank from 0 or -1, 1 the index of positions agrees with the list or 0, tasks in high, mid, low}
--   | {} where there is no record | {bytes} of one that is larger
local size = redis.call('STRLEN', KEYS[10])
if size == 0 then
    return {}
end
if size > tonumber(ARGV[2]) then
    return {size}
end
local record = redis.call('GET', KEYS[10])
local numbers = {high = 1, mid = 2, low = 3}
local front, priority, status = split(record)
local queue = front and status == 'queued' and numbers[priority]
local rank, agreed = -1, 1
if queue then
    rank = redis.call('ZRANK', KEYS[3 + queue], ARGV[1]) or -1
    -- A queued task that the index does not know may be one that another program put into the list's middle.
    agreed = rank ~= -1 and agrees(KEYS[queue], KEYS[3 + queue], KEYS[6 + queue]) and 1 or 0
    if rank > 0 and redis.call('ZCARD', KEYS[6 + queue]) > 0 then
        rank = rank - redis.call('ZCOUNT', KEYS[6 + queue], '-inf', redis.call('ZSCORE', KEYS[3 + queue], ARGV[1]))
    end
end
local answer = {record, rank, agreed}
for number = 1, 3 do
    answer[3 + number] = queued(KEYS[number], KEYS[3 + number], KEYS[6 + number])
end
return answer
