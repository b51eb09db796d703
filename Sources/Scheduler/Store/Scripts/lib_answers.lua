-- Library: answers to a Next that are kept to be repeated.
--
-- A kept answer is a MessagePack map, and behind it what is left of it: how many of its tasks nobody has settled yet, in 5 bytes, and
-- the time of its hand-out, in 28. A task is settled when it is acknowledged, finished, canceled or returned, or when its lease ends.
-- The record of a task whose answer is kept names the request; that and the time say which answer is its own.
-- kept_answer(key) -> what the answer to a Next that is kept there says | nil; whatever else stands there is no answer.
-- `given` has the names of the calls that may have got it, `gone` those of calls that were given up before it was known whether
-- they took anything; one that only knows of these has no tasks, and one that is `settled` neither. Of a task it has the id, the
-- priority, `attempt` and `returned`, and either its token or, without a lease, its place; an answer of one task, and an earlier
-- version's, has the token itself, in `lease`.
local function kept_answer(key)
    local text = redis.call('MGET', key)[1]
    if not text then
        return nil
    end
    local unpacked, answer, left = pcall(cmsgpack.unpack, text)
    if unpacked and type(answer) == 'table' and type(answer.tasks) == 'table' and type(answer.given) == 'table' then
        answer.left = left
        return answer
    end
    return nil
end

-- answer_text(answer) -> the text that it is kept as
local function answer_text(answer)
    local left = answer.left
    answer.left = nil
    local text = cmsgpack.pack(answer)
    answer.left = left
    return left and text .. '\206' .. struct.pack('>I4', left) .. cmsgpack.pack(answer.at) or text
end

-- token_in(answer, task) -> the token of one of its tasks, or ''
local function token_in(answer, task)
    return type(task[5]) == 'string' and task[5] or answer.lease or ''
end

-- An answer is given to one more call. Once it was given to very many it is nobody's to take back, so that it stays small.
local function note_given(answer, name)
    local known = 0
    for _ in pairs(answer.given) do
        known = known + 1
    end
    answer.given[known < 32 and name or '*'] = true
end
