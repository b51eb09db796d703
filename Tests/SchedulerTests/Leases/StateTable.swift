import DMSModel
import Foundation
import Scheduler
import TestSupport
import Testing

/// The table of `Proto/PROTOCOL.md` that says what each call does in each state, as it stands there.
struct StateTable {
    /// A row: a state, and for each call what it does there.
    struct Row: Sendable, CustomTestStringConvertible {
        var state: String
        var cells: [String: String]

        var testDescription: String { state }
    }

    static let calls = ["Cancel", "SetPriority", "Ack", "Renew", "Return", "Finish"]

    /// Every row of the document; none where it has no such table, which the tests notice.
    static let rows: [Row] = {
        let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        guard let text = try? String(contentsOf: project.appending(path: "Proto/PROTOCOL.md"), encoding: .utf8),
            let header = text.range(of: "| the task is | " + calls.joined(separator: " | ") + " |\n")
        else { return [] }
        let lines = text[header.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropFirst().prefix { $0.hasPrefix("|") }.map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return Row(state: cells[0], cells: Dictionary(uniqueKeysWithValues: zip(calls, cells.dropFirst())))
        }
    }()
}

/// A task in one of the table's states, and the token that is right for its holder there.
struct TaskInState {
    var id: String
    var token: String

    var reference: LeaseReference { LeaseReference(taskID: TaskID(id), token: token) }

    func with(token: String) -> LeaseReference { LeaseReference(taskID: TaskID(id), token: token) }
}

/// The ways in which a task comes into a state of the table.
enum StatePath: String, Sendable, CaseIterable {
    case unknown
    case neverHandedOut
    case leaseOverAndBack
    case returned
    case dispatched
    case leased
    case acknowledged
    case leaseOver
    case leasedThenCanceled
    case acknowledgedThenCanceled
    case returnedThenCanceled
    case queuedThenCanceled
    case dispatchedThenCanceled
    case leasedThenCompleted
    case leasedThenFailed
    case dispatchedThenCompleted
    case dispatchedThenFailed

    /// The ways into the state that the table names so.
    static func into(_ state: String) -> [StatePath] {
        switch state {
        case "unknown": [.unknown]
        case "queued, never handed out or lease over": [.neverHandedOut, .leaseOverAndBack]
        case "queued, returned with this token": [.returned]
        case "dispatched without a lease": [.dispatched]
        case "leased": [.leased]
        case "acknowledged": [.acknowledged]
        case "lease over, not yet back": [.leaseOver]
        case "canceled, was leased or acknowledged": [.leasedThenCanceled, .acknowledgedThenCanceled]
        case "canceled, returned with this token before": [.returnedThenCanceled]
        case "canceled, had no lease": [.queuedThenCanceled, .dispatchedThenCanceled]
        case "completed or failed, under a lease": [.leasedThenCompleted, .leasedThenFailed]
        case "completed or failed, without": [.dispatchedThenCompleted, .dispatchedThenFailed]
        default: []
        }
    }
}

extension Harness {
    /// Brings a task of that id into the state; no other task may be queued.
    func make(_ path: StatePath, _ id: String) async throws -> TaskInState {
        guard path != .unknown else { return TaskInState(id: id, token: "t") }
        try await enqueue(id)
        var task = TaskInState(id: id, token: "")
        switch path {
        case .unknown, .neverHandedOut, .queuedThenCanceled: break
        case .dispatched, .dispatchedThenCanceled, .dispatchedThenCompleted, .dispatchedThenFailed:
            guard try await nextIDs() == [id] else { throw TestFailure("another task was queued") }
        default:
            task.token = try await leaseOne().leaseToken
        }
        switch path {
        case .leaseOverAndBack:
            try await endLease(id)
            try await eventually { try await get(id).record.status == .queued }
        case .returned, .returnedThenCanceled: try await giveBack(task.reference)
        case .acknowledged, .acknowledgedThenCanceled: _ = try await ack(task.reference)
        case .leaseOver:
            // Whoever puts tasks back has to count them, and can't.
            try await redis.call("HSET", "dms:stats", "requeued", "none")
            try await endLease(id)
        default: break
        }
        switch path {
        case .leasedThenCanceled, .acknowledgedThenCanceled, .returnedThenCanceled, .queuedThenCanceled,
            .dispatchedThenCanceled:
            _ = try await cancel(id)
        case .leasedThenCompleted, .dispatchedThenCompleted: try await finish(task.reference, result: "1")
        case .leasedThenFailed, .dispatchedThenFailed: try await finish(task.reference, error: "no")
        default: break
        }
        return task
    }

    private func endLease(_ id: String) async throws {
        try await redis.call("ZADD", "dms:leases", "XX", "1", id)
    }
}
