-- Make the index of tasks by time say of some ids what the set of known ids and their records say.
-- KEYS[1] ZSET ids by enqueued_at   KEYS[2] SET ids that the index leaves out   KEYS[3] SET every known id
-- ARGV[1] the records' key prefix   ARGV[2] bytes of records after which no further one is read   ARGV[3…] ids
-- Returns {how many of the ids were looked at, ids put in, ids taken out, {ids that are left out from now on}}
local prefix, bytes_left = ARGV[1], tonumber(ARGV[2])
-- A key of the wrong type must raise here, before anything is written.
redis.call('ZCARD', KEYS[1])
redis.call('SCARD', KEYS[3])
local leaves_out = redis.call('SCARD', KEYS[2]) > 0

-- The record's score in the index; nil where nobody can read it.
local function score(id)
    -- Unlike GET, MGET takes a key of another type for a missing one.
    local record = redis.call('MGET', prefix .. id)[1]
    local front, _, _, enqueued_at = read(record, id)
    if not front then
        return nil
    end
    local seconds, microseconds = moment(enqueued_at)
    return string.format('%.0f', seconds * 1000000 + microseconds)
end

local looked, added, removed, left_out = 0, 0, 0, {}
for position = 3, #ARGV do
    local id = ARGV[position]
    if redis.call('SISMEMBER', KEYS[3], id) == 0 then
        removed = removed + redis.call('ZREM', KEYS[1], id)
        redis.call('SREM', KEYS[2], id)
    elseif redis.call('ZSCORE', KEYS[1], id) then
        if leaves_out then
            redis.call('SREM', KEYS[2], id)
        end
    else
        if bytes_left <= 0 then
            break
        end
        local size = redis.pcall('STRLEN', prefix .. id)
        bytes_left = bytes_left - (type(size) == 'number' and size or 0)
        local time = score(id)
        if time then
            added = added + redis.call('ZADD', KEYS[1], time, id)
            redis.call('SREM', KEYS[2], id)
        elseif redis.call('SADD', KEYS[2], id) == 1 then
            left_out[#left_out + 1] = id
        end
    end
    looked = looked + 1
end
return {looked, added, removed, left_out}
