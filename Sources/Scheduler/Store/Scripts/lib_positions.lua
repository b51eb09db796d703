-- Library: the index of positions beside a queue, a sorted set of its ids by sequence number.

-- agrees(list, positions) -> whether the index says what the list says, as far as four looks can tell: as many ids, the
-- same first, the same last. Whatever else pushes to, pops from or removes from the list breaks one of the three.
local function agrees(list, positions)
    local length = redis.call('LLEN', list)
    if length ~= redis.call('ZCARD', positions) then
        return false
    end
    return length == 0 or
        redis.call('LINDEX', list, 0) == redis.call('ZRANGE', positions, 0, 0)[1] and
        redis.call('LINDEX', list, -1) == redis.call('ZRANGE', positions, -1, -1)[1]
end

-- Raises, before anything is written, where a key has another type.
local function check_types(lists, positions)
    for index = 1, #lists do
        redis.call('LLEN', lists[index])
        redis.call('ZCARD', positions[index])
    end
end

-- tails_agree(list, positions) -> whether the index knows the list's last id as its last; raises where a key has another type.
local function tails_agree(list, positions)
    return (redis.call('LINDEX', list, -1) or nil) == redis.call('ZRANGE', positions, -1, -1)[1]
end

-- append(list, positions, agree, number, ids) -> the list's length. Puts ids at a queue's tail, as the numbers that follow
-- `number`. What another program put there since would be hidden behind them: the index is dropped then, and built anew when
-- a position is asked for.
local function append(list, positions, agree, number, ids)
    if not agree then
        redis.call('UNLINK', positions)
    end
    local members = {}
    for index = 1, #ids do
        members[2 * index - 1] = string.format('%.0f', number + index)
        members[2 * index] = ids[index]
    end
    redis.call('ZADD', positions, unpack(members))
    return redis.call('RPUSH', list, unpack(ids))
end

-- Puts an id at a queue's head; as append() does, it drops an index that something else's work would be hidden behind.
local function prepend(list, positions, id)
    local first = redis.call('ZRANGE', positions, 0, 0, 'WITHSCORES')
    if (redis.call('LINDEX', list, 0) or nil) ~= first[1] then
        redis.call('UNLINK', positions)
        first = {}
    end
    redis.call('ZADD', positions, string.format('%.0f', tonumber(first[2] or 1) - 1), id)
    redis.call('LPUSH', list, id)
end

-- Takes an id off every queue. It stands in another than its own only where another program stopped halfway through a
-- move; looking through a list costs its length, so the others are looked through only where there is a sign of it.
local function remove(lists, positions, own, id)
    local removed = own and redis.call('LREM', lists[own], 0, id) or 0
    for queue = 1, #lists do
        local indexed = redis.call('ZREM', positions[queue], id) == 1
        if queue ~= own and (removed == 0 or indexed) then
            redis.call('LREM', lists[queue], 0, id)
        end
    end
end
