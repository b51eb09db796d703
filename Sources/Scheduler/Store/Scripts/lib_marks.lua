-- Library: marks in a queue.
--
-- Removing an id from the middle of a list takes a walk through it. It is marked instead: the list has `mark` in its place,
-- which is no id; the index has a member of its own there, a NUL and the sequence number; and these members are in a third
-- key too, a sorted set of the marks of the queue. So the rank of an id in the index is its place in the list, marks and all,
-- and a position, as people count, leaves out the marks in front of it. A mark goes when it comes to an end of the list.
local mark = '\0gone'

local function is_mark(member)
    return member ~= nil and string.byte(member) == 0
end

-- Takes the marks among the first so many of an index off it.
local function drop_marks(positions, marks, length)
    local gone = {}
    for _, member in ipairs(redis.call('ZRANGE', positions, 0, length - 1)) do
        if is_mark(member) then
            gone[#gone + 1] = member
        end
    end
    for start = 1, #gone, 1000 do
        local last = math.min(start + 999, #gone)
        redis.call('ZREM', positions, unpack(gone, start, last))
        redis.call('ZREM', marks, unpack(gone, start, last))
    end
end
