-- Acknowledge tasks: end their leases, so that they are their holders' for good. Their entries stay, without an end; one that was
-- lost is entered again.
-- KEYS[1] ZSET leases   KEYS[2..] STRING records
-- ARGV[1] the key prefix of kept answers   then for each record: the task's id, the lease's token
-- Returns for each: 1 done, now or before | 2 the task was canceled | -1 unknown | -2 the token is not (any longer) the task's
local clock = microseconds()
local answers, held, settled, is_counted = {}, {}, {}, {}
local late = any_has_ended(KEYS[1], clock)
for index = 1, #KEYS - 1 do
    local key, id, token = KEYS[1 + index], ARGV[2 * index], ARGV[2 * index + 1]
    local status, lease, _, is_kept = holder_of(key)
    local answer = -1
    if status then
        if token == '' or lease ~= token or late and has_ended(KEYS[1], id, clock) then
            answer = -2
        elseif status == 'canceled' then
            answer = 2
        else
            answer = 1
            if status == 'dispatched' then
                held[#held + 1] = 'inf'
                held[#held + 1] = id
                if is_kept and not is_counted[id] and redis.call('ZSCORE', KEYS[1], id) ~= 'inf' then
                    is_counted[id] = true
                    local _, _, _, _, updated_at, later = tail_of(key)
                    settled[#settled + 1] = {updated_at, later}
                end
            end
        end
    end
    answers[index] = answer
end
if #held > 0 then
    local entered = redis.pcall('ZADD', KEYS[1], unpack(held))
    if type(entered) == 'table' then
        -- Redis's memory is full. It allows this even so, and then allows the rest of the script.
        redis.call('ZREM', KEYS[1], '')
        redis.call('ZADD', KEYS[1], unpack(held))
    end
    settle(ARGV[1], settled)
end
return answers
