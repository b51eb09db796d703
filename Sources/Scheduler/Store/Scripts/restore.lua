-- Look again at ids that were set aside: whose record can be read by now goes to the tail of its queue.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7] STRING sequence
-- KEYS[8] SET ids that were set aside
-- ARGV[1] the records' key prefix   ARGV[2] the largest record that is handed out   ARGV[3] the channel that wakes who waits
-- ARGV[4] bytes of records after which no further one is read   ARGV[5…] ids
-- Returns {how many of the ids were looked at, how many went back to their queues}
local prefix, bytes_max, bytes_left = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local lists, positions = {KEYS[1], KEYS[2], KEYS[3]}, {KEYS[4], KEYS[5], KEYS[6]}
local numbers = {high = 1, mid = 2, low = 3}
-- A key of the wrong type must raise here, before anything is written.
check_types(lists, positions)
redis.call('SCARD', KEYS[8])
local looked, back = 0, 0
for word = 5, #ARGV do
    local id = ARGV[word]
    if bytes_left <= 0 then
        break
    end
    looked = looked + 1
    -- Unlike GET, MGET takes a key of another type for a missing one.
    local record = redis.call('MGET', prefix .. id)[1]
    bytes_left = bytes_left - (record and #record or 0)
    -- Read as JSON, also where it is in our form: as somebody else than Lua found out, that may be no JSON inside.
    local parts = record and in_our_form(record)
    local front, priority, status
    if parts and parts[7] == id then
        front, priority, status = parts[1], parts[2], parts[3]
    end
    if not record or front and status ~= 'queued' then
        redis.call('SREM', KEYS[8], id)
    elseif front and #record <= bytes_max then
        local queue = numbers[priority]
        -- Somebody else may have put it into its queue.
        if not redis.call('ZSCORE', positions[queue], id) and not redis.call('LPOS', lists[queue], id) then
            local number = take_numbers(KEYS[7], 1)
            append(lists[queue], positions[queue], tails_agree(lists[queue], positions[queue]), number, {id})
            back = back + 1
        end
        redis.call('SREM', KEYS[8], id)
    end
end
if back > 0 then
    redis.pcall('PUBLISH', ARGV[3], back)
end
return {looked, back}
