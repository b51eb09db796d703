-- Set tasks aside that were handed out and whose records turned out to be none: as they were, but in no queue.
-- KEYS[1] HASH stats   KEYS[2] ZSET leases   KEYS[3] SET ids that were set aside   KEYS[4..] STRING records
-- then STRING kept answers that may hold them: they do so no longer
-- ARGV[1] now, RFC 3339   ARGV[2] their updated_at as they were handed out   ARGV[3…] the ids
-- Returns how many were set aside
local before, undelivered = counter(KEYS[1], 'dispatched'), counter(KEYS[1], 'undelivered')
redis.call('ZCARD', KEYS[2])
redis.call('SCARD', KEYS[3])
local writes, ids, is_aside = {}, {}, {}
for index = 1, #ARGV - 2 do
    local record = redis.call('MGET', KEYS[3 + index])[1]
    -- Its tail is in our form: hand_out.lua wrote it.
    local start, priority, status, enqueued_at, updated_at, later
    if record then
        start, priority, status, enqueued_at, updated_at, later = tail(record)
    end
    if start and status == 'dispatched' and updated_at == ARGV[2] then
        local attempt, returned, _, _, rest = later_fields(later)
        writes[#writes + 1] = KEYS[3 + index]
        writes[#writes + 1] = join(string.sub(record, 1, start - 1), priority, 'queued', enqueued_at, ARGV[1],
            join_later(attempt - 1, returned, '', 0, rest))
        ids[#ids + 1] = ARGV[2 + index]
        is_aside[ARGV[2 + index]] = true
    end
end
if #ids > 0 then
    -- Redis allows this even when its memory is full, and then allows the rest of the script.
    redis.call('ZREM', KEYS[2], unpack(ids))
    redis.call('SADD', KEYS[3], unpack(ids))
    redis.call('MSET', unpack(writes))
    -- Both in this step, so that no place is given twice.
    count(KEYS[1], 'undelivered', undelivered, #ids, ARGV[1])
    count(KEYS[1], 'dispatched', before, -#ids, ARGV[1])
end
for index = #ARGV + 2, #KEYS do
    local answer = #ids > 0 and kept_answer(KEYS[index])
    local tasks = {}
    for _, task in ipairs(answer and answer.at == ARGV[2] and answer.tasks or {}) do
        if not is_aside[task[1]] then
            tasks[#tasks + 1] = task
        end
    end
    if answer and answer.at == ARGV[2] then
        if tasks[1] then
            answer.left = answer.left and answer.left - (#answer.tasks - #tasks)
            answer.tasks = tasks
            redis.call('SET', KEYS[index], answer_text(answer), 'KEEPTTL')
        else
            redis.call('DEL', KEYS[index])
        end
    end
end
return #ids
