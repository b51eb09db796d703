-- Library: the index of positions beside a queue, a sorted set of its ids by sequence number.

-- same(entry, member) -> whether an entry of a list and a member of its index are the same; both may be missing
local function same(entry, member)
    return (entry or nil) == member or entry == mark and is_mark(member)
end

-- agrees(list, positions, marks) -> whether the index says what the list says, as far as a few looks can tell: as many ids,
-- the same first, the same last, and the outermost marks are its own. Whatever else pushes to, pops from or removes from the
-- list breaks one of these.
local function agrees(list, positions, marks)
    local length = redis.call('LLEN', list)
    if length ~= redis.call('ZCARD', positions) then
        return false
    end
    local first, last = redis.call('ZRANGE', marks, 0, 0)[1], redis.call('ZRANGE', marks, -1, -1)[1]
    if first and not (redis.call('ZSCORE', positions, first) and redis.call('ZSCORE', positions, last)) then
        return false
    end
    return length == 0 or
        same(redis.call('LINDEX', list, 0), redis.call('ZRANGE', positions, 0, 0)[1]) and
        same(redis.call('LINDEX', list, -1), redis.call('ZRANGE', positions, -1, -1)[1])
end

-- queued(list, positions, marks) -> how many tasks stand in the list
local function queued(list, positions, marks)
    local gone = redis.call('ZCARD', marks)
    if gone > 0 and not agrees(list, positions, marks) then
        -- Something else wrote the list, and may have taken marks off: they are counted until the index is mended.
        gone = #redis.call('LPOS', list, mark, 'COUNT', 0)
    end
    return redis.call('LLEN', list) - gone
end

-- Raises, before anything is written, where a key has another type; `marks` may be left out.
local function check_types(lists, positions, marks)
    for index = 1, #lists do
        redis.call('LLEN', lists[index])
        redis.call('ZCARD', positions[index])
        if marks then
            redis.call('ZCARD', marks[index])
        end
    end
end

-- tails_agree(list, positions) -> whether the index knows the list's last id as its last; raises where a key has another type.
local function tails_agree(list, positions)
    return same(redis.call('LINDEX', list, -1), redis.call('ZRANGE', positions, -1, -1)[1])
end

-- take_numbers(sequence, count) -> the number in front of so many new ones. Raises where the sequence is no number that can be
-- counted on; nothing but the sequence was written then.
local function take_numbers(sequence, count)
    local last = redis.pcall('INCRBY', sequence, count)
    if type(last) == 'table' and not string.find(last.err, '^ERR ') then
        error(last)
    end
    -- Lua counts to 2^53 only.
    if type(last) == 'table' or last >= 9007199254740992 then
        error({err = 'BADSTATE the key ' .. sequence .. ' is no number that can be counted on'})
    end
    return last - count
end

-- append(list, positions, agree, number, ids) -> the list's length. Puts ids at a queue's tail, as the numbers that follow
-- `number`. What another program put there since would be hidden behind them: the index goes without them then, and is mended
-- when a position is asked for.
local function append(list, positions, agree, number, ids)
    if not agree then
        redis.call('ZREM', positions, unpack(ids))
        return redis.call('RPUSH', list, unpack(ids))
    end
    local members = {}
    for index = 1, #ids do
        members[2 * index - 1] = string.format('%.0f', number + index)
        members[2 * index] = ids[index]
    end
    redis.call('ZADD', positions, unpack(members))
    return redis.call('RPUSH', list, unpack(ids))
end

-- Takes marks off both ends of a queue: some at a time, since there may be many.
local function trim(list, positions, marks)
    for _ = 1, 20 do
        local popped = redis.call('LINDEX', list, 0) == mark and {'LPOP', 'ZPOPMIN', 0} or
            redis.call('LINDEX', list, -1) == mark and {'RPOP', 'ZPOPMAX', -1}
        if not popped then
            return
        end
        local member = redis.call('ZRANGE', positions, popped[3], popped[3])[1]
        if not is_mark(member) or redis.call('ZREM', marks, member) == 0 then
            drop_index(list, positions, marks)
            return
        end
        redis.call(popped[1], list)
        redis.call(popped[2], positions)
    end
end

-- take_off(list, positions, marks, id) -> whether the id stood where the index says, and is gone now
local walked_max = 100
local function take_off(list, positions, marks, id)
    local rank = redis.call('ZRANK', positions, id)
    if not rank or redis.call('LINDEX', list, rank) ~= id then
        return false
    end
    local number = redis.call('ZSCORE', positions, id)
    -- Redis allows this even when its memory is full, and then allows the rest of the script.
    redis.call('ZREM', positions, id)
    if rank < walked_max then
        redis.call('LREM', list, 1, id)
    elseif redis.call('LLEN', list) - rank <= walked_max then
        redis.call('LREM', list, -1, id)
    else
        redis.call('LSET', list, rank, mark)
        redis.call('ZADD', positions, number, '\0' .. number)
        redis.call('ZADD', marks, number, '\0' .. number)
    end
    trim(list, positions, marks)
    return true
end

-- Takes an id off every queue. It stands in another than its own only where another program stopped halfway through a
-- move; looking through a list costs its length, so the others are looked through only where there is a sign of it.
local function remove(lists, positions, marks, own, id)
    local removed = own and take_off(lists[own], positions[own], marks[own], id)
    if own and not removed then
        redis.call('ZREM', positions[own], id)
        removed = redis.call('LREM', lists[own], 0, id) > 0
    end
    for queue = 1, #lists do
        local indexed = queue ~= own and redis.call('ZREM', positions[queue], id) == 1
        if queue ~= own and (not removed or indexed) then
            redis.call('LREM', lists[queue], 0, id)
        end
    end
end
