-- Renew leases: set their ends anew, counted from now; one that was lost is entered again.
-- KEYS[1] ZSET leases   KEYS[2..] STRING records
-- ARGV[1] the leases' length in milliseconds; 0: as long as each was
-- then for each record: the task's id, the lease's token
-- Returns for each two values, code and end: 1 done, the end in microseconds (empty: acknowledged, so it has no end)
--   | 2 the task was canceled | -1 unknown | -2 the token is not (any longer) the task's
local clock = microseconds()
local answers, renewals, ids, ends, writes = {}, {}, {}, {}, {}
local late = any_has_ended(KEYS[1], clock)
for index = 1, #KEYS - 1 do
    local key, id, token = KEYS[1 + index], ARGV[2 * index], ARGV[2 * index + 1]
    local status, lease, length = holder_of(key)
    local code = -1
    if status then
        if token == '' or lease ~= token or late and has_ended(KEYS[1], id, clock) then
            code = -2
        elseif status == 'canceled' then
            code = 2
        elseif status ~= 'dispatched' then
            code = -2
        else
            code = 1
            local old = redis.call('ZSCORE', KEYS[1], id)
            -- What an earlier version acknowledged has no entry either, and must not end: its token tells no place.
            if old and old ~= 'inf' or not old and place_of(token) then
                local renewed = tonumber(ARGV[1]) > 0 and tonumber(ARGV[1]) or length
                renewals[#renewals + 1] = {tonumber(old or clock), index, id, renewed}
                if renewed ~= length then
                    writes[#writes + 1] = {key, renewed}
                end
            end
        end
    end
    answers[2 * index - 1] = code
    answers[2 * index] = ''
end
-- The tasks keep their order, whatever order they are renewed in.
table.sort(renewals, function(left, right)
    return left[1] < right[1] or left[1] == right[1] and left[2] < right[2]
end)
for place, renewal in ipairs(renewals) do
    local ending = decimal(first_end(clock, renewal[4], #renewals) + place)
    answers[2 * renewal[2]] = ending
    ids[#ids + 1] = renewal[3]
    ends[#ends + 1] = ending
    ends[#ends + 1] = renewal[3]
end
if #ids > 0 then
    -- Redis allows this even when its memory is full, and then allows the rest of the script.
    redis.call('ZREM', KEYS[1], unpack(ids))
    redis.call('ZADD', KEYS[1], unpack(ends))
end
for _, write in ipairs(writes) do
    local front, priority, status, enqueued_at, updated_at, later = split(redis.call('GET', write[1]))
    local attempt, returned, lease, _, rest = later_fields(later)
    redis.call('SET', write[1], join(front, priority, status, enqueued_at, updated_at,
        join_later(attempt, returned, lease, write[2], rest)))
end
return answers
