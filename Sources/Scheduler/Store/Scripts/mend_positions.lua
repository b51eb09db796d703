-- Make the index of positions agree with its list again, after something else wrote the list. The list is right.
-- KEYS[1] LIST queue   KEYS[2] ZSET positions   KEYS[3] STRING sequence   KEYS[4] ZSET marks
-- ARGV[1] an id that the index does not know, or that is not asked for in particular (empty)
-- Returns {0} they agreed | {1} mended at the ends | {2, length} built anew from the whole list
local list, positions, sequence, marks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local missing = ARGV[1] ~= '' and not redis.call('ZSCORE', positions, ARGV[1]) and redis.call('LPOS', list, ARGV[1])
if agrees(list, positions) and not missing then
    return {0}
end

-- A sequence that can't be counted on must raise here, before anything is written.
local last = redis.call('GET', sequence) or '0'
if not string.find(last, '^%-?%d+$') or #last > 15 then
    error({err = 'BADSTATE the key ' .. sequence .. ' is no number that can be counted on'})
end

-- What another scheduler does to a list is pop its head and push to its tail: both are mended in a few steps.
local ends_max = 1000
local function mend_ends()
    local head = redis.call('LINDEX', list, 0)
    for _ = 1, ends_max do
        if head ~= mark then
            break
        end
        redis.call('LPOP', list)
        head = redis.call('LINDEX', list, 0)
    end
    local rank = head and redis.call('ZRANK', positions, head)
    if not rank then
        return false
    end
    local known = redis.call('ZRANGE', positions, -1, -1)[1]
    local tail = redis.call('LRANGE', list, -ends_max, -1)
    local start = #tail
    while start > 0 and not same(tail[start], known) do
        start = start - 1
    end
    if start == 0 then
        return false
    end
    if rank > 0 then
        redis.call('ZREMRANGEBYRANK', positions, 0, rank - 1)
        redis.call('ZREMRANGEBYSCORE', marks, '-inf', '(' .. redis.call('ZSCORE', positions, head))
    end
    if start < #tail then
        local number = redis.call('INCRBY', sequence, #tail - start) - (#tail - start)
        for index = start + 1, #tail do
            redis.call('ZADD', positions, 'NX', number + index - start, tail[index])
        end
    end
    return agrees(list, positions)
end
if not missing and mend_ends() then
    return {1}
end

redis.call('DEL', positions, marks)
redis.call('LREM', list, 0, mark)
local length = redis.call('LLEN', list)
local number = redis.call('INCRBY', sequence, length) - length
local repeated = {}
for start = 0, length - 1, 1000 do
    local ids = redis.call('LRANGE', list, start, start + 999)
    local members = {}
    for index, id in ipairs(ids) do
        members[2 * index - 1] = number + start + index
        members[2 * index] = id
    end
    if redis.call('ZADD', positions, 'NX', unpack(members)) < #ids then
        for index, id in ipairs(ids) do
            if redis.call('ZSCORE', positions, id) ~= tostring(number + start + index) then
                repeated[#repeated + 1] = id
            end
        end
    end
end
-- An id that stands twice can be handed out once only: its first place counts, the others go.
for _, id in ipairs(repeated) do
    redis.call('LREM', list, -1, id)
end
return {2, length}
