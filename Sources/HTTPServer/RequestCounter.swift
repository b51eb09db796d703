import DMSMetrics
import HTTPTypes
import NIOCore
import Synchronization

/// What the REST door counts: requests by endpoint and status, and how long they took.
final class RequestCounter: Sendable {
    private static let requests = Metric(
        "dms_http_requests_total", .counter, "Requests of the REST door that were answered, by route and status.")
    private static let durations = Metric(
        "dms_http_request_duration_seconds", .histogram,
        "From a request's head to its answer at the REST door; those that were made to wait are left out.")

    /// What stands for requests that led nowhere, behind all endpoints.
    private static let nowhere = Endpoint.allCases.count

    // Requests are answered on all event loops; the lock is held for a few additions.
    private let counts = Mutex(RequestCounts(operations: nowhere + 1))

    /// Counts an answer; the endpoint is nil where the request led nowhere.
    func count(_ endpoint: Endpoint?, status: Int, took: TimeAmount?) {
        counts.withLock { $0.count(endpoint?.rawValue ?? RequestCounter.nowhere, status, took: took) }
    }

    /// Adds what was counted.
    func show(on page: inout MetricsPage) {
        for (number, operation) in counts.withLock(\.operations).enumerated() {
            let endpoint = Endpoint(rawValue: number)
            let (method, route) = endpoint.map { ($0.route.method.rawValue, $0.template) } ?? ("other", "other")
            for (status, count) in operation.outcomes.sorted(by: { $0.key < $1.key }) {
                page.add(
                    RequestCounter.requests, count, ["method": method, "route": route, "status": "\(status)"])
            }
            page.add(RequestCounter.durations, operation.durations, ["method": method, "route": route])
        }
    }
}
