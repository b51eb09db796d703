-- Library: which leases are over, which needs leases.

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
    if not any_has_ended(leases, now) then
        return false
    end
    local ending = redis.call('ZSCORE', leases, id)
    return ending and tonumber(ending) <= now
end
