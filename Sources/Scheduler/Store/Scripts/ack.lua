-- Acknowledge tasks: end their leases, so that they are their holders' for good.
-- KEYS[1] ZSET leases   KEYS[2..] STRING records
-- ARGV for each record: the task's id, the lease's token
-- Returns for each: 1 done, now or before | 2 the task was canceled | -1 unknown | -2 the token is not (any longer) the task's
local clock = microseconds()
local answers, ended = {}, {}
local late = any_has_ended(KEYS[1], clock)
for index = 1, #KEYS - 1 do
    local id, token = ARGV[2 * index - 1], ARGV[2 * index]
    local status, lease = holder_of(KEYS[1 + index])
    local answer = -1
    if status then
        if token == '' or lease ~= token or late and has_ended(KEYS[1], id, clock) then
            answer = -2
        elseif status == 'canceled' then
            answer = 2
        else
            answer = 1
            ended[#ended + 1] = id
        end
    end
    answers[index] = answer
end
if #ended > 0 then
    redis.call('ZREM', KEYS[1], unpack(ended))
end
return answers
