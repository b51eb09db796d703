-- Library: a record's text, taken apart and put together again without decoding it.
--
-- A record is `{"task_id":…,"service":…,"user_id":…,"parameters":{…}` (its front, which never changes), then its tail
-- `,"priority":"…","status":"…","enqueued_at":"…","updated_at":"…"`, then later fields of ours, then `}`. The tail is the
-- last text of that shape: parameters may hold copies of it, but they stand before it, and later fields can hold none
-- (their strings escape every quote; a result is kept as such a string too).
--
-- The later fields, in this order, each only where it applies: `"attempt":N` times handed out, `"returned":"token"` of the
-- holder that gave the task back last, `"lease":"token","lease_ms":N` of the present holder (also of the one that finished
-- the task), `"submitter_id":"…"`, `"request_id":"…"` of the Next whose answer is kept, and `"result":"…"`, then
-- `"error":"…"`.
--
-- Another program may write a record in any order and spacing, and with fields of its own. Such a one is taken apart as JSON,
-- into the parts that it has in our form, and so it is written in our form when it is first written. Its fields that we do not
-- know stand behind the parameters then. A field that we know and that is there twice makes it no record.

-- How a record goes on from the place of its tail; and from its start on, where that place is to be found.
local tail_shape = '^,"priority":"(%l+)","status":"(%l+)","enqueued_at":"([^"]*)","updated_at":"([^"]*)"(.*)}$'
local last_tail_shape =
    '^.*(),"priority":"(%l+)","status":"(%l+)","enqueued_at":"([^"]*)","updated_at":"([^"]*)"(.*)}$'

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

-- behind_text(text, place) -> the place behind the quote that ends the string whose content begins there | nil
local function behind_text(text, place)
    while true do
        local _, last = string.find(text, '^[^"\\]*', place)
        local code = string.byte(text, last + 1)
        if code == 34 then
            return last + 2
        elseif not code then
            return nil
        end
        place = last + 3
    end
end

-- Whether this is all that may stand behind a lease: else what looks like a tail stands in a field of another program's.
local function is_rest(rest)
    if rest == '' or string.find(rest, '^,"submitter_id":"[^"\\]*"$') then
        return true
    end
    local place = 1
    for _, name in ipairs({'submitter_id', 'request_id'}) do
        local content = string.match(rest, '^,"' .. name .. '":"()', place)
        place = content and behind_text(rest, content) or not content and place
        if not place then
            return false
        end
    end
    if place > #rest then
        return true
    end
    local content = string.match(rest, '^,"result":"()', place) or string.match(rest, '^,"error":"()', place)
    if not content then
        return false
    end
    -- Mostly each quote that does not end it stands behind one backslash: that is seen faster than by a walk through it.
    local _, bare = string.find(rest, '[^\\]"', content - 1)
    if bare == #rest and not string.find(rest, '\\\\"', content, true) then
        return true
    end
    place = behind_text(rest, content)
    -- What is known of a failure may be both.
    content = place and string.match(rest, '^,"error":"()', place)
    return (content and behind_text(rest, content) or place) == #rest + 1
end

-- Whether this is what may stand behind updated_at in our form.
local function is_later(later)
    if not string.find(later, '^,"attempt":%d') or string.find(later, '^,"attempt":0%d') or
        string.find(later, '"lease_ms":0%d') then
        return false
    end
    local attempt, _, _, lease_ms, rest = later_fields(later)
    return attempt <= 4294967295 and lease_ms < 1e15 and is_rest(rest)
end

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
    if not start or later ~= '' and not is_later(later) then
        return nil
    end
    return start, priority, status, enqueued_at, updated_at, later
end

-- Whether a record begins with its names, in our order, and its parameters.
local function has_front(record)
    if string.find(record, '^{"task_id":"[^"\\]*","service":"[^"\\]*","user_id":"[^"\\]*","parameters":[ \t\n\r]*{') then
        return true
    end
    local place = string.match(record, '^{"task_id":"()')
    for _, following in ipairs({'^,"service":"()', '^,"user_id":"()', '^,"parameters":[ \t\n\r]*(){'}) do
        place = place and behind_text(record, place)
        place = place and string.match(record, following, place)
    end
    return place ~= nil
end

-- quoted(text) -> the text as a JSON string, as the scheduler writes it
local function quoted(text)
    if not string.find(text, '[%z\1-\31"\\]') then
        return '"' .. text .. '"'
    end
    local short = {
        ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t',
    }
    return '"' .. string.gsub(text, '[%z\1-\31"\\]', function(letter)
        return short[letter] or string.format('\\u%04x', string.byte(letter))
    end) .. '"'
end

-- Whether there are such a priority and such a status.
local function are_known(priority, status)
    return string.find(' high mid low ', ' ' .. priority .. ' ', 1, true) ~= nil and
        string.find(' queued dispatched canceled completed failed ', ' ' .. status .. ' ', 1, true) ~= nil
end

-- in_our_form(record) -> what split() says and the id, of a record that another program wrote; the last one is remembered
local asked, answered
local function in_our_form(record)
    if asked == record then
        return answered
    end
    asked, answered = record, nil
    local members = json_members(record)
    if not members then
        return nil
    end
    local field, others = {}, {}
    for _, name in ipairs({
        'task_id', 'service', 'user_id', 'parameters', 'priority', 'status', 'enqueued_at', 'updated_at', 'attempt',
        'returned', 'lease', 'lease_ms', 'submitter_id', 'request_id', 'result', 'error',
    }) do
        field[name] = false
    end
    for _, member in ipairs(members) do
        local name, key, value, slot = unpack(member)
        if field[name] then
            return nil
        elseif field[name] == nil then
            others[#others + 1] = ',' .. key .. ':' .. value
        else
            field[name] = name == 'parameters' and slot or value
        end
    end
    local function text(name, shape)
        local value = field[name] or ''
        if string.byte(value) ~= 34 then
            return nil
        end
        value = string.find(value, '\\', 1, true) and cjson.decode('[' .. value .. ']')[1] or string.sub(value, 2, -2)
        return string.find(value, shape or '') and value
    end
    local id, priority, status = text('task_id'), text('priority', '^%l+$'), text('status', '^%l+$')
    local enqueued_at, updated_at = own_time(text('enqueued_at') or ''), own_time(text('updated_at') or '')
    if not id or not text('service') or not text('user_id') or not enqueued_at or not updated_at or
        not priority or not status or not are_known(priority, status) or
        not string.find(field.parameters or '', '^[ \t\n\r]*{') then
        return nil
    end
    local attempt = string.match(field.attempt or '', '^%d+$')
    attempt = attempt and tonumber(attempt) <= 4294967295 and attempt or '0'
    local returned, lease = text('returned', '^[%w_-]+$'), text('lease', '^[%w_-]+$')
    local lease_ms = string.match(field.lease_ms or '', '^%d+$')
    local later = returned and ',"returned":"' .. returned .. '"' or ''
    if lease and lease_ms and #lease_ms <= 15 then
        later = later .. ',"lease":"' .. lease .. '","lease_ms":' .. lease_ms
    end
    if text('submitter_id', '.') then
        later = later .. ',"submitter_id":' .. field.submitter_id
    end
    if text('request_id', '.') then
        later = later .. ',"request_id":' .. field.request_id
    end
    -- What came of the task may stand there as the JSON that it is: we keep its text as a string.
    for _, name in ipairs({'result', 'error'}) do
        local value = field[name]
        if value and value ~= 'null' then
            later = later .. ',"' .. name .. '":' .. (string.byte(value) == 34 and value or quoted(value))
        end
    end
    if later ~= '' or attempt ~= '0' then
        later = ',"attempt":' .. attempt .. later
    end
    answered = {
        '{"task_id":' .. quoted(id) .. ',"service":' .. field.service .. ',"user_id":' .. field.user_id ..
            ',"parameters":' .. field.parameters .. table.concat(others),
        priority, status, enqueued_at, updated_at, later, id,
    }
    return answered
end

-- split(record) -> front, priority, status, enqueued_at, updated_at, later | nil where the text is no record.
-- A record in our form is taken at its word; read() is who does not.
local function split(record)
    if not record then
        return nil
    end
    local start, priority, status, enqueued_at, updated_at, later = tail(record)
    if start and has_front(record) then
        return string.sub(record, 1, start - 1), priority, status, enqueued_at, updated_at, later
    end
    return unpack(in_our_form(record) or {}, 1, 6)
end

-- read(record, id) -> what split() says of a record that both doors can read, and whose task has that id | nil; and in either
-- case whether it had to be read as JSON.
-- Ours has its id in front and times of our form, and is well-formed by construction; any other is looked at closely before
-- anything is done with it.
local function read(record, id)
    local front, priority, status, enqueued_at, updated_at, later = split(record)
    if not front then
        return nil, nil, nil, nil, nil, nil, true
    end
    local start = '{"task_id":' .. quoted(id) .. ','
    if string.sub(front, 1, #start) == start and are_known(priority, status) and
        is_own_time(enqueued_at) and is_own_time(updated_at) then
        return front, priority, status, enqueued_at, updated_at, later, asked == record
    end
    local parts = in_our_form(record)
    if not parts or parts[7] ~= id then
        return nil, nil, nil, nil, nil, nil, true
    end
    front, priority, status, enqueued_at, updated_at, later = unpack(parts, 1, 6)
    return front, priority, status, enqueued_at, updated_at, later, true
end

local function join(front, priority, status, enqueued_at, updated_at, later)
    return front .. ',"priority":"' .. priority .. '","status":"' .. status .. '","enqueued_at":"' .. enqueued_at ..
        '","updated_at":"' .. updated_at .. '"' .. later .. '}'
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
