-- Put tasks that could not be delivered back at the heads of their queues, as if they had never been taken.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..] for each answer, in the order of hand-out: STRING the records, in that order too; then its kept answer, if it has one
-- ARGV[1] now, RFC 3339   ARGV[2] the channel that wakes who waits for a task
-- then for each answer: the name of this giving of it where it was kept, else empty   its lease's token, empty where there is
--   none   how many tasks
--   and for each of these its id   its attempt   its updated_at as it was handed out
-- Returns how many went back; the tasks of an answer that was given more often than it could not be delivered stay away
-- The same call again changes nothing: a record that went back has another time, and a kept answer knows the givings that it
-- has counted down.
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
check_types(lists, positions)
local before = counter(KEYS[7], 'dispatched')
redis.call('ZCARD', KEYS[8])

local numbers = {high = 1, mid = 2, low = 3}
local gone, counted, back = {}, {}, {}
local key, word = 9, 3
while word <= #ARGV do
    local giving, token, tasks = ARGV[word], ARGV[word + 1], tonumber(ARGV[word + 2])
    local kept_key = giving ~= '' and KEYS[key + tasks]
    local kept = kept_key and counted[kept_key]
    if kept_key and not kept then
        local text, answer = kept_answer(kept_key)
        -- Another answer may be kept under that name since.
        kept = text and answer.lease == token and answer.at == ARGV[word + 5] and
            {times = string.byte(text), answer = answer}
    end
    if kept and kept.answer.undelivered and kept.answer.undelivered[giving] then
        -- It was counted down before, by a call whose answer was lost.
    elseif kept and kept.times > 1 then
        -- Somebody may have it, who asked again.
        if kept.times < 255 then
            kept.times = kept.times - 1
            kept.answer.undelivered = kept.answer.undelivered or {}
            kept.answer.undelivered[giving] = true
            counted[kept_key] = kept
        end
    else
        if kept then
            gone[#gone + 1] = kept_key
            counted[kept_key] = nil
        end
        for index = 1, tasks do
            local place = word + 3 * index
            local record = redis.call('MGET', KEYS[key + index - 1])[1]
            local front, priority, status, enqueued_at, updated_at, later = split(record)
            if front and status == 'dispatched' and numbers[priority] and updated_at == ARGV[place + 2] then
                local times, returned, lease, _, rest = later_fields(later)
                if times == tonumber(ARGV[place + 1]) and lease == token then
                    back[#back + 1] = {ARGV[place], KEYS[key + index - 1], numbers[priority], join(front, priority,
                        'queued', enqueued_at, ARGV[1], join_later(times - 1, returned, '', 0, rest))}
                end
            end
        end
    end
    key = key + tasks + (kept_key and 1 or 0)
    word = word + 3 + 3 * tasks
end

-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('ZREM', KEYS[8], '')
for _, task in ipairs(back) do
    redis.call('ZREM', KEYS[8], task[1])
end
for kept_key, kept in pairs(counted) do
    redis.call('SET', kept_key, string.char(kept.times) .. cmsgpack.pack(kept.answer), 'KEEPTTL')
end
if #gone > 0 then
    redis.call('DEL', unpack(gone))
end
for number = #back, 1, -1 do
    local task = back[number]
    redis.call('SET', task[2], task[4])
    prepend(lists[task[3]], positions[task[3]], task[1])
end
if #back > 0 then
    count(KEYS[7], 'dispatched', before, -#back, ARGV[1])
    redis.pcall('PUBLISH', ARGV[2], #back)
end
return #back
