-- Put tasks that could not be delivered back at the heads of their queues, as if they had never been taken.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..] STRING the records, in the order of hand-out; behind them, where ARGV[3] is 1, the kept answer
-- ARGV[1] now, RFC 3339   ARGV[2] the channel that wakes who waits for a task   ARGV[3] 1: the answer was kept, 0: it was not
-- ARGV[4] the lease's token, empty where there is none
-- then for each task: its id   its attempt   its updated_at as it was handed out
-- Returns how many went back | -1 the answer was asked for again meanwhile, so that somebody has it
local kept_key = ARGV[3] == '1' and KEYS[#KEYS]
local kept = kept_key and redis.call('GET', kept_key)
if kept and cmsgpack.unpack(string.sub(kept, 2)).lease ~= ARGV[4] then
    -- Another answer was kept under that name since.
    kept = false
end
if kept and string.sub(kept, 1, 1) == '1' then
    return -1
end
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
check_types(lists, positions)
local before = counter(KEYS[7], 'dispatched')
redis.call('ZCARD', KEYS[8])

local numbers = {high = 1, mid = 2, low = 3}
local tasks = (#ARGV - 4) / 3
local back = {}
for index = tasks, 1, -1 do
    local id, attempt, handed_at = ARGV[2 + 3 * index], tonumber(ARGV[3 + 3 * index]), ARGV[4 + 3 * index]
    local front, priority, status, enqueued_at, updated_at, later = split(redis.call('GET', KEYS[8 + index]))
    if front and status == 'dispatched' and numbers[priority] and updated_at == handed_at then
        local times, returned, lease, _, rest = later_fields(later)
        if times == attempt and lease == ARGV[4] then
            back[#back + 1] = {id, KEYS[8 + index], numbers[priority], join(front, priority, 'queued', enqueued_at,
                ARGV[1], join_later(attempt - 1, returned, '', 0, rest))}
        end
    end
end

-- Redis allows this even when its memory is full, and then allows the rest of the script.
for _, task in ipairs(back) do
    redis.call('ZREM', KEYS[8], task[1])
end
if kept then
    redis.call('DEL', kept_key)
end
for _, task in ipairs(back) do
    redis.call('SET', task[2], task[4])
    prepend(lists[task[3]], positions[task[3]], task[1])
end
if #back > 0 then
    count(KEYS[7], 'dispatched', before, -#back, ARGV[1])
    redis.call('PUBLISH', ARGV[2], #back)
end
return #back
