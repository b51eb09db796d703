import Logging

extension StoreHealth {
    /// Something that the log is told.
    struct Line {
        var level: Logger.Level
        var message: Logger.Message
        var metadata: Logger.Metadata = [:]
    }
}

extension StoreHealth.Findings {
    /// What changed for an operator since the log was told last.
    func lines(since told: StoreHealth.Findings, _ response: EvictionResponse) -> [StoreHealth.Line] {
        var lines: [StoreHealth.Line] = []
        if (eviction, policy) != (told.eviction, told.policy), let line = evictionLine(since: told, response) {
            lines.append(line)
        }
        if (hasAppendOnlyFile, savesSnapshots) != (told.hasAppendOnlyFile, told.savesSnapshots),
            let line = persistenceLine(since: told)
        {
            lines.append(line)
        }
        if isReaderRelated == false, told.isReaderRelated != false {
            lines.append(
                StoreHealth.Line(
                    level: .error,
                    message: "The reader is another Redis, no replica of the writer: reads go to the writer",
                    metadata: ["setting": "REDIS_READER_URL"]))
        } else if isReaderRelated == true, told.isReaderRelated == false {
            lines.append(StoreHealth.Line(level: .notice, message: "The reader has the writer's data: reads go to it"))
        }
        return lines
    }

    private func evictionLine(since told: StoreHealth.Findings, _ response: EvictionResponse) -> StoreHealth.Line? {
        let metadata: Logger.Metadata = ["maxmemory-policy": "\(policy)", "wanted": "noeviction"]
        switch eviction {
        case .anything where response == .refuse:
            return StoreHealth.Line(
                level: .error, message: "Redis may evict tasks: submissions are refused", metadata: metadata)
        case .anything:
            return StoreHealth.Line(
                level: .warning, message: "Redis may evict tasks that were acknowledged", metadata: metadata)
        case .expiring:
            return StoreHealth.Line(
                level: .warning, message: "Redis may evict cached responses: a repeated Next may get other tasks",
                metadata: metadata)
        case .nothing where told.eviction != .nothing:
            return StoreHealth.Line(level: .notice, message: "Redis evicts nothing")
        case .nothing: return nil
        case nil:
            return StoreHealth.Line(
                level: .warning, message: "Redis does not say whether it evicts tasks: the user needs INFO")
        }
    }

    private func persistenceLine(since told: StoreHealth.Findings) -> StoreHealth.Line? {
        guard hasAppendOnlyFile == false, savesSnapshots != true else {
            let hadNone = told.hasAppendOnlyFile == false && told.savesSnapshots != true
            return hadNone ? StoreHealth.Line(level: .notice, message: "Redis keeps its data on disk again") : nil
        }
        let isCertain = savesSnapshots == false
        return StoreHealth.Line(
            level: .warning,
            message: isCertain
                ? "Redis keeps nothing on disk: all tasks are lost when it ends"
                : "Redis has no append-only file, and does not say whether it saves snapshots",
            metadata: ["wanted": "appendonly yes"])
    }
}
