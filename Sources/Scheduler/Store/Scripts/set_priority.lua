-- Move a queued task to the tail of another queue.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] STRING sequence
-- KEYS[8..10] ZSET the queues' marks   KEYS[11] STRING record
-- ARGV[1] task id   ARGV[2] new priority   ARGV[3] now, RFC 3339
-- Returns {1, record} moved | {0, record} has that priority already | {-1} unknown | {-2, record} not queued
local record = redis.call('GET', KEYS[11])
local front, priority, status, enqueued_at, _, later = read(record, ARGV[1])
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
local new = numbers[ARGV[2]]
local lists, positions, marks = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}, {KEYS[8], KEYS[9], KEYS[10]}
check_types(lists, positions, marks)

-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('PERSIST', KEYS[7])
local number = take_numbers(KEYS[7], 1)
remove(lists, positions, marks, numbers[priority], ARGV[1])
record = join(front, ARGV[2], status, enqueued_at, ARGV[3], later)
redis.call('SET', KEYS[11], record)
append(lists[new], positions[new], tails_agree(lists[new], positions[new]), number, {ARGV[1]})
return {1, record}
