-- Library: a record's text, taken apart and put together again without decoding it.
--
-- A record is `{"task_id":…,"service":…,"user_id":…,"parameters":{…}` (its front, which never changes), then its tail
-- `,"priority":"…","status":"…","enqueued_at":"…","updated_at":"…"`, then later fields of ours, then `}`. The tail is the
-- last text of that shape: parameters may hold copies of it, but they stand before it, and later fields can hold none
-- (their strings escape every quote; a result is kept as such a string too).
--
-- The later fields, in this order, each only where it applies: `"attempt":N` times handed out, `"returned":"token"` of the
-- holder that gave the task back last, `"lease":"token","lease_ms":N` of the present holder (also of the one that finished
-- the task), `"submitter_id":"…"`, and `"result":"…"` or `"error":"…"`.

-- split(record) -> front, priority, status, enqueued_at, updated_at, later | nil where the text has no such tail
local function split(record)
    if not record then
        return nil
    end
    local front, priority, status, enqueued_at, updated_at, later = string.match(record,
        '^(.*),"priority":"(%l+)","status":"(%l+)","enqueued_at":"([^"]*)","updated_at":"([^"]*)"(.*)}$')
    if not front or (later ~= '' and not string.find(later, '^,"attempt":%d+')) then
        return nil
    end
    return front, priority, status, enqueued_at, updated_at, later
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

-- tail_of(key) -> what split() says, but of the record's end only: `front` is cut. Of a long record it reads little.
local function tail_of(key)
    local text = redis.pcall('GETRANGE', key, -2048, -1)
    if type(text) ~= 'string' then
        -- Something else than a record.
        return nil
    end
    local front, priority, status, enqueued_at, updated_at, later = split(text)
    if front or #text < 2048 then
        return front, priority, status, enqueued_at, updated_at, later
    end
    -- A result may be longer than that.
    return split(redis.call('GET', key))
end

-- kept_answer(key) -> the text of the answer to a Next that is kept there, and what it says | nil; whatever else stands there
-- is no answer.
local function kept_answer(key)
    local text = redis.call('MGET', key)[1]
    if not text then
        return nil
    end
    local unpacked, answer = pcall(cmsgpack.unpack, string.sub(text, 2))
    if unpacked and type(answer) == 'table' and type(answer.tasks) == 'table' and type(answer.lease) == 'string' then
        return text, answer
    end
    return nil
end

-- owner(front) -> {task_id, service, user_id} | nil. These are strings, which cjson decodes without loss; parameters,
-- which it would not, are cut off first: inside a string no quote stands bare, so the first bare key is the real one.
local function owner(front)
    local names = string.match(front, '^({"task_id":.-),"parameters":')
    local decoded, fields = pcall(cjson.decode, (names or '') .. '}')
    if not decoded or type(fields) ~= 'table' or type(fields.task_id) ~= 'string' then
        return nil
    end
    return fields
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
