-- Library: the counters.

-- counter(stats, name) -> the counter's digits. Raises, before anything is written, where it could not be counted up.
local function counter(stats, name)
    local value = redis.call('HGET', stats, name) or '0'
    if not string.find(value, '^%-?%d+$') then
        error({err = 'BADSTATE the counter ' .. name .. ' is not a number'})
    end
    return value
end

-- Counts on from what counter() said. One call writes both fields, unless Lua would round the number.
local function count(stats, name, before, number, now)
    local after = tonumber(before) + number
    if math.abs(after) < 2^53 then
        redis.call('HSET', stats, name, string.format('%.0f', after), 'last_updated', now)
    else
        redis.call('HINCRBY', stats, name, number)
        redis.call('HSET', stats, 'last_updated', now)
    end
end
