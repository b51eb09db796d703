-- Hand out the next tasks to several callers at once: all high before all mid before all low, the head of each first.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..] STRING kept answers, one for each caller that has one, in order
-- ARGV[1] the records' key prefix (which ids come next is known only here)   ARGV[2] now, RFC 3339
-- ARGV[3] bytes of records to hand out at most   ARGV[4] how long an answer is kept, in milliseconds
-- then for each caller, in order: how many tasks it wants   the length of its lease in milliseconds, 0: none
--   its lease's token   the fields that its records get behind these   1: its answer is kept, 0: it is not
-- Returns {more, skipped, {a few of the skipped ids}, {for each caller how many of the records}, {records}, clock,
--   {for each repeated answer: the caller's number, and the clock when it was given first}}
--   more 1: stopped at a bound, so a caller without a task may find one by calling again
--   skipped: ids that were dropped because they have no record, or one that is not queued, not readable or too large
--   clock: Redis's, in microseconds; leases count from it
local examined_max = 10000
local chunk = 128
local names = {'high', 'mid', 'low'}
local prefix, now, bytes_max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local bytes_left = bytes_max
local clock = microseconds()

local callers, wanted, more = {}, 0, 0
local counts, records, repeated = {}, {}, {}
local kept_keys = 0
for base = 5, #ARGV, 5 do
    local caller = {
        left = tonumber(ARGV[base]), lease_ms = tonumber(ARGV[base + 1]), lease = ARGV[base + 2], rest = ARGV[base + 3],
        tasks = {},
    }
    if ARGV[base + 4] == '1' then
        kept_keys = kept_keys + 1
        caller.kept_key = KEYS[8 + kept_keys]
    end
    callers[#callers + 1] = caller
    counts[#callers] = 0
end

-- An answer that was given already is given again, as it was; its tasks are looked up for what never changes of them.
-- Of two callers with one name the second waits for what the first gets.
local repeats, first_of, twins = {}, {}, {}
for number, caller in ipairs(callers) do
    local kept = caller.kept_key and redis.call('GET', caller.kept_key)
    if caller.kept_key and not kept then
        local first = first_of[caller.kept_key]
        if first then
            twins[#twins + 1] = first
            caller.left = 0
        end
        first_of[caller.kept_key] = first or number
    end
    if kept then
        local answer = cmsgpack.unpack(string.sub(kept, 2))
        local texts, bytes = {}, 0
        for _, task in ipairs(answer.tasks) do
            local front, _, _, enqueued_at = split(redis.call('GET', prefix .. task[1]))
            if front then
                local text = join(front, task[2], 'dispatched', enqueued_at, answer.at,
                    join_later(task[3], task[4], answer.lease, answer.lease_ms, answer.rest))
                texts[#texts + 1] = text
                bytes = bytes + #text
            end
        end
        caller.left = 0
        if bytes <= bytes_left or #repeated == 0 then
            bytes_left = bytes_left - bytes
            repeats[number] = texts
            repeated[#repeated + 1] = number
            repeated[#repeated + 1] = answer.clock
            -- From now on somebody may have it, so it can't be taken back. Full memory does not keep it from being given.
            redis.pcall('SETRANGE', caller.kept_key, 0, '1')
        else
            more = 1
        end
    end
    wanted = wanted + caller.left
end

local handed, writes, ids_of, drop = {}, {}, {{}, {}, {}}, {0, 0, 0}
local leased = {}
local taken, examined, skipped, skipped_ids, bounded = {}, 0, 0, {}, false
local current = 0

local function take(id, front, name, enqueued_at, later)
    while current == 0 or callers[current].left == 0 do
        current = current + 1
    end
    local caller = callers[current]
    local attempt, returned = later_fields(later)
    attempt = attempt + 1
    local text = join(front, name, 'dispatched', enqueued_at, now,
        join_later(attempt, returned, caller.lease, caller.lease_ms, caller.rest))
    if #text > bytes_left and #handed > 0 then
        return false
    end
    bytes_left = bytes_left - #text
    taken[id] = true
    caller.left = caller.left - 1
    caller.tasks[#caller.tasks + 1] = {id, name, attempt, returned}
    handed[#handed + 1] = text
    counts[current] = counts[current] + 1
    writes[#writes + 1] = prefix .. id
    writes[#writes + 1] = text
    if caller.lease_ms > 0 then
        leased[#leased + 1] = decimal(first_end(clock, caller.lease_ms, wanted) + #handed)
        leased[#leased + 1] = id
    end
    return true
end

-- Look first: nothing is written before every record was checked.
for queue = 1, 3 do
    while #handed < wanted and not bounded do
        local first = drop[queue]
        local ids = redis.call('LRANGE', KEYS[queue], first, first + math.min(wanted - #handed, chunk) - 1)
        if #ids == 0 then
            break
        end
        local keys = {}
        for index, id in ipairs(ids) do
            keys[index] = prefix .. id
        end
        local found = redis.call('MGET', unpack(keys))
        for index, id in ipairs(ids) do
            local front, _, status, enqueued_at, updated_at, later = split(found[index])
            if front and status == 'queued' and not taken[id] and #found[index] <= bytes_max and
                readable(found[index], enqueued_at, updated_at, id) then
                if not take(id, front, names[queue], enqueued_at, later) then
                    bounded = true
                    break
                end
            else
                skipped = skipped + 1
                if skipped <= 10 then
                    skipped_ids[skipped] = id
                end
            end
            drop[queue] = drop[queue] + 1
            ids_of[queue][drop[queue]] = id
        end
        examined = examined + #ids
        if examined >= examined_max then
            bounded = true
        end
    end
end
if bounded then
    more = 1
end
for _, first in ipairs(twins) do
    if counts[first] > 0 then
        more = 1
    end
end

-- The records in the callers' order.
local next_handed = 0
for number = 1, #callers do
    if repeats[number] then
        counts[number] = #repeats[number]
        for _, text in ipairs(repeats[number]) do
            records[#records + 1] = text
        end
    else
        for _ = 1, counts[number] do
            next_handed = next_handed + 1
            records[#records + 1] = handed[next_handed]
        end
    end
end
if drop[1] + drop[2] + drop[3] == 0 then
    return {more, 0, skipped_ids, counts, records, decimal(clock), repeated}
end
-- Stats that can't count, and keys of another type, must raise here, before anything is written.
check_counter(KEYS[7], 'dispatched')
for queue = 1, 3 do
    redis.call('ZCARD', KEYS[3 + queue])
end
redis.call('ZCARD', KEYS[8])

-- Taking off a list comes first: Redis allows that even when its memory is full, and then allows the rest of the script.
for queue = 1, 3 do
    if drop[queue] > 0 then
        redis.call('LTRIM', KEYS[queue], drop[queue], -1)
        for start = 1, drop[queue], 1000 do
            redis.call('ZREM', KEYS[3 + queue], unpack(ids_of[queue], start, math.min(start + 999, drop[queue])))
        end
    end
end
if #handed > 0 then
    for start = 1, #writes, 1000 do
        redis.call('MSET', unpack(writes, start, math.min(start + 999, #writes)))
    end
    for start = 1, #leased, 1000 do
        redis.call('ZADD', KEYS[8], unpack(leased, start, math.min(start + 999, #leased)))
    end
    count(KEYS[7], 'dispatched', #handed, now)
end
for _, caller in ipairs(callers) do
    if caller.kept_key and #caller.tasks > 0 then
        local answer = {
            at = now, clock = decimal(clock), lease = caller.lease, lease_ms = caller.lease_ms, rest = caller.rest,
            tasks = caller.tasks,
        }
        redis.call('SET', caller.kept_key, '0' .. cmsgpack.pack(answer), 'PX', ARGV[4])
    end
end
return {more, skipped, skipped_ids, counts, records, decimal(clock), repeated}
