-- Library: the counters.

-- Raises, before anything is written, where the counter could not be counted up.
local function check_counter(stats, name)
    local value = redis.call('HGET', stats, name)
    if value and not string.find(value, '^%-?%d+$') then
        error({err = 'BADSTATE the counter ' .. name .. ' is not a number'})
    end
end

local function count(stats, name, number, now)
    redis.call('HINCRBY', stats, name, number)
    redis.call('HSET', stats, 'last_updated', now)
end
