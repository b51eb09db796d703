-- Make the index of positions agree with its list again, after something else wrote the list. The list is right.
-- A call looks at so many ids at most, so that it holds Redis for about a millisecond; it is called until it is done.
-- KEYS[1] LIST queue   KEYS[2] ZSET positions   KEYS[3] STRING sequence   KEYS[4] ZSET marks
-- ARGV[1] an id that the index does not know, or that is not asked for in particular (empty)   ARGV[2] ids to look at at most
-- ARGV[3] 1: the marks are counted too, in a walk through the list
-- Returns {outcome, ids of the list that were walked over}
--   outcome: 0 they agreed | 1 they agree now | 2 not yet: call again | 3 not yet: the index is begun anew
local list, positions, sequence, marks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local looks = tonumber(ARGV[2])
local walked = 0

-- A sequence that can't be counted on must raise here, before anything is written.
local last_number = redis.call('GET', sequence) or '0'
if not string.find(last_number, '^%-?%d+$') or #last_number > 15 then
    error({err = 'BADSTATE the key ' .. sequence .. ' is no number that can be counted on'})
end

-- Taking marks off takes a walk through the list: `has_marks` says that it holds some, whatever their key says.
local function begin_anew(has_marks)
    walked = walked + redis.call('LLEN', list)
    if has_marks or redis.call('EXISTS', marks) == 1 then
        drop_index(list, positions, marks)
    else
        redis.call('UNLINK', positions)
    end
    return 3
end

-- Puts ids into the index that stand in the list in front of all that it knows, the last of them first: so it grows from the
-- list's tail to its head, while our own scripts may append, prepend and take off.
local function grow(known, number)
    local length = redis.call('LLEN', list)
    local ids = redis.call('LRANGE', list, math.max(0, length - known - looks), length - known - 1)
    local scores = redis.call('ZMSCORE', positions, unpack(ids))
    local members, seen = {}, {}
    for index = #ids, 1, -1 do
        local id = ids[index]
        if id == mark then
            return begin_anew(true)
        end
        if scores[index] or seen[id] then
            if #members > 0 then
                break
            end
            -- An id that stands twice can be handed out once only: its first place counts, the others go.
            redis.call('LREM', list, -1, id)
            redis.call('ZREM', positions, id)
        end
        seen[id] = true
        members[#members + 1] = string.format('%.0f', number)
        members[#members + 1] = id
        number = number - 1
    end
    redis.call('ZADD', positions, unpack(members))
    walked = walked + #members / 2
    return agrees(list, positions, marks) and 1 or 2
end

-- Puts ids into the index that something else put behind all that it knows.
local function follow()
    local last = redis.call('ZRANGE', positions, -1, -1)[1]
    local tail = redis.call('LRANGE', list, -looks, -1)
    local start = #tail
    while start > 0 and not same(tail[start], last) do
        start = start - 1
    end
    if start == 0 then
        return false
    end
    local behind = #tail - start
    if behind > 0 then
        local number = redis.call('INCRBY', sequence, behind) - behind
        for index = start + 1, #tail do
            if tail[index] == mark or
                redis.call('ZADD', positions, 'NX', string.format('%.0f', number + index - start), tail[index]) == 0 then
                return false
            end
        end
    end
    return true, behind
end

local function mend()
    local length, known = redis.call('LLEN', list), redis.call('ZCARD', positions)
    if length == 0 then
        redis.call('UNLINK', positions, marks)
        return 1
    end
    if known == 0 then
        if redis.call('EXISTS', marks) == 1 then
            return begin_anew()
        end
        return grow(0, tonumber(redis.call('INCRBY', sequence, 0)))
    end
    local is_followed, behind = follow()
    if not is_followed then
        return begin_anew()
    end
    -- Marks at the head go with the ids that something else took off it.
    local head, popped = redis.call('LINDEX', list, 0), 0
    while head == mark and popped < looks do
        redis.call('LPOP', list)
        popped = popped + 1
        head = redis.call('LINDEX', list, 0)
    end
    local rank = head and redis.call('ZRANK', positions, head)
    if not rank then
        known = known + behind
        local first = redis.call('ZRANGE', positions, 0, 0, 'WITHSCORES')
        if popped == 0 and known < length and same(redis.call('LINDEX', list, -known), first[1]) then
            return grow(known, tonumber(first[2]) - 1)
        end
        return popped == 0 and begin_anew() or 2
    end
    rank = math.min(rank, looks)
    if rank > 0 then
        local first = redis.call('ZRANGE', positions, rank, rank, 'WITHSCORES')
        redis.call('ZREMRANGEBYSCORE', marks, '-inf', '(' .. first[2])
        redis.call('ZREMRANGEBYRANK', positions, 0, rank - 1)
    end
    walked = walked + behind + popped + rank
    if agrees(list, positions, marks) then
        return 1
    end
    return behind + popped + rank > 0 and 2 or begin_anew()
end

-- Whether nothing is wrong that only a walk through the list shows.
local function holds_all()
    if ARGV[1] ~= '' and not redis.call('ZSCORE', positions, ARGV[1]) then
        walked = walked + redis.call('LLEN', list)
        if redis.call('LPOS', list, ARGV[1]) then
            return false
        end
    end
    if ARGV[3] ~= '1' then
        return true
    end
    walked = walked + redis.call('LLEN', list)
    return #redis.call('LPOS', list, mark, 'COUNT', 0) == redis.call('ZCARD', marks)
end

local outcome = agrees(list, positions, marks) and 0 or mend()
if outcome < 2 and not holds_all() then
    outcome = begin_anew(true)
end
return {outcome, walked}
