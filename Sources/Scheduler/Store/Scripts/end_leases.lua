-- Put the tasks whose leases have ended back at the heads of their queues.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- ARGV[1] the records' key prefix (whose leases have ended is known only here)   ARGV[2] now, RFC 3339
-- ARGV[3] the channel that wakes who waits for a task   ARGV[4] how many tasks at most   ARGV[5] of how many bytes at most
-- Returns {how many went back, 1: more have ended, microseconds until the next lease ends or -1, {ids without a task behind}}
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
local clock = microseconds()

local function rest()
    local first = redis.call('ZRANGE', KEYS[8], 0, 0, 'WITHSCORES')
    return first[2] and due_in(tonumber(first[2]), clock) or -1
end

-- The last to end first: each goes in front of the one before, so that they stand in the order of hand-out afterwards.
local due = redis.call('ZREVRANGEBYSCORE', KEYS[8], decimal(due_until(clock)), '-inf', 'LIMIT', 0, ARGV[4])
if #due == 0 then
    return {0, 0, rest(), {}}
end
check_types(lists, positions)
local before = counter(KEYS[7], 'requeued')

local numbers = {high = 1, mid = 2, low = 3}
local back, looked, bytes, strays = {}, 0, 0, {}
for index, id in ipairs(due) do
    local record = redis.call('MGET', ARGV[1] .. id)[1]
    local front, priority, status, enqueued_at, updated_at, later = split(record)
    bytes = bytes + (record and #record or 0)
    if index > 1 and bytes > tonumber(ARGV[5]) then
        break
    end
    looked = index
    if front and status == 'dispatched' and numbers[priority] then
        local attempt, returned, _, _, fields = later_fields(later)
        back[#back + 1] = {id, numbers[priority], join(front, priority, 'queued', enqueued_at, ARGV[2],
            join_later(attempt, returned, '', 0, fields))}
    elseif #strays < 10 then
        strays[#strays + 1] = id
    end
end

-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('ZREM', KEYS[8], unpack(due, 1, looked))
for _, task in ipairs(back) do
    redis.call('SET', ARGV[1] .. task[1], task[3])
    prepend(lists[task[2]], positions[task[2]], task[1])
end
if #back > 0 then
    count(KEYS[7], 'requeued', before, #back, ARGV[2])
    redis.pcall('PUBLISH', ARGV[3], #back)
end
local left = rest()
return {#back, left == 0 and 1 or 0, left, strays}
