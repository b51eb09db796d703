-- Read the queues' lengths in one step. Only reads: it runs on a replica too.
-- KEYS[1..3] LIST queues high, mid, low   KEYS[4..6] ZSET their positions   KEYS[7..9] ZSET their marks
-- Returns {tasks in high, mid, low}
local lengths = {}
for queue = 1, 3 do
    lengths[queue] = queued(KEYS[queue], KEYS[3 + queue], KEYS[6 + queue])
end
return lengths
