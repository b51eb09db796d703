-- Library: whose a task is.

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
