-- Say whether the index of tasks by time is complete, and mark it so.
-- KEYS[1] ZSET ids by enqueued_at   KEYS[2] SET ids that the index leaves out   KEYS[3] SET every known id
-- KEYS[4] STRING there once the index is complete
-- ARGV[1] check: marks nothing | agrees: marks it where the numbers agree | always: marks it
-- Returns {1 it is marked or 0, how many ids more are known than indexed or left out}
local missing = redis.call('SCARD', KEYS[3]) - redis.call('ZCARD', KEYS[1]) - redis.call('SCARD', KEYS[2])
if ARGV[1] == 'always' or ARGV[1] == 'agrees' and missing == 0 then
    redis.call('SET', KEYS[4], '1')
end
return {redis.call('EXISTS', KEYS[4]), missing}
