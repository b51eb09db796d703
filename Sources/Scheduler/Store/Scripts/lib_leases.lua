-- Library: leases, a sorted set of task ids by the end of their lease in microseconds of Redis's own clock; of a task that was
-- acknowledged, which is its holder's for good, the end is +inf until the task ends.
--
-- Tasks that are handed out in one call end one microsecond after each other, so that their order is known; and they are put
-- back together, because ends are looked at in whole slices of time, and no call's tasks stand in two of them.
local slice = 10000

-- microseconds() -> Redis's clock
local function microseconds()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- decimal(number) -> its digits; `..` would round them
local function decimal(number)
    return string.format('%d', number)
end

-- first_end(clock, length, tasks) -> the end of the first of so many leases of that many milliseconds
local function first_end(clock, length, tasks)
    local first = clock + length * 1000
    local next_slice = (math.floor(first / slice) + 1) * slice
    return first + tasks > next_slice and next_slice or first
end
