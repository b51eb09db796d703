-- Put tasks that could not be delivered back at the heads of their queues, as if they had never been taken.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..] for each answer, in the order of hand-out: STRING the records, in that order too; then its kept answer, if it has one
-- ARGV[1] now, RFC 3339   ARGV[2] the channel that wakes who waits for a task   ARGV[3] the records' key prefix
-- ARGV[4] how long an answer is kept, in milliseconds
-- then for each answer: the name of the call that it was given to where it was kept, else empty   its lease's token, empty where
--   there is none   how many tasks, 0: it is not known whether the call took any
--   and for each of these its id   its attempt   its updated_at as it was handed out
-- Returns how many went back; the tasks of an answer that another call may have got stay away
-- The same call again changes nothing: a record that went back has another time, and a kept answer no more knows the call.
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
check_types(lists, positions)
local before = counter(KEYS[7], 'dispatched')
redis.call('ZCARD', KEYS[8])

local numbers = {high = 1, mid = 2, low = 3}
local back, is_back = {}, {}
local function put_back(id, key, attempt, updated_at, token)
    if is_back[id] then
        return
    end
    local front, priority, status, enqueued_at, updated, later = split(redis.call('MGET', key)[1])
    if not front or status ~= 'dispatched' or not numbers[priority] or updated ~= updated_at then
        return
    end
    local times, returned, lease, _, rest = later_fields(later)
    if times == attempt and lease == token then
        is_back[id] = true
        back[#back + 1] = {id, key, numbers[priority], join(front, priority, 'queued', enqueued_at, ARGV[1],
            join_later(times - 1, returned, '', 0, rest))}
    end
end

-- What is kept from now on; without tasks and calls that were given up: nothing.
local answer_of = {}
local key, word = 9, 5
while word <= #ARGV do
    local name, token, tasks = ARGV[word], ARGV[word + 1], tonumber(ARGV[word + 2])
    local kept_key = name ~= '' and KEYS[key + tasks]
    local answer = kept_key and (answer_of[kept_key] or kept_answer(kept_key))
    if kept_key and tasks == 0 then
        -- What the call took goes back. Should it still be on its way, it will take nothing.
        answer = answer or {at = '', clock = '0', lease = '', lease_ms = 0, rest = '', tasks = {}, given = {}}
        answer.gone = answer.gone or {}
        answer.gone[name] = true
        if answer.given[name] then
            answer.given[name] = nil
            if not next(answer.given) then
                for _, task in ipairs(answer.tasks) do
                    put_back(task[1], ARGV[3] .. task[1], task[3], answer.at, answer.lease)
                end
                answer.tasks = {}
            end
        end
        answer_of[kept_key] = answer
    else
        -- Another answer may be kept there since.
        local is_kept = answer and answer.lease == token and answer.at == ARGV[word + 5]
        local is_ours = not is_kept or answer.given[name]
        if is_kept and is_ours then
            answer.given[name] = nil
            is_ours = not next(answer.given)
            answer_of[kept_key] = answer
        end
        if is_ours then
            for place = word + 3, word + 3 * tasks, 3 do
                put_back(ARGV[place], KEYS[key + (place - word) / 3 - 1], tonumber(ARGV[place + 1]), ARGV[place + 2], token)
            end
            if is_kept then
                answer.tasks = {}
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
for kept_key, answer in pairs(answer_of) do
    if #answer.tasks == 0 and not answer.gone then
        redis.call('DEL', kept_key)
    elseif redis.call('EXISTS', kept_key) == 1 then
        redis.call('SET', kept_key, cmsgpack.pack(answer), 'KEEPTTL')
    else
        redis.call('SET', kept_key, cmsgpack.pack(answer), 'PX', ARGV[4])
    end
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
