import DMSModel
import FaultLedger
import Foundation
import NIOCore
import TestSupport

/// One connection to the REST door, one call at a time.
final class RESTDoor {
    private static let patience = TimeAmount.seconds(4)

    private let port: Int
    private var connection: HTTPConnection?

    init(port: Int) { self.port = port }

    /// Makes a request; what a good answer says is made by the body, what a refusal means by the table.
    func call(
        _ method: String, _ target: String, _ body: String? = nil, wait: TimeAmount = .zero,
        refusals: [Int: SchedulerError.Reason] = [:], _ read: (HTTPAnswer) -> Answer?
    ) async throws -> Outcome {
        guard let connection = await connect() else { return .notDone("no connection") }
        let limit = connection.fail(in: RESTDoor.patience + wait)
        defer { limit.cancel() }
        let answer: HTTPAnswer
        do {
            answer = try await connection.call(
                method, target, headers: [("X-DMS-Operator-Token", SchedulerProcess.token)],
                body: body.map { ByteBuffer(string: $0) })
        } catch let error as HTTPConnection.Failure {
            await close()
            if case .malformed(let text) = error { throw StrangeAnswer(description: "no HTTP: \(text)") }
            return .unknown("connection lost")
        } catch {
            await close()
            return .unknown("connection lost: \(error)")
        }
        if answer.headers["connection"] == "close" { await close() }
        if (200..<300).contains(answer.status) {
            guard let answer = read(answer) else {
                throw StrangeAnswer(description: "\(method) \(target) was answered \(answer.text)")
            }
            return .done(answer)
        }
        // What a request is told whose end was cut off.
        if answer.status == 400, answer.text.contains("Bad Request") { return .notDone("cut off on the way") }
        if let reason = refusals[answer.status] { return .refused(reason) }
        switch answer.status {
        case 503 where answer.text.contains("blocked"): return .refused(.submissionsBlocked)
        case 429, 503, 507: return .notDone("\(answer.status) \(answer.text)")
        case 500, 504: return .unknown("\(answer.status) \(answer.text)")
        default: throw StrangeAnswer(description: "\(method) \(target) was answered \(answer.status) \(answer.text)")
        }
    }

    private func connect() async -> HTTPConnection? {
        if let connection { return connection }
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port) else { return nil }
        connection = try? await HTTPConnection.open(address, closingAfter: .minutes(30))
        return connection
    }

    func close() async {
        try? await connection?.close()
        connection = nil
    }
}

extension SeenTask {
    /// A record as the REST door shows it; a result of ours is a JSON string, which is shown as one.
    init?(shown json: ByteBuffer, headers: [String: String] = [:]) {
        guard let record = TaskRecord(json: json) else { return nil }
        let token = headers["x-dms-lease-token"] ?? ""
        let end = headers["x-dms-lease-expires-at"].flatMap { Timestamp(text: $0) }
        self.init(record, token: token, leaseEndsAt: end?.microseconds)
        if status == .completed, !text.isEmpty { text = "\"\(text)\"" }
    }

    /// The record inside an answer to `GET /tasks/{id}`.
    init?(summary: ByteBuffer) {
        guard let text = try? JSONText(summary, nestingMax: 16), let record = text["record"] else { return nil }
        self.init(shown: text.slice(record.value.range))
    }
}

/// A page of `GET /tasks`, as far as it is looked at.
struct ShownPage: Decodable {
    struct Item: Decodable {
        var task_id: String
    }

    var tasks: [Item]
    var next_cursor: String?
}

/// What `GET /stats` shows, as far as it is looked at.
struct ShownCounters: Decodable {
    var queued: Int
    var dispatched: Int
    var canceled: Int
}
