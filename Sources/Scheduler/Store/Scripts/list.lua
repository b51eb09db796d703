-- Read a part of a page of tasks in the order of their enqueued_at. Only reads: it runs on a replica too.
-- KEYS[1] ZSET ids by enqueued_at   KEYS[2] SET ids that the index leaves out   KEYS[3] SET every known id
-- KEYS[4] STRING there once the index is complete
-- KEYS[5..7] LIST queues high, mid, low   KEYS[8..10] ZSET their positions   KEYS[11..13] ZSET their marks
-- ARGV[1] the records' key prefix   ARGV[2] tasks to answer with at most   ARGV[3] tasks to look at at most
-- ARGV[4] bytes of records to read at most, unless the first has more   ARGV[5] 1: newest first, 0: oldest first
-- ARGV[6] score and ARGV[7] id of the last task that was looked at; both empty for the first page
-- ARGV[8] statuses and ARGV[9] priorities, each as `,a,b,`   ARGV[10] service   ARGV[11] user id   (empty: every one)
-- ARGV[12] bytes that the page has room for   ARGV[13] bytes of the largest record that a page may have
-- Returns {-1} the index is not complete yet
--   | {1 there may be more or 0, ids missing from the index, ids left out of it, score, id, {records}, how many tasks and
--     bytes of records were looked at}
--   score, id: of the last task looked at, to go on from; empty where none was
local index, prefix = KEYS[1], ARGV[1]
if redis.call('EXISTS', KEYS[4]) == 0 then
    return {-1}
end
local wanted, looks_max = tonumber(ARGV[2]), tonumber(ARGV[3])
local bytes_left, page_left, bytes_max = tonumber(ARGV[4]), tonumber(ARGV[12]), tonumber(ARGV[13])
local looked, bytes = 0, 0
local newest_first = ARGV[5] == '1'
local statuses, priorities, service, user = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local chunk_max = 100

-- Whether one id stands before another where both have the same score: by bytes, which Lua's `<` does not compare.
local function before(left, right)
    for position = 1, math.min(#left, #right) do
        local a, b = string.byte(left, position), string.byte(right, position)
        if a ~= b then
            return a < b
        end
    end
    return #left < #right
end

-- The rank of the first task to look at. The task that the last page ended with may be gone: then it is looked for where
-- it stood, among any number that share its score, by halving.
local function first_rank(score, id)
    if score == '' then
        return newest_first and redis.call('ZCARD', index) - 1 or 0
    end
    local known = redis.call('ZSCORE', index, id)
    if known and tonumber(known) == tonumber(score) then
        return redis.call('ZRANK', index, id) + (newest_first and -1 or 1)
    end
    local low = redis.call('ZCOUNT', index, '-inf', '(' .. score)
    local high = low + redis.call('ZCOUNT', index, score, score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if before(redis.call('ZRANGE', index, middle, middle)[1], id) then
            low = middle + 1
        else
            high = middle
        end
    end
    return newest_first and low - 1 or low
end

-- Where only queued tasks are wanted and the indexes of positions say which these are, the others' records are not read.
local is_queued_only = statuses == ',queued,'
local wanted_positions = {}
for queue, name in ipairs({'high', 'mid', 'low'}) do
    if is_queued_only and (priorities == '' or string.find(priorities, ',' .. name .. ',', 1, true)) then
        is_queued_only = agrees(KEYS[4 + queue], KEYS[7 + queue], KEYS[10 + queue])
        wanted_positions[#wanted_positions + 1] = KEYS[7 + queue]
    end
end

-- Which of some ids may stand on the page: false for those that surely don't.
local function candidates(ids)
    local may = {}
    for _, positions in ipairs(is_queued_only and wanted_positions or {}) do
        for number, score in ipairs(redis.call('ZMSCORE', positions, unpack(ids))) do
            may[number] = may[number] or score
        end
    end
    return may
end

local has_filter = statuses ~= '' or priorities ~= '' or service ~= '' or user ~= ''
local function matches(record)
    if not has_filter then
        return true
    end
    local front, priority, status = split(record)
    if not front or statuses ~= '' and not string.find(statuses, ',' .. status .. ',', 1, true) or
        priorities ~= '' and not string.find(priorities, ',' .. priority .. ',', 1, true) then
        return false
    end
    if service == '' and user == '' then
        return true
    end
    local names = owner(front)
    return names and (service == '' or names.service == service) and (user == '' or names.user_id == user)
end

local function ids_from(rank, count)
    if not newest_first then
        return redis.call('ZRANGE', index, rank, rank + count - 1)
    end
    local ids = redis.call('ZRANGE', index, math.max(0, rank - count + 1), rank)
    for left = 1, math.floor(#ids / 2) do
        ids[left], ids[#ids - left + 1] = ids[#ids - left + 1], ids[left]
    end
    return ids
end

local rank, last = first_rank(ARGV[6], ARGV[7]), nil
local records, more, chunk = {}, 0, chunk_max
while more == 0 and rank >= 0 do
    local ids = ids_from(rank, is_queued_only and chunk or math.min(chunk_max, math.ceil(looks_max - looked) + 1))
    if #ids == 0 then
        break
    end
    local may = candidates(ids)
    for number, id in ipairs(ids) do
        local size = 0
        if not is_queued_only or may[number] then
            size = redis.pcall('STRLEN', prefix .. id)
            size = type(size) == 'number' and size or 0
        end
        -- What is too large for any page, or no record at all, is passed over.
        local fits = size > 0 and size <= bytes_max
        if looked >= looks_max or #records == wanted or
            fits and (bytes + size > page_left or bytes + size > bytes_left and bytes > 0) then
            more = 1
            break
        end
        looked = looked + (is_queued_only and not may[number] and 0.05 or 1)
        last = id
        if fits then
            bytes = bytes + size
            local record = redis.call('GET', prefix .. id)
            if matches(record) then
                records[#records + 1] = record
            end
        end
    end
    rank = rank + (newest_first and -#ids or #ids)
    -- Where few are queued, ever more are looked at together.
    chunk = math.min(2 * chunk, 1000)
end
local missing = redis.call('SCARD', KEYS[3]) - redis.call('ZCARD', index)
local left_out = redis.call('SCARD', KEYS[2])
return {more, missing - left_out, left_out, last and redis.call('ZSCORE', index, last) or '', last or '', records,
    math.ceil(looked), bytes}
