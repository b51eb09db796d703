-- Read the counters and the queues' lengths in one step. Only reads: it runs on a replica too.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4] HASH stats
-- Returns {lengths of high, mid, low, queued, dispatched, canceled, last_updated}; what was never set is nil
local counters = redis.call('HMGET', KEYS[4], 'queued', 'dispatched', 'canceled', 'last_updated')
return {
    redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2]), redis.call('LLEN', KEYS[3]),
    counters[1], counters[2], counters[3], counters[4],
}
