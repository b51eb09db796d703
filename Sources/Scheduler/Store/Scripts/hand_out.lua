-- Hand out the next tasks to several callers at once: all high before all mid before all low, the head of each first.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..11] ZSET the queues' marks   KEYS[12] SET ids that were set aside
-- KEYS[13..] STRING kept answers, one for each caller that has one, in order
-- ARGV[1] the records' key prefix (which ids come next is known only here)   ARGV[2] now, RFC 3339
-- ARGV[3] bytes of records to hand out at most   ARGV[4] how long an answer is kept, in milliseconds
-- then, for each run of callers that are alike, in order: how many they are   how many tasks each wants
--   the length of their leases in milliseconds, 0: none   the fields that their records get behind these
--   1: their answers are kept, 0: they are not   and, where they have leases, a secret for each;
--   then, where answers are kept, for each call its name, by which an answer knows to whom it was
--   given, and the field that its records get last, which names the request
-- Returns {more, skipped, {a few of the skipped ids}, {for each caller how many of the records}, {records}, clock,
--   {for each repeated answer: the caller's number, and the clock when it was given first}, set aside, {a few of these ids},
--   the place before the first task's,
--   {for each task without a lease that came back before: its caller's number, its own in that answer, its place}, if any}
--   more 1: stopped at a bound, so a caller without a task may find one by calling again
--   skipped: ids that were dropped because they have no record, or one that is not queued
--   set aside: ids that were taken off because their records can't be read or are too large; restore.lua looks at them again
--   clock: Redis's, in microseconds, which leases count from; 0 where there are none
local examined_max = 10000
local chunk = 128
local names = {'high', 'mid', 'low'}
local find, sub = string.find, string.sub
local prefix, now, bytes_max = ARGV[1], ARGV[2], tonumber(ARGV[3])
local bytes_left = bytes_max
-- Bytes of other programs' records that are read as JSON: that takes long, so others come to their turn in between.
local foreign_left = 65536

-- What the callers are like, by their numbers: arrays, since a table for each would cost more than its task.
local left, lease_of, lease_ms_of, rest_of, kept_key_of, name_of, tasks_of = {}, {}, {}, {}, {}, {}, {}
-- Whether a caller may get several tasks, whose secrets are made here.
local is_many = {}
-- How the record of a task ends that is handed out for the first time: made when it is needed, where there is no lease; with a
-- lease, what stands before its token, and behind the part of it that is the task's own.
local ending_of, lease_end_of = {}, {}
local lease_start = '","updated_at":"' .. now .. '","attempt":1,"lease":"'
local callers, wanted, more, clock = 0, 0, 0, 0
local counts, records, repeated, own_places = {}, {}, {}, nil

-- The counters, looked at once and only where something is taken: how many tasks were dispatched, and the place before the next.
local before, taken_before
local function look_at_counters()
    if not before then
        local counted = redis.call('HMGET', KEYS[7], 'dispatched', 'undelivered')
        before = countable(KEYS[7], counted[1], 'dispatched')
        taken_before = tonumber(before) + tonumber(countable(KEYS[7], counted[2], 'undelivered'))
    end
end
local kept_keys, word = 0, 5
while word <= #ARGV do
    local alike, lease_ms, is_kept = tonumber(ARGV[word]), tonumber(ARGV[word + 2]), ARGV[word + 4] == '1'
    local names_at = word + 4 + (lease_ms > 0 and alike or 0)
    local lease_end
    if lease_ms > 0 then
        clock = clock > 0 and clock or microseconds()
        lease_end = '","lease_ms":' .. ARGV[word + 2] .. ARGV[word + 3] .. '}'
    end
    local wants = tonumber(ARGV[word + 1])
    for place = 1, alike do
        callers = callers + 1
        left[callers] = wants
        lease_ms_of[callers] = lease_ms
        lease_of[callers] = lease_ms > 0 and ARGV[word + 4 + place] or ''
        lease_end_of[callers] = lease_end
        rest_of[callers] = ARGV[word + 3]
        is_many[callers] = wants > 1 or nil
        if is_kept then
            kept_keys = kept_keys + 1
            kept_key_of[callers] = KEYS[12 + kept_keys]
            name_of[callers] = ARGV[names_at + 2 * place - 1]
            rest_of[callers] = ARGV[word + 3] .. ARGV[names_at + 2 * place]
            lease_end_of[callers] = lease_end and '","lease_ms":' .. ARGV[word + 2] .. rest_of[callers] .. '}'
            tasks_of[callers] = {}
        end
        counts[callers] = 0
    end
    word = names_at + 1 + (is_kept and 2 * alike or 0)
end

-- An answer that was given already is given again, as it was; its tasks are looked up for what never changes of them.
-- Of two callers with one key the second waits for what the first gets. A call that was given up before it got here gets nothing.
local repeats, first_of, twins, answer_of, given_again = {}, {}, {}, {}, {}
-- What each repeated answer is; and whether the next one does not fit, so that no further one is read.
local texts_of, bytes_of, repeats_end = {}, {}, false
for number = 1, callers do
    local kept_key = kept_key_of[number]
    local answer = kept_key and (answer_of[kept_key] or kept_answer(kept_key))
    if answer then
        answer_of[kept_key] = answer
        local is_gone = answer.gone and answer.gone[name_of[number]]
        if is_gone then
            left[number] = 0
        end
        if not is_gone and answer.settled then
            left[number] = 0
            repeats[number] = {}
            repeated[#repeated + 1] = number
            repeated[#repeated + 1] = '0'
        end
        if is_gone or #answer.tasks == 0 then
            answer = nil
        end
    end
    if kept_key and not answer and left[number] > 0 then
        local first = first_of[kept_key]
        if first then
            twins[#twins + 1] = first
            left[number] = 0
        end
        first_of[kept_key] = first or number
    end
    if answer then
        left[number] = 0
        if not repeats_end and not texts_of[kept_key] then
            local texts, bytes = {}, 0
            for _, task in ipairs(answer.tasks) do
                local front, _, _, enqueued_at = split(redis.call('MGET', prefix .. task[1])[1])
                if front then
                    local text = join(front, task[2], 'dispatched', enqueued_at, answer.at,
                        join_later(task[3], task[4], token_in(answer, task), answer.lease_ms, answer.rest))
                    texts[#texts + 1] = text
                    bytes = bytes + #text
                end
            end
            texts_of[kept_key], bytes_of[kept_key] = texts, bytes
        end
        if not repeats_end and (bytes_of[kept_key] <= bytes_left or #repeated == 0) then
            bytes_left = bytes_left - bytes_of[kept_key]
            repeats[number] = texts_of[kept_key]
            repeated[#repeated + 1] = number
            repeated[#repeated + 1] = answer.clock
            note_given(answer, name_of[number])
            given_again[kept_key] = answer
        else
            repeats_end = true
            more = 1
        end
    end
    wanted = wanted + left[number]
end

local handed, writes, ids_of, drop = {}, {}, {{}, {}, {}}, {0, 0, 0}
local lessees, marked = {}, {0, 0, 0}
local taken, examined, skipped, skipped_ids, bounded = {}, 0, 0, {}, false
local aside, some_aside = {}, {}
local current = 0

local function ending(caller, attempt, returned, token)
    return '","updated_at":"' .. now .. '"' ..
        join_later(attempt, returned, token, lease_ms_of[caller], rest_of[caller]) .. '}'
end

-- The next task's token, for the caller that gets it; `place` is nil where it never came back. Where a caller may get several, no
-- holder of one token must be able to tell another: so the caller's secret is in none of them.
local function next_token(caller, place)
    look_at_counters()
    local digits = decimal(place or taken_before + #handed + 1)
    return (is_many[caller] and redis.sha1hex(lease_of[caller] .. digits) or lease_of[caller]) .. '-' .. digits
end

-- Whose turn it is.
local function next_caller()
    while current == 0 or left[current] == 0 do
        current = current + 1
    end
    return current
end

local function take(id, key, text, name, attempt, returned, token, place)
    bytes_left = bytes_left - #text
    taken[id] = true
    left[current] = left[current] - 1
    counts[current] = counts[current] + 1
    local number = #handed + 1
    handed[number] = text
    writes[2 * number - 1] = key
    writes[2 * number] = text
    if tasks_of[current] then
        look_at_counters()
        tasks_of[current][counts[current]] = {id, name, attempt, returned,
            token ~= '' and token or place or taken_before + number}
    end
    if place and token == '' then
        own_places = own_places or {}
        local last = #own_places
        own_places[last + 1] = current
        own_places[last + 2] = counts[current]
        own_places[last + 3] = decimal(place)
    end
    if lease_ms_of[current] > 0 then
        local place = #lessees
        lessees[place + 1] = lease_ms_of[current]
        lessees[place + 2] = number
        lessees[place + 3] = id
    end
end

-- Look first: nothing is written before every record was checked.
local time = '%d%d%d%d%-%d%d%-%d%dT%d%d:[0-5]%d:[0-5]%d%.%d%d%d%d%d%dZ'
for queue = 1, 3 do
    local name = names[queue]
    local fresh, tail_start, handed_tail
    local ids_here = ids_of[queue]
    while #handed < wanted and not bounded do
        local first = drop[queue]
        local ids = redis.call('LRANGE', KEYS[queue], decimal(first), decimal(first + math.min(wanted - #handed, chunk) - 1))
        if #ids == 0 then
            break
        end
        if not fresh then
            -- Most records are as this scheduler wrote them first. Their tails, which have one length then, are known at a
            -- glance.
            local tail = ',"priority":"' .. name .. '","status":"queued","enqueued_at":"'
            fresh = '^' .. tail .. '(' .. time .. ')","updated_at":"%1"}$'
            tail_start = -(#tail + 27 + #'","updated_at":"' + 27 + #'"}')
            handed_tail = ',"priority":"' .. name .. '","status":"dispatched","enqueued_at":"'
        end
        local keys = {}
        for index = 1, #ids do
            keys[index] = prefix .. ids[index]
        end
        local found = redis.call('MGET', unpack(keys))
        for index = 1, #ids do
            local id, record = ids[index], found[index]
            local text, attempt, returned, token, place = nil, 1, '', '', nil
            local is_unreadable = false
            if record and #record > bytes_max then
                local _, _, status = tail(record)
                is_unreadable = not status or status == 'queued'
            elseif record and not taken[id] then
                local start, _, enqueued_at = find(record, fresh, tail_start)
                local front = '{"task_id":"' .. id .. '"'
                if start and sub(record, 1, #front) == front and is_in_calendar(enqueued_at) then
                    local caller = next_caller()
                    local lease_end = lease_end_of[caller]
                    if lease_end then
                        token = next_token(caller)
                        text = sub(record, 1, start - 1) .. handed_tail .. enqueued_at .. lease_start .. token .. lease_end
                    else
                        local last = ending_of[caller]
                        if not last then
                            last = ending(caller, 1, '', '')
                            ending_of[caller] = last
                        end
                        text = sub(record, 1, start - 1) .. handed_tail .. enqueued_at .. last
                    end
                else
                    local status, enqueued, updated, later, foreign
                    front, _, status, enqueued, updated, later, foreign = read(record, id)
                    foreign_left = foreign_left - (foreign and #record or 0)
                    is_unreadable = not front
                    if status == 'queued' then
                        local caller = next_caller()
                        attempt, returned = later_fields(later)
                        attempt = attempt + 1
                        -- Whoever came back was changed then.
                        place = updated ~= enqueued and kept_place(redis.call('ZSCORE', KEYS[3 + queue], id)) or nil
                        if lease_end_of[caller] then
                            token = next_token(caller, place)
                        end
                        text = front .. handed_tail .. enqueued .. ending(caller, attempt, returned, token)
                    end
                end
            end
            if text then
                if #text > bytes_left and #handed > 0 then
                    bounded = true
                    break
                end
                take(id, keys[index], text, name, attempt, returned, token, place)
            elseif id == mark then
                marked[queue] = marked[queue] + 1
            elseif is_unreadable then
                aside[#aside + 1] = id
                some_aside[math.min(#aside, 10)] = id
            else
                skipped = skipped + 1
                if skipped <= 10 then
                    skipped_ids[skipped] = id
                end
            end
            drop[queue] = drop[queue] + 1
            ids_here[drop[queue]] = id
            if foreign_left <= 0 then
                bounded = true
                break
            end
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
for number = 1, callers do
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
-- A kept answer knows to whom it was given, so that it is taken back only where it came to nobody.
local function keep_givings()
    if next(given_again) then
        -- Redis allows this even when its memory is full, and then allows the rest of the script.
        redis.call('ZREM', KEYS[8], '')
        for kept_key, answer in pairs(given_again) do
            redis.call('SET', kept_key, answer_text(answer), 'KEEPTTL')
        end
    end
end
if drop[1] + drop[2] + drop[3] == 0 then
    keep_givings()
    return {more, 0, skipped_ids, counts, records, clock > 0 and decimal(clock) or '0', repeated, 0, some_aside, 0}
end
-- Stats that can't count, and keys of another type, must raise here, before anything is written. A single queue's positions
-- raise by themselves where they are the first to be written.
look_at_counters()
if next(given_again) or drop[1] + drop[2] + drop[3] > math.max(drop[1], drop[2], drop[3]) then
    for queue = 1, 3 do
        redis.call('ZCARD', KEYS[3 + queue])
    end
end
for queue = 1, 3 do
    if marked[queue] > 0 then
        redis.call('ZCARD', KEYS[8 + queue])
    end
end
if #aside > 0 then
    redis.call('SCARD', KEYS[12])
end
if #lessees > 0 then
    redis.call('ZCARD', KEYS[8])
end

keep_givings()
-- Taking off comes first: Redis allows that even when its memory is full, and then allows the rest of the script.
for queue = 1, 3 do
    if drop[queue] > 0 then
        local agrees = marked[queue] == 0 or drop_marks(KEYS[3 + queue], KEYS[8 + queue], marked[queue])
        for start = 1, drop[queue], 1000 do
            redis.call('ZREM', KEYS[3 + queue], unpack(ids_of[queue], start, math.min(start + 999, drop[queue])))
        end
        redis.call('LTRIM', KEYS[queue], decimal(drop[queue]), '-1')
        if not agrees then
            drop_index(KEYS[queue], KEYS[3 + queue], KEYS[8 + queue])
        end
    end
end
for start = 1, #aside, 1000 do
    redis.call('SADD', KEYS[12], unpack(aside, start, math.min(start + 999, #aside)))
end
if #handed > 0 then
    for start = 1, #writes, 1000 do
        redis.call('MSET', unpack(writes, start, math.min(start + 999, #writes)))
    end
    local leased = {}
    local length, first
    for place = 1, #lessees, 3 do
        if lessees[place] ~= length then
            length = lessees[place]
            first = first_end(clock, length, #handed)
        end
        leased[#leased + 1] = decimal(first + lessees[place + 1])
        leased[#leased + 1] = lessees[place + 2]
    end
    for start = 1, #leased, 1000 do
        redis.call('ZADD', KEYS[8], unpack(leased, start, math.min(start + 999, #leased)))
    end
    count(KEYS[7], 'dispatched', before, #handed, now)
end
for number = 1, callers do
    if kept_key_of[number] and #tasks_of[number] > 0 then
        local tasks, lease = tasks_of[number], ''
        if lease_ms_of[number] > 0 then
            lease = nil
            if not tasks[2] then
                lease, tasks[1][5] = tasks[1][5], nil
            end
        end
        local answer = {
            at = now, clock = decimal(clock), lease = lease, lease_ms = lease_ms_of[number], rest = rest_of[number], tasks = tasks,
            given = {[name_of[number]] = true}, gone = (answer_of[kept_key_of[number]] or {}).gone, left = #tasks,
        }
        redis.call('SET', kept_key_of[number], answer_text(answer), 'PX', ARGV[4])
    end
end
return {
    more, skipped, skipped_ids, counts, records, clock > 0 and decimal(clock) or '0', repeated, #aside, some_aside,
    taken_before, own_places,
}
