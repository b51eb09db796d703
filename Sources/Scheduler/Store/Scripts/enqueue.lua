-- Persist new tasks as queued and append each to its queue, in their order.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] SET index
-- KEYS[9] STRING block flag   KEYS[10] STRING sequence   KEYS[11] ZSET ids by enqueued_at
-- KEYS[12..14] ZSET marks high, mid, low, only where ARGV[3] is not 0   then STRING records
-- ARGV[1] the time of the last task, RFC 3339   ARGV[2] the channel that wakes who waits for a task, empty: nobody is woken
-- ARGV[3] how many tasks may be queued, in the three queues together; 0: any number
-- then for each task, in order: its id   its record   1, 2 or 3: its queue   its enqueued_at in microseconds
--   1: the caller may use this priority, 0: it may not
-- Returns {the block flag's text} where submissions are blocked, and none is taken; else for each task: 1 done | -2 not allowed
--   | -3 the id exists | -4 as many are queued as may be
local queued_max = tonumber(ARGV[3])
local other_keys = queued_max > 0 and 14 or 11
local tasks = #KEYS - other_keys
local answers = {}
local block = redis.call('GET', KEYS[9])
if block and string.find(block, '"blocked"%s*:%s*true') then
    return {block}
end

-- Most ids are new: that is asked for all of them at once.
local may_exist = redis.call('EXISTS', unpack(KEYS, other_keys + 1)) > 0
local room = math.huge
local stale = {}
if queued_max > 0 then
    room = queued_max
    for queue = 1, 3 do
        local list, positions, marks = KEYS[queue], KEYS[3 + queue], KEYS[11 + queue]
        if redis.call('ZCARD', marks) > 0 and not agrees(list, positions, marks) then
            stale[#stale + 1] = queue
        end
        room = room - queued(list, positions, marks)
    end
end
-- Counting the marks took a walk through the list: without them the next call has none to do.
local function drop_stale()
    for _, queue in ipairs(stale) do
        drop_index(KEYS[queue], KEYS[3 + queue], KEYS[11 + queue])
    end
end
local taken, ids, members, writes, added = {}, {}, {}, {}, {{}, {}, {}}
for number = 1, tasks do
    local word = 5 * number - 1
    local id, key = ARGV[word], KEYS[other_keys + number]
    if ARGV[word + 4] == '0' then
        answers[number] = -2
    elseif taken[id] or may_exist and redis.call('EXISTS', key) == 1 then
        answers[number] = -3
    elseif room <= 0 then
        answers[number] = -4
    else
        answers[number] = 1
        room = room - 1
        taken[id] = true
        ids[#ids + 1] = id
        members[#members + 1] = ARGV[word + 3]
        members[#members + 1] = id
        writes[#writes + 1] = key
        writes[#writes + 1] = ARGV[word + 1]
        local queue = added[tonumber(ARGV[word + 2])]
        queue[#queue + 1] = id
    end
end
if #ids == 0 then
    drop_stale()
    return answers
end

-- A key of the wrong type, and a counter that can't count, must raise here, before anything is written.
local before = counter(KEYS[7], 'queued')
redis.call('ZCARD', KEYS[11])
redis.call('SCARD', KEYS[8])
local agree = {}
for queue = 1, 3 do
    if #added[queue] > 0 then
        agree[queue] = tails_agree(KEYS[queue], KEYS[3 + queue])
    end
end

local position = take_numbers(KEYS[10], #ids)
count(KEYS[7], 'queued', before, #ids, ARGV[1])
redis.call('MSET', unpack(writes))
redis.call('SADD', KEYS[8], unpack(ids))
redis.call('ZADD', KEYS[11], unpack(members))
for queue = 1, 3 do
    local here = added[queue]
    if #here > 0 then
        local length = append(KEYS[queue], KEYS[3 + queue], agree[queue], position, here)
        position = position + #here
        -- Nobody waits while much is queued; a few dead ids, and marks, may stand in the list while somebody does.
        if ARGV[2] ~= '' and (length - #here < 64 or redis.call('LINDEX', KEYS[queue], 0) == mark) then
            redis.pcall('PUBLISH', ARGV[2], #here)
        end
    end
end
return answers
