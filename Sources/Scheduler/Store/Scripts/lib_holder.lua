-- Library: the end of a record, of which a long one is not read whole.

-- tail_of(key) -> what tail() says, but of the record's end only, so the place means nothing. Of a long record it reads little.
local function tail_of(key)
    local text = redis.pcall('GETRANGE', key, -2048, -1)
    if type(text) ~= 'string' then
        -- Something else than a record.
        return nil
    end
    local start, priority, status, enqueued_at, updated_at, later = tail(text)
    if not start and #text == 2048 then
        -- A result may be longer than that.
        text = redis.call('GET', key)
        start, priority, status, enqueued_at, updated_at, later = tail(text)
    end
    local parts = not start and in_our_form(text)
    if parts then
        return 1, unpack(parts, 2, 6)
    end
    return start, priority, status, enqueued_at, updated_at, later
end

-- holder_of(key) -> status, lease or '', lease_ms, whether its answer is kept | nil where there is no record: who has the task.
-- Reads little of a long one.
local held_shape = '^,"priority":"%l+","status":"(%l+)","enqueued_at":"[^"]*","updated_at":"[^"]*",' ..
    '"attempt":%d+,"lease":"([%w_-]*)","lease_ms":(%d+)(.*)}$'
local function holder_of(key)
    local text = redis.pcall('GETRANGE', key, -512, -1)
    if type(text) == 'string' and string.byte(text, -1) == 125 then
        -- As in tail(); what follows the lease is a name, or what came of the task, and ends with the brace.
        local start = string.find(text, ',"priority":"', 1, true)
        if start and not string.find(text, ',"priority":"', start + 1, true) then
            local status, lease, length, rest = string.match(text, held_shape, start)
            if status and is_rest(rest) then
                return status, lease, tonumber(length), string.find(rest, ',"request_id":"', 1, true) ~= nil
            end
        end
    end
    local start, _, status, _, _, later = tail_of(key)
    if not start then
        return nil
    end
    local _, _, lease, length, rest = later_fields(later)
    return status, lease, length, string.find(rest, ',"request_id":"', 1, true) ~= nil
end
