-- Library: back into a queue, which needs places and positions.

-- Among how many tasks that came back before and still stand at the head another one finds its place.
local standing_max = 5000
-- How many entries of a list one call may walk over to insert a few ids.
local walk_max = 50000

-- Puts ids to a list's head, the first of them first.
local function push(list, ids)
    for last = #ids, 1, -1000 do
        local reversed = {}
        for number = last, math.max(last - 999, 1), -1 do
            reversed[#reversed + 1] = ids[number]
        end
        redis.call('LPUSH', list, unpack(reversed))
    end
end

-- Writes ids to a list at the ranks that the index gives them; both are sorted.
local function insert(list, positions, ids, ranks)
    local walk, pivots = 0, {}
    for index, rank in ipairs(ranks) do
        walk = walk + rank
        if walk > walk_max then
            break
        end
        pivots[index] = rank > 0 and redis.call('ZRANGE', positions, rank - 1, rank - 1)[1]
        if is_mark(pivots[index] or nil) then
            walk = math.huge
            break
        end
    end
    if walk <= walk_max then
        for index, id in ipairs(ids) do
            -- A list that another program wrote may lack what the index knows.
            if not pivots[index] or redis.call('LINSERT', list, 'AFTER', pivots[index], id) < 1 then
                redis.call('LPUSH', list, id)
            end
        end
        return
    end
    -- Many at once: what stands between them is taken off, and goes back with them.
    local standing = ranks[#ranks] + 1 - #ids
    if standing <= 0 then
        push(list, ids)
        return
    end
    local old = redis.call('LRANGE', list, 0, standing - 1)
    redis.call('LTRIM', list, standing, -1)
    local merged, next_id, next_old = {}, 1, 1
    for rank = 0, ranks[#ranks] do
        if ranks[next_id] == rank then
            merged[#merged + 1] = ids[next_id]
            next_id = next_id + 1
        elseif old[next_old] then
            merged[#merged + 1] = old[next_old]
            next_old = next_old + 1
        end
    end
    push(list, merged)
end

-- Puts ids back into their queue, each at its place; `places[n]` is false where nobody knows it: that one goes to the head, in front
-- of all others, in the order given. So do those in front of which too many stand. Where the index does not know the list's head,
-- something else's work would be hidden: then it is dropped, and built anew when a position is asked for. Where there are marks it
-- cannot be dropped without a walk through the list; it goes without these ids then, and they go to the head.
local function requeue(list, positions, marks, ids, places)
    local first = redis.call('ZRANGE', positions, 0, 0, 'WITHSCORES')
    local agrees = same(redis.call('LINDEX', list, 0), first[1])
    if not agrees and redis.call('EXISTS', marks) == 0 then
        redis.call('UNLINK', positions)
        first, agrees = {}, true
    end
    local lowest = tonumber(first[2] or 1)
    local order, front = {}, {}
    for number = 1, #ids do
        local known = places[number]
        local here = known and order or front
        here[#here + 1] = {ids[number], known and known - taken_offset, number}
    end
    table.sort(order, function(left, right)
        return left[2] < right[2] or left[2] == right[2] and left[3] < right[3]
    end)
    local deep = #order
    while agrees and deep > 0 and order[deep][2] >= lowest and
        redis.call('ZCOUNT', positions, '-inf', string.format('(%d', order[deep][2])) > standing_max do
        deep = deep - 1
    end
    for number = deep + 1, #order do
        front[#front + 1] = order[number]
        order[number] = nil
    end
    local score = math.min(lowest, order[1] and order[1][2] or 1, 1) - #front - 1
    local sorted, members = {}, {}
    for number = 1, #front + #order do
        local task = front[number] or order[number - #front]
        score = number > #front and math.max(task[2], score + 1) or score + 1
        sorted[number] = task[1]
        members[2 * number - 1] = string.format('%d', score)
        members[2 * number] = task[1]
    end
    if not agrees then
        for start = 1, #sorted, 1000 do
            redis.call('ZREM', positions, unpack(sorted, start, math.min(start + 999, #sorted)))
        end
        push(list, sorted)
        return
    end
    for start = 1, #members, 1000 do
        redis.call('ZADD', positions, unpack(members, start, math.min(start + 999, #members)))
    end
    if score < lowest then
        push(list, sorted)
        return
    end
    local ranks = {}
    for number, id in ipairs(sorted) do
        ranks[number] = redis.call('ZRANK', positions, id)
    end
    insert(list, positions, sorted, ranks)
end
