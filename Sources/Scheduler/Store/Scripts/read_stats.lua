-- Read the counters and the queues' lengths in one step. Only reads: it runs on a replica too.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7..9] ZSET their marks   KEYS[10] HASH stats
-- KEYS[11] ZSET leases   KEYS[12] SET ids that were set aside
-- ARGV[1] the records' key prefix (which ids are next is known only here)
-- Returns {tasks in high, mid, low, leases that run, {enqueued_at of the first tasks of the queues}, queued, dispatched, canceled,
--   last_updated, completed, failed, requeued, ids that were set aside}; what was never set is nil
local counters = redis.call('HMGET', KEYS[10], 'queued', 'dispatched', 'canceled', 'last_updated', 'completed', 'failed',
    'requeued')
-- The oldest task stands at a head, but for dead ids, marks, tasks that came back and tasks of another queue that were moved:
-- so more than the heads are looked at. A task that was moved to a long queue is not seen before it comes forward.
local heads = {}
for queue = 1, 3 do
    for _, id in ipairs(redis.call('LRANGE', KEYS[queue], 0, 15)) do
        local front, _, status, enqueued_at = tail_of(ARGV[1] .. id)
        if front and status == 'queued' then
            heads[#heads + 1] = enqueued_at
        end
    end
end
local answer = {}
for queue = 1, 3 do
    answer[queue] = queued(KEYS[queue], KEYS[3 + queue], KEYS[6 + queue])
end
answer[4], answer[5] = redis.call('ZCOUNT', KEYS[11], '-inf', '(+inf'), heads
for index = 1, 7 do
    answer[5 + index] = counters[index]
end
answer[13] = redis.call('SCARD', KEYS[12])
return answer
