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
