-- Library: marks in a queue.
--
-- Removing an id from the middle of a list takes a walk through it. It is marked instead: the list has `mark` in its place,
-- which is no id; the index has a member of its own there, a NUL and the sequence number; and these members are in a third
-- key too, a sorted set of the marks of the queue. So the rank of an id in the index is its place in the list, marks and all,
-- and a position, as people count, leaves out the marks in front of it. A mark goes when it comes to an end of the list.
-- The third key and the index are dropped together only, and then the list's marks go too: it would say something false else.
local mark = '\0gone'

local function is_mark(member)
    return member ~= nil and string.byte(member) == 0
end

-- drop_marks(positions, marks, number) -> whether there were so many: the list's first so many marks go from both keys.
local function drop_marks(positions, marks, number)
    local gone = redis.call('ZRANGE', marks, 0, number - 1)
    for start = 1, #gone, 1000 do
        local last = math.min(start + 999, #gone)
        redis.call('ZREM', positions, unpack(gone, start, last))
        redis.call('ZREM', marks, unpack(gone, start, last))
    end
    return #gone == number
end

-- Drops a queue's index, and the marks with it: nobody would know how many they are. It is built anew when a position is
-- asked for.
local function drop_index(list, positions, marks)
    redis.call('UNLINK', positions, marks)
    redis.call('LREM', list, 0, mark)
end
