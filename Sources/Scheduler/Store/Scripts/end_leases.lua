-- Put the tasks whose leases have ended back to their places in their queues.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..11] ZSET the queues' marks
-- ARGV[1] the records' key prefix (whose leases have ended is known only here)   ARGV[2] now, RFC 3339
-- ARGV[3] the channel that wakes who waits for a task   ARGV[4] how many tasks at most   ARGV[5] of how many bytes at most
-- ARGV[6] the key prefix of kept answers
-- Returns {how many went back, 1: more have ended, microseconds until the next lease ends or -1, {ids without a task behind}}
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
local clock = microseconds()

local function rest()
    local first = redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    return first[2] and due_in(tonumber(first[2]), clock) or -1
end

-- The last to end first: mostly they stood behind the others, which then go in front of them, and nobody has to look further.
local due = redis.call('ZREVRANGEBYSCORE', KEYS[8], decimal(due_until(clock)), '-inf', 'LIMIT', 0, ARGV[4])
if #due == 0 then
    return {0, 0, rest(), {}}
end
check_types(lists, positions)
local before = counter(KEYS[7], 'requeued')

local numbers = {high = 1, mid = 2, low = 3}
local looked, bytes, strays, settled, writes = 0, 0, {}, {}, {}
local ids, places = {{}, {}, {}}, {{}, {}, {}}
for index, id in ipairs(due) do
    local record = redis.call('MGET', ARGV[1] .. id)[1]
    local front, priority, status, enqueued_at, updated_at, later = split(record)
    bytes = bytes + (record and #record or 0)
    if index > 1 and bytes > tonumber(ARGV[5]) then
        break
    end
    looked = index
    if front and status == 'dispatched' and numbers[priority] then
        local attempt, returned, lease, _, fields = later_fields(later)
        local text = join(front, priority, 'queued', enqueued_at, ARGV[2], join_later(attempt, returned, '', 0, fields))
        writes[#writes + 1] = {ARGV[1] .. id, text, id, numbers[priority], place_of(lease) or false}
        if names_answer(fields) then
            settled[#settled + 1] = {updated_at, later}
        end
    elseif #strays < 10 then
        strays[#strays + 1] = id
    end
end

-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('ZREM', KEYS[8], unpack(due, 1, looked))
-- Those without a place go to the head in the order in which their leases ended.
for number = #writes, 1, -1 do
    local write = writes[number]
    redis.call('SET', write[1], write[2])
    local here = #ids[write[4]] + 1
    ids[write[4]][here], places[write[4]][here] = write[3], write[5]
end
for queue = 1, 3 do
    if #ids[queue] > 0 then
        requeue(lists[queue], positions[queue], KEYS[8 + queue], ids[queue], places[queue])
    end
end
settle(ARGV[6], settled)
if #writes > 0 then
    count(KEYS[7], 'requeued', before, #writes, ARGV[2])
    redis.pcall('PUBLISH', ARGV[3], #writes)
end
local left = rest()
return {#writes, left == 0 and 1 or 0, left, strays}
