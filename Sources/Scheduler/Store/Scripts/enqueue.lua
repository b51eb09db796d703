-- Persist a new task as queued and append it to its queue.
-- KEYS[1] LIST queue   KEYS[2] ZSET positions   KEYS[3] SET index   KEYS[4] HASH stats   KEYS[5] STRING block flag
-- KEYS[6] STRING sequence   KEYS[7] STRING record   KEYS[8] ZSET ids by enqueued_at
-- ARGV[1] task id   ARGV[2] record   ARGV[3] now, RFC 3339   ARGV[4] 1: the caller may use this priority, 0: it may not
-- ARGV[5] the channel that wakes who waits for a task   ARGV[6] enqueued_at in microseconds
-- Returns 1 done | -1 submissions are blocked | -2 not allowed | -3 the id exists
local block = redis.call('GET', KEYS[5])
if block and string.find(block, '"blocked"%s*:%s*true') then
    return -1
end
if ARGV[4] == '0' then
    return -2
end
if redis.call('EXISTS', KEYS[7]) == 1 then
    return -3
end
-- A key of the wrong type must raise here, before anything is written.
check_types({KEYS[1]}, {KEYS[2]})
redis.call('SISMEMBER', KEYS[3], ARGV[1])
redis.call('ZCARD', KEYS[8])
local before = counter(KEYS[4], 'queued')

local number = redis.call('INCR', KEYS[6])
count(KEYS[4], 'queued', before, 1, ARGV[3])
redis.call('SET', KEYS[7], ARGV[2])
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('ZADD', KEYS[8], ARGV[6], ARGV[1])
append(KEYS[1], KEYS[2], number, ARGV[1])
-- Nobody waits while much is queued; a few dead ids may stand in the list while somebody does.
if redis.call('LLEN', KEYS[1]) <= 64 then
    redis.call('PUBLISH', ARGV[5], 1)
end
return 1
