public import DMSMetrics
import DMSModel
import NIOCore
import Scheduler
import Synchronization

extension RPCServer: MetricsSource {
    private static let requests = Metric(
        "dms_rpc_requests_total", .counter, "Calls of the binary door that ended, by method and gRPC code.")
    private static let durations = Metric(
        "dms_rpc_request_duration_seconds", .histogram,
        "From a call of the binary door to its answer; those that were made to wait are left out.")
    private static let timedOut = Metric(
        "dms_rpc_connections_timed_out_total", .counter,
        "Connections that were closed because the client was silent, or read nothing, for too long.")
    private static let ignoredFrames = Metric(
        "dms_rpc_frames_ignored_total", .counter, "Frames that meant nothing and were passed over.")

    /// Adds what the door counts; see ``DMSMetrics/MetricsSource``.
    public func show(on page: inout MetricsPage) async {
        gate.show(on: &page)
        page.add(RPCServer.timedOut, counters.timedOutConnections)
        page.add(RPCServer.ignoredFrames, counters.ignoredFrames)
        guard let (names, requests) = await requestCounts() else { return }
        for (number, operation) in requests.operations.enumerated() {
            let method = number < names.count ? "\(names[number].service)/\(names[number].method)" : "other"
            for (outcome, count) in operation.outcomes.sorted(by: { $0.key < $1.key }) {
                let code = StatusCode(rawValue: Int32(outcome)) ?? .unknown
                page.add(RPCServer.requests, count, ["method": method, "code": code.metricLabel])
            }
            page.add(RPCServer.durations, operation.durations, ["method": method])
        }
    }

    /// The methods, and what all loops counted of them; nil before the server runs.
    private func requestCounts() async -> (names: [MethodName], counts: RequestCounts)? {
        var sum: (names: [MethodName], counts: RequestCounts)?
        for loop in loops.withLock({ $0 }) {
            let counted = try? await loop.eventLoop.submit { (loop.value.router.names, loop.value.requests) }.get()
            // A loop that was shut down counts no more.
            guard let counted else { continue }
            if sum == nil { sum = counted } else { sum?.counts.add(counted.1) }
        }
        return sum
    }
}

extension StatusCode {
    /// The code as gRPC spells it, such as `INVALID_ARGUMENT`.
    fileprivate var metricLabel: String {
        "\(self)".map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
    }
}
