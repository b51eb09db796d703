-- Library: tasks are counted off the answers that are kept to be repeated (lib_answers.lua), which are forgotten once none is left.

local left_length = 33
-- A repetition of a request whose tasks are all settled is a late duplicate: for so many milliseconds it gets nothing. Behind that
-- the leases of what it takes bring it back; where there were none, it gets nothing as long as the answer would have been kept.
local settled_kept = 30000

-- names_answer(later) -> whether the answer that a task came with is kept; no quote stands bare inside a string
local function names_answer(later)
    return string.find(later, ',"request_id":"', 1, true) ~= nil
end

-- is_unsettled(leases, id, later) -> whether a dispatched task is to be counted where its answer is kept: whoever acknowledged it
-- has settled it
local function is_unsettled(leases, id, later)
    return names_answer(later) and redis.call('ZSCORE', leases, id) ~= 'inf'
end

-- settle(prefix, tasks) counts tasks off their kept answers: of each its updated_at as it was handed out, and its later fields.
-- An answer of which none is left is known to have arrived, and is forgotten. Another one may be kept in its place by now.
local function settle(prefix, tasks)
    if not tasks[1] then
        return
    end
    local counts, is_leased = {}, {}
    for _, task in ipairs(tasks) do
        local submitter, request = string.match(task[2], '"submitter_id":(".*"),"request_id":(".*")$')
        request = request or string.match(task[2], ',"request_id":(".*")$')
        local decoded, names = pcall(cjson.decode, '[' .. (submitter or '""') .. ',' .. (request or '') .. ']')
        if decoded and names[2] then
            local key = prefix .. #names[1] .. ':' .. names[1] .. ':' .. names[2]
            counts[key] = counts[key] or {}
            is_leased[key] = string.find(task[2], ',"lease":"', 1, true) or is_leased[key]
            counts[key][task[1]] = (counts[key][task[1]] or 0) + 1
        end
    end
    for key, times in pairs(counts) do
        local text = redis.pcall('GETRANGE', key, -left_length, -1)
        local unpacked, left, at = pcall(cmsgpack.unpack, text)
        local settled = unpacked and type(left) == 'number' and times[at]
        if settled and settled >= left then
            redis.call('SET', key, cmsgpack.pack({tasks = {}, given = {}, lease = '', settled = true}), 'KEEPTTL')
            if is_leased[key] then
                redis.call('PEXPIRE', key, settled_kept)
            end
        elseif settled then
            redis.call('SETRANGE', key, redis.call('STRLEN', key) - left_length + 1, struct.pack('>I4', left - settled))
        end
    end
end
