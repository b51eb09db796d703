import RedisLink

/// The Lua scripts, each with the libraries that it uses in front of it.
enum StoreScripts {
    static let enqueue = script("enqueue", [stats, positions, PackageResources.enqueue_lua])
    static let handOut = script(
        "hand_out", [record, stats, marks, leases, places, answers, PackageResources.hand_out_lua])
    static let putBack = script("put_back", [record, stats, requeue, answers, PackageResources.put_back_lua])
    static let endLeases = script(
        "end_leases", [record, stats, requeue, ends, settle, PackageResources.end_leases_lua], awaitsReplicas: false)
    static let ack = script("ack", [holder, ends, settle, PackageResources.ack_lua])
    static let renew = script("renew", [holder, ends, places, PackageResources.renew_lua])
    static let `return` = script(
        "return", [record, stats, requeue, ends, settle, PackageResources.return_lua])
    static let finish = script("finish", [record, stats, ends, settle, PackageResources.finish_lua])
    static let readTask = script("read_task", [record, positions, PackageResources.read_task_lua], readOnly: true)
    static let cancel = script("cancel", [record, owner, stats, positions, settle, PackageResources.cancel_lua])
    static let setPriority = script("set_priority", [record, positions, PackageResources.set_priority_lua])
    static let setBlock = script("set_block", [PackageResources.set_block_lua])
    static let readOverview = script(
        "read_overview", [positions, PackageResources.read_overview_lua], readOnly: true)
    static let readStats = script("read_stats", [holder, positions, PackageResources.read_stats_lua], readOnly: true)
    static let mendPositions = script(
        "mend_positions", [positions, PackageResources.mend_positions_lua], awaitsReplicas: false)
    static let list = script("list", [record, owner, positions, PackageResources.list_lua], readOnly: true)
    static let indexTasks = script("index_tasks", [record, PackageResources.index_tasks_lua], awaitsReplicas: false)
    static let markIndex = script("mark_index", [PackageResources.mark_index_lua], awaitsReplicas: false)

    static let setAside = script("set_aside", [record, stats, answers, PackageResources.set_aside_lua])
    static let restore = script("restore", [record, positions, PackageResources.restore_lua], awaitsReplicas: false)

    /// All of them: what a connection loads before it is used.
    static let all = [
        enqueue, handOut, putBack, endLeases, ack, renew, `return`, finish, readTask, cancel, setPriority, setBlock,
        readOverview, readStats, mendPositions, list, indexTasks, markIndex, setAside, restore,
    ]

    private static let leases = PackageResources.lib_leases_lua
    private static let ends = leases + PackageResources.lib_ends_lua
    /// Records need times, and JSON where another program wrote them.
    private static let record =
        PackageResources.lib_json_lua + PackageResources.lib_time_lua + PackageResources.lib_record_lua
    /// The end of a record needs records.
    private static let holder = record + PackageResources.lib_holder_lua
    private static let owner = PackageResources.lib_owner_lua
    private static let marks = PackageResources.lib_marks_lua
    /// Positions need marks.
    private static let positions = marks + PackageResources.lib_positions_lua
    private static let stats = PackageResources.lib_stats_lua
    private static let places = PackageResources.lib_places_lua
    /// To go back to a place in a queue needs both.
    private static let requeue = positions + places + PackageResources.lib_requeue_lua
    private static let answers = PackageResources.lib_answers_lua
    private static let settle = PackageResources.lib_settle_lua

    /// `awaitsReplicas` is false where nobody is told of what was done, and where it is done again when it was lost.
    private static func script(
        _ name: String, _ parts: [[UInt8]], readOnly: Bool = false, awaitsReplicas: Bool = true
    ) -> RedisScript {
        let source = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        return RedisScript(name: name, source: source, readOnly: readOnly, awaitsReplicas: awaitsReplicas)
    }
}
