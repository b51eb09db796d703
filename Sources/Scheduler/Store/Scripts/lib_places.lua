-- Library: the places of tasks that come back to their queues.
--
-- A task's place is its number among all that were ever taken off queues: as many as are counted as dispatched and as undelivered
-- before that call, and its own number in the call. Tasks are taken from the head, so whoever was taken earlier stood in front, and
-- all that were taken stood in front of all that were not. A lease's token ends in `-` and its task's place. A task that comes back
-- gets its place, less 2^52, as its score in the index of positions, where sequence numbers begin at 1; so it keeps it when it is
-- taken again.
local taken_offset = 2 ^ 52

-- place_of(token) -> the place that a lease's token tells | nil: it is an earlier version's, which has 22 letters
local function place_of(token)
    -- Behind 128 bits in 22 letters, or a hash in 40; a task that went in front of all others has a place below 1.
    return tonumber(string.match(token, '^%-(%-?%d+)$', 23) or string.match(token, '^%-(%-?%d+)$', 41))
end

-- kept_place(score) -> the place of a task that came back before | nil: it never did
local function kept_place(score)
    local number = score and tonumber(score)
    return number and number < 1 and number + taken_offset or nil
end
