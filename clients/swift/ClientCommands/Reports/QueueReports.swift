public import DMSModel
public import DMSWire
import NIOCore

extension CommandReport {
    /// How many tasks are queued.
    public static func overview(_ overview: QueueOverview) -> CommandReport {
        var table = Table(alignsRight: true)
        table.add("high", overview.high)
        table.add("mid", overview.mid)
        table.add("low", overview.low)
        table.add("total", overview.total)
        return CommandReport(text: table.text) { overview.writeJSON(into: &$0) }
    }

    /// The counters, and how many tasks are queued.
    public static func statistics(_ statistics: Statistics) -> CommandReport {
        var table = Table(alignsRight: true)
        table.add("Submitted", statistics.queued)
        table.add("Handed out", statistics.dispatched)
        table.add("Handed back", statistics.requeued)
        table.add("Canceled", statistics.canceled)
        table.add("Completed", statistics.completed)
        table.add("Failed", statistics.failed)
        table.add("Queued now", statistics.overview.total)
        table.add("  high", statistics.overview.high)
        table.add("  mid", statistics.overview.mid)
        table.add("  low", statistics.overview.low)
        table.add("Leased now", statistics.leased)
        table.add("Submitters waiting now", statistics.waitingSubmitters)
        var text = table.text
        if let oldest = statistics.oldestQueuedAt { text += "\nOldest queued task: \(oldest)" }
        text += "\nLast change: \(statistics.lastUpdated.map { "\($0)" } ?? "never")"
        return CommandReport(text: text) { statistics.writeAllJSON(into: &$0) }
    }

    /// Whether submissions are blocked.
    public static func block(_ state: BlockState) -> CommandReport {
        var text = state.blocked ? "Submissions are blocked" : "Submissions are open"
        if let updatedAt = state.updatedAt { text += " since \(updatedAt)" }
        // A reason outlives its block, and then says why there was one.
        if let reason = state.reason, !reason.isEmpty {
            text += "\nReason: \(PrintableText.lines(reason).joined(separator: "\n        "))"
        }
        return CommandReport(text: text) { state.writeJSON(into: &$0) }
    }

    /// Whether the scheduler serves; the exit status says it too.
    public static func health(_ status: ServingStatus) -> CommandReport {
        let name =
            switch status {
            case .unknown: "UNKNOWN"
            case .serving: "SERVING"
            case .notServing: "NOT_SERVING"
            case .serviceUnknown: "SERVICE_UNKNOWN"
            }
        return CommandReport(text: name, status: status == .serving ? .success : .refused) {
            $0.writeString("{\"status\":\"\(name)\"}")
        }
    }
}

extension Statistics {
    /// The fields that the REST door documents, and the later counters behind them.
    fileprivate func writeAllJSON(into json: inout ByteBuffer) {
        let text = { (moment: Timestamp?) in moment.map { "\"\($0)\"" } ?? "null" }
        json.writeString(
            """
            {"queued":\(queued),"dispatched":\(dispatched),"canceled":\(canceled),"last_updated":\(text(lastUpdated)),\
            "queue_overview":
            """)
        overview.writeJSON(into: &json)
        json.writeString(
            """
            ,"completed":\(completed),"failed":\(failed),"requeued":\(requeued),"leased":\(leased),\
            "waiting_submitters":\(waitingSubmitters),"oldest_queued_at":\(text(oldestQueuedAt))}
            """)
    }
}
