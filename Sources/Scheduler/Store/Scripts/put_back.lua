-- Put tasks that could not be delivered back to their places in their queues, as if they had never been taken.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] HASH stats   KEYS[8] ZSET leases
-- KEYS[9..11] ZSET the queues' marks
-- KEYS[12..] for each answer, in the order of hand-out: STRING the records, in that order too; then its kept answer, if it has one
-- ARGV[1] now, RFC 3339   ARGV[2] the channel that wakes who waits for a task   ARGV[3] the records' key prefix
-- ARGV[4] how long an answer is kept, in milliseconds
-- then for each answer: the name of the call that it was given to where it was kept, else empty
--   how many tasks, 0: it is not known whether the call took any
--   and for each of these its id   its attempt   its updated_at as it was handed out   its lease's token, empty where there is none
--   its place, empty where it is not known or the token tells
-- Returns how many went back; the tasks of an answer that another call may have got stay away
-- The same call again changes nothing: a record that went back has another time, and a kept answer no more knows the call.
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
check_types(lists, positions)
local before, undelivered = counter(KEYS[7], 'dispatched'), counter(KEYS[7], 'undelivered')
redis.call('ZCARD', KEYS[8])

local numbers = {high = 1, mid = 2, low = 3}
local back, is_back = {}, {}
local function put_back(id, key, attempt, updated_at, token, place)
    if is_back[id] then
        return
    end
    local front, priority, status, enqueued_at, updated, later = split(redis.call('MGET', key)[1])
    if not front or status ~= 'dispatched' or not numbers[priority] or updated ~= updated_at then
        return
    end
    local times, returned, lease, _, rest = later_fields(later)
    -- Whoever acknowledged it got it with a repetition of the answer, which may be forgotten since.
    local is_held = token ~= '' and redis.call('ZSCORE', KEYS[8], id) == 'inf'
    if times == attempt and lease == token and not is_held then
        is_back[id] = true
        back[#back + 1] = {id, key, numbers[priority], join(front, priority, 'queued', enqueued_at, ARGV[1],
            join_later(times - 1, returned, '', 0, rest)), place_of(token) or tonumber(place) or false}
    end
end

-- What is kept from now on; without tasks and calls that were given up: nothing.
local answer_of = {}
local key, word = 12, 5
while word <= #ARGV do
    local name, tasks = ARGV[word], tonumber(ARGV[word + 1])
    local kept_key = name ~= '' and KEYS[key + tasks]
    local answer = kept_key and (answer_of[kept_key] or kept_answer(kept_key))
    -- What the answer says of its tasks' places, where it is this one: another may be kept there since.
    local places = {}
    for _, task in ipairs(answer and tasks > 0 and answer.at == ARGV[word + 4] and answer.tasks or {}) do
        places[task[1]] = task[5] or ''
    end
    if kept_key and tasks == 0 then
        -- What the call took goes back. Should it still be on its way, it will take nothing. An answer that is settled arrived.
        answer = answer or {at = '', clock = '0', lease = '', lease_ms = 0, rest = '', tasks = {}, given = {}}
        if not answer.settled then
            answer.gone = answer.gone or {}
            answer.gone[name] = true
            if answer.given[name] then
                answer.given[name] = nil
                if not next(answer.given) then
                    for _, task in ipairs(answer.tasks) do
                        put_back(task[1], ARGV[3] .. task[1], task[3], answer.at, token_in(answer, task), task[5])
                    end
                    answer.tasks, answer.left = {}, nil
                end
            end
            answer_of[kept_key] = answer
        end
    else
        local is_kept = places[ARGV[word + 2]] ~= nil
        local is_ours = not is_kept or answer.given[name]
        if is_kept and is_ours then
            answer.given[name] = nil
            is_ours = not next(answer.given)
            answer_of[kept_key] = answer
        end
        if is_ours then
            for place = word + 2, word + 5 * tasks, 5 do
                put_back(ARGV[place], KEYS[key + (place - word - 2) / 5], tonumber(ARGV[place + 1]), ARGV[place + 2],
                    ARGV[place + 3], places[ARGV[place]] or ARGV[place + 4])
            end
            if is_kept then
                answer.tasks, answer.left = {}, nil
            end
        end
    end
    key = key + tasks + (kept_key and 1 or 0)
    word = word + 2 + 5 * tasks
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
        redis.call('SET', kept_key, answer_text(answer), 'KEEPTTL')
    else
        redis.call('SET', kept_key, answer_text(answer), 'PX', ARGV[4])
    end
end
local ids, places = {{}, {}, {}}, {{}, {}, {}}
for _, task in ipairs(back) do
    redis.call('SET', task[2], task[4])
    local number = #ids[task[3]] + 1
    ids[task[3]][number], places[task[3]][number] = task[1], task[5]
end
for queue = 1, 3 do
    if #ids[queue] > 0 then
        requeue(lists[queue], positions[queue], KEYS[8 + queue], ids[queue], places[queue])
    end
end
if #back > 0 then
    -- Both in this step, so that no place is given twice.
    count(KEYS[7], 'undelivered', undelivered, #back, ARGV[1])
    count(KEYS[7], 'dispatched', before, -#back, ARGV[1])
    redis.pcall('PUBLISH', ARGV[2], #back)
end
return #back
