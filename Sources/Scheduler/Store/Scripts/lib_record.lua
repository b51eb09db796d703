-- Library: a record's text, taken apart and put together again without decoding it.
--
-- A record is `{"task_id":…,"service":…,"user_id":…,"parameters":{…}` (its front, which never changes), then its tail
-- `,"priority":"…","status":"…","enqueued_at":"…","updated_at":"…"`, then later fields of ours, then `}`. The tail is the
-- last text of that shape: parameters may hold copies of it, but they stand before it, and later fields can hold none
-- (their strings escape every quote; a result is kept as such a string too).
--
-- The later fields, in this order, each only where it applies: `"attempt":N` times handed out, `"returned":"token"` of the
-- holder that gave the task back last, `"lease":"token","lease_ms":N` of the present holder (also of the one that finished
-- the task), `"submitter_id":"…"`, and `"result":"…"`, then `"error":"…"`.

-- How a record goes on from the place of its tail; and from its start on, where that place is to be found.
local tail_shape = '^,"priority":"(%l+)","status":"(%l+)","enqueued_at":"([^"]*)","updated_at":"([^"]*)"(.*)}$'
local last_tail_shape =
    '^.*(),"priority":"(%l+)","status":"(%l+)","enqueued_at":"([^"]*)","updated_at":"([^"]*)"(.*)}$'

-- tail(record) -> where the tail begins, priority, status, enqueued_at, updated_at, later | nil where the text has no such tail
local function tail(record)
    -- Mostly its first words stand only once so near to the end. Looking for the last of several is slow: from the end on it
    -- tries every byte.
    local start = string.find(record, ',"priority":"', -512, true)
    local matched, last, priority, status, enqueued_at, updated_at, later
    if start and not string.find(record, ',"priority":"', start + 1, true) then
        matched, last, priority, status, enqueued_at, updated_at, later = string.find(record, tail_shape, start)
    end
    if not matched then
        start, priority, status, enqueued_at, updated_at, later = string.match(record, last_tail_shape)
    end
    if not start or (later ~= '' and not string.find(later, '^,"attempt":%d+')) then
        return nil
    end
    return start, priority, status, enqueued_at, updated_at, later
end

-- split(record) -> front, priority, status, enqueued_at, updated_at, later | nil where the text has no such tail
local function split(record)
    if not record then
        return nil
    end
    local start, priority, status, enqueued_at, updated_at, later = tail(record)
    if not start then
        return nil
    end
    return string.sub(record, 1, start - 1), priority, status, enqueued_at, updated_at, later
end

local function join(front, priority, status, enqueued_at, updated_at, later)
    return front .. ',"priority":"' .. priority .. '","status":"' .. status .. '","enqueued_at":"' .. enqueued_at ..
        '","updated_at":"' .. updated_at .. '"' .. later .. '}'
end

-- later_fields(later) -> attempt, returned or '', lease or '', lease_ms, rest (from `submitter_id` on)
local function later_fields(later)
    if later == '' then
        return 0, '', '', 0, ''
    end
    -- What a record under its first lease has.
    local number, token, length, behind =
        string.match(later, '^,"attempt":(%d+),"lease":"([%w_-]*)","lease_ms":(%d+)(.*)$')
    if number then
        return tonumber(number), '', token, tonumber(length), behind
    end
    local attempt, rest = string.match(later, '^,"attempt":(%d+)(.*)$')
    local returned, behind_returned = string.match(rest, '^,"returned":"([%w_-]*)"(.*)$')
    rest = behind_returned or rest
    local lease, lease_ms, behind_lease = string.match(rest, '^,"lease":"([%w_-]*)","lease_ms":(%d+)(.*)$')
    return tonumber(attempt), returned or '', lease or '', tonumber(lease_ms or 0), behind_lease or rest
end

-- join_later(…) is the other way round; a task that was never handed out has no later fields.
local function join_later(attempt, returned, lease, lease_ms, rest)
    if attempt == 0 then
        return ''
    end
    return ',"attempt":' .. string.format('%d', attempt) ..
        (returned ~= '' and ',"returned":"' .. returned .. '"' or '') ..
        (lease ~= '' and ',"lease":"' .. lease .. '","lease_ms":' .. string.format('%d', lease_ms) or '') .. rest
end

-- kept_answer(key) -> what the answer to a Next that is kept there says | nil; whatever else stands there is no answer.
-- `given` has the names of the calls that may have got it, `gone` those of calls that were given up before it was known whether
-- they took anything; one that only knows of these has no tasks.
local function kept_answer(key)
    local text = redis.call('MGET', key)[1]
    if not text then
        return nil
    end
    local unpacked, answer = pcall(cmsgpack.unpack, text)
    if unpacked and type(answer) == 'table' and type(answer.tasks) == 'table' and type(answer.lease) == 'string' and
        type(answer.given) == 'table' then
        return answer
    end
    return nil
end

-- An answer is given to one more call. Once it was given to very many it is nobody's to take back, so that it stays small.
local function note_given(answer, name)
    local known = 0
    for _ in pairs(answer.given) do
        known = known + 1
    end
    answer.given[known < 32 and name or '*'] = true
end

-- readable(record, enqueued_at, updated_at, id) -> whether both doors can read the record. Ours carry times that end in Z
-- and are well-formed by construction; anybody else's is looked at closely before anything is done with it.
local function readable(record, enqueued_at, updated_at, id)
    local ours = '^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d%d%d%dZ$'
    if string.find(enqueued_at, ours) and string.find(updated_at, ours) then
        return true
    end
    for _, time in ipairs({enqueued_at, updated_at}) do
        local zone = string.match(time, '^%d%d%d%d%-[01]%d%-[0-3]%dT[0-2]%d:[0-5]%d:[0-5]%d(.*)$')
        zone = zone and string.gsub(zone, '^%.%d+', '')
        if zone ~= '' and zone ~= 'Z' and not (zone and string.find(zone, '^[+-][0-2]%d:[0-5]%d$')) then
            return false
        end
    end
    -- NaN and its like are no JSON to anybody but Python.
    cjson.decode_invalid_numbers(false)
    local decoded, fields = pcall(cjson.decode, record)
    cjson.decode_invalid_numbers(true)
    return decoded and type(fields) == 'table' and fields.task_id == id and type(fields.service) == 'string' and
        type(fields.user_id) == 'string' and string.find(record, ',"parameters":%s*{') ~= nil and
        type(fields.parameters) == 'table'
end
