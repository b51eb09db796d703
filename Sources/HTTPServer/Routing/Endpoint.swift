import HTTPTypes

/// Everything the door answers to: one case a route of the contract.
enum Endpoint: Int, CaseIterable {
    case submitTask
    case listTasks
    case cancelTask
    case getTask
    case getOverview
    case nextTask
    case setPriority
    case setBlock
    case getBlock
    case resume
    case getStatistics
    case getHealth
    case getReadiness
    case getOpenAPI
    case getMetrics

    /// The method and the path's segments; nil stands for any segment that is not empty.
    var route: (method: HTTPRequest.Method, path: [String?]) {
        switch self {
        case .submitTask: (.post, ["tasks"])
        case .listTasks: (.get, ["tasks"])
        case .cancelTask: (.post, ["tasks", "cancel"])
        case .getTask: (.get, ["tasks", nil])
        case .getOverview: (.get, ["queues", "overview"])
        case .nextTask: (.post, ["submitter", "next"])
        case .setPriority: (.post, ["admin", "priority"])
        case .setBlock: (.post, ["admin", "block"])
        case .getBlock: (.get, ["admin", "block"])
        case .resume: (.post, ["admin", "resume"])
        case .getStatistics: (.get, ["stats"])
        case .getHealth: (.get, ["healthz"])
        case .getReadiness: (.get, ["readyz"])
        case .getOpenAPI: (.get, ["openapi.json"])
        case .getMetrics: (.get, ["metrics"])
        }
    }

    /// The route as documents spell it, such as `/tasks/{task_id}`: a closed set, fit for logs.
    var template: String { route.path.map { "/" + ($0 ?? "{task_id}") }.joined() }

    /// Where a request goes.
    enum Resolution: Equatable {
        case endpoint(Endpoint)
        /// The path is one of ours, the method is not; the value goes into `Allow`.
        case methodNotAllowed(allow: String)
        case unknownPath
    }

    /// Finds who answers a method at a path; `HEAD` goes where `GET` does.
    static func resolve(_ method: HTTPRequest.Method, path segments: [String]) -> Resolution {
        let candidates = table[segments.count, default: []].filter { matches($0.path, segments) }
        let wanted = method == .head ? .get : method
        if let match = candidates.first(where: { $0.method == wanted }) { return .endpoint(match.endpoint) }
        guard !candidates.isEmpty else { return .unknownPath }
        let methods = candidates.flatMap { $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue] }
        return .methodNotAllowed(allow: methods.sorted().joined(separator: ", "))
    }

    /// The routes by their number of segments.
    private static let table = Dictionary(
        grouping: allCases.map { (endpoint: $0, method: $0.route.method, path: $0.route.path) }, by: { $0.path.count })

    private static func matches(_ path: [String?], _ segments: [String]) -> Bool {
        zip(path, segments).allSatisfy { part, segment in part.map { $0 == segment } ?? !segment.isEmpty }
    }
}
