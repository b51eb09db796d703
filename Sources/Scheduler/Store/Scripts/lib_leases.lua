-- Library: leases, a sorted set of task ids by the end of their lease in microseconds of Redis's own clock.
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

-- due_until(clock) -> the last end that tasks are put back for
local function due_until(clock)
    return math.floor(clock / slice) * slice - 1
end

-- due_in(ending, clock) -> microseconds until that lease's task is put back
local function due_in(ending, clock)
    return math.max(0, (math.floor(ending / slice) + 1) * slice - clock)
end

-- any_has_ended(leases, now) -> whether there are leases that are over, of tasks that are not back in their queues yet: where
-- there is none, nobody's has to be looked up
local function any_has_ended(leases, now)
    return redis.call('ZCOUNT', leases, '-inf', decimal(now)) > 0
end

-- has_ended(leases, id, now) -> whether the task's lease is over, though the task may not be back in its queue yet
local function has_ended(leases, id, now)
    local ending = redis.call('ZSCORE', leases, id)
    return ending and tonumber(ending) <= now
end
