-- Library: the counters.

-- countable(stats, value, name) -> a counter's digits. Raises, before anything is written, where it could not be counted up.
local function countable(stats, value, name)
    value = value or '0'
    -- Lua counts to 2^53 only.
    if not string.find(value, '^%-?%d+$') or #value > 15 then
        error({err = 'BADSTATE the counter ' .. name .. ' of the key ' .. stats .. ' is no number that can be counted on'})
    end
    return value
end

-- counter(stats, name) -> the same of a counter that is looked up
local function counter(stats, name)
    return countable(stats, redis.call('HGET', stats, name), name)
end

-- Counts on from what counter() said; one call writes both fields.
local function count(stats, name, before, number, now)
    redis.call('HSET', stats, name, string.format('%d', tonumber(before) + number), 'last_updated', now)
end
