-- Hand out the next tasks to several callers at once: all high before all mid before all low, the head of each first.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats
-- ARGV[1] the records' key prefix (which ids come next is known only here)   ARGV[2] now, RFC 3339
-- ARGV[3] bytes of records to hand out at most
-- then for each caller, in order: how many tasks it wants, and the fields that its records get behind `attempt`
-- Returns {more, skipped, {a few of the skipped ids}, {for each caller how many of the records}, {records}}
--   more 1: stopped at a bound, so a caller without a task may find one by calling again
--   skipped: ids that were dropped because they have no record, or one that is not queued, not readable or too large
local examined_max = 10000
local chunk = 128
local names = {'high', 'mid', 'low'}
local prefix, now, bytes_max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local bytes_left = bytes_max
local callers = (#ARGV - 3) / 2

local wanted = 0
for caller = 1, callers do
    wanted = wanted + tonumber(ARGV[2 + 2 * caller])
end

local counts, caller = {}, 0
local caller_left, caller_fields = 0, ''
local records, writes, ids_of, drop = {}, {}, {{}, {}, {}}, {0, 0, 0}
local taken, examined, skipped, skipped_ids, more = {}, 0, 0, {}, 0

local function take(id, record, front, name, enqueued_at, later)
    while caller_left == 0 do
        caller = caller + 1
        caller_left = tonumber(ARGV[2 + 2 * caller])
        caller_fields = ARGV[3 + 2 * caller]
        counts[caller] = 0
    end
    local attempt = (tonumber(string.match(later, '^,"attempt":(%d+)')) or 0) + 1
    local handed = join(front, name, 'dispatched', enqueued_at, now,
        ',"attempt":' .. string.format('%d', attempt) .. caller_fields)
    taken[id] = true
    counts[caller] = counts[caller] + 1
    caller_left = caller_left - 1
    records[#records + 1] = handed
    writes[#writes + 1] = prefix .. id
    writes[#writes + 1] = handed
end

-- Look first: nothing is written before every record was checked.
for queue = 1, 3 do
    while #records < wanted and more == 0 do
        local first = drop[queue]
        local ids = redis.call('LRANGE', KEYS[queue], first, first + math.min(wanted - #records, chunk) - 1)
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
                if #found[index] > bytes_left then
                    more = 1
                    break
                end
                bytes_left = bytes_left - #found[index]
                take(id, found[index], front, names[queue], enqueued_at, later)
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
            more = 1
        end
    end
end

for index = 1, callers do
    counts[index] = counts[index] or 0
end
if drop[1] + drop[2] + drop[3] == 0 then
    return {0, 0, skipped_ids, counts, records}
end
-- Stats that can't count must raise here, before anything is written.
check_counter(KEYS[7], 'dispatched')
for queue = 1, 3 do
    redis.call('ZCARD', KEYS[3 + queue])
end

-- Taking off a list comes first: Redis allows that even when its memory is full, and then allows the rest of the script.
for queue = 1, 3 do
    if drop[queue] > 0 then
        redis.call('LTRIM', KEYS[queue], drop[queue], -1)
        for start = 1, drop[queue], 1000 do
            redis.call('ZREM', KEYS[3 + queue], unpack(ids_of[queue], start, math.min(start + 999, drop[queue])))
        end
    end
end
if #records > 0 then
    for start = 1, #writes, 1000 do
        redis.call('MSET', unpack(writes, start, math.min(start + 999, #writes)))
    end
    count(KEYS[7], 'dispatched', #records, now)
end
return {more, skipped, skipped_ids, counts, records}
