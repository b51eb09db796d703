-- Library: the counters.

-- counter(stats, name) -> the counter's digits. Raises, before anything is written, where it could not be counted up.
local function counter(stats, name)
    local value = redis.call('HGET', stats, name) or '0'
    -- Lua counts to 2^53 only.
    if not string.find(value, '^%-?%d+$') or #value > 15 then
        error({err = 'BADSTATE the counter ' .. name .. ' of the key ' .. stats .. ' is no number that can be counted on'})
    end
    return value
end

-- Counts on from what counter() said; one call writes both fields.
local function count(stats, name, before, number, now)
    redis.call('HSET', stats, name, string.format('%.0f', tonumber(before) + number), 'last_updated', now)
end
