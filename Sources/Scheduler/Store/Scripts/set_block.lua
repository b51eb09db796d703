-- Open or close the queues for new submissions.
-- KEYS[1] STRING block flag
-- ARGV[1] true or false   ARGV[2] 1: the earlier reason stays, 0: it does not   ARGV[3] reason as JSON (a string or null)
-- ARGV[4] now, RFC 3339
-- Returns the flag's new text
local reason = ARGV[3]
if ARGV[2] == '1' then
    local earlier = redis.call('GET', KEYS[1])
    local decoded, fields = pcall(cjson.decode, earlier or '')
    if decoded and type(fields) == 'table' and type(fields.reason) == 'string' then
        reason = cjson.encode(fields.reason)
    end
end
local flag = '{"blocked":' .. ARGV[1] .. ',"reason":' .. reason .. ',"updated_at":"' .. ARGV[4] .. '"}'
-- Redis allows this even when its memory is full, and then allows the rest of the script.
redis.call('PERSIST', KEYS[1])
redis.call('SET', KEYS[1], flag)
return flag
