import DMSModel
import Glibc
import Logging
import Scheduler

/// How many file descriptors the process may have.
enum DescriptorLimit {
    /// Raises it as far as it goes, since shells start programs with a low one that any process may raise; returns it.
    static func raise(_ logger: Logger) -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { limit.rlim_cur = before }
        logger.debug("The limit of open files was raised", metadata: ["files": "\(limit.rlim_cur)"])
        return Int(clamping: limit.rlim_cur)
    }
}

/// How many connections the doors may have, so that descriptors are left for everything else.
///
/// Without one the connection to Redis could not come back, and nobody could be served: so each client costs less than all.
struct DescriptorBudget: Equatable {
    /// The binary door's two, and the REST door's.
    private static let listeners = 3
    /// What the process has open beside connections of clients and what belongs to a loop: standard streams, listeners, the
    /// private redis-server's pipes and lock, libraries' files, and each listener's refused connections until they are closed.
    private static let reserve = 15 + listeners * AdmissionHandler.closingMax
    /// Of each event loop: its selector, its timer, its wake-up, its connections to Redis, and room for these to come back.
    private static let reservePerLoop = 10
    /// With less for clients than this the program does not start.
    private static let connectionsMin = 16

    private(set) var httpConnectionsMax: Int
    private(set) var rpcConnectionsMax: Int
    /// Refused connections of each door that are told so at a time.
    private(set) var toldMax = Limits.Connections.toldMax
    /// Whether the doors have less than was set.
    private(set) var isCut = false
    private let descriptorsMax: Int

    /// Gives the doors what was set or, where that is too much, each its share of what there is.
    init(_ settings: Settings, descriptorsMax: Int) throws(StartError) {
        try self.init(
            httpConnectionsMax: settings.limits.httpConnectionsMax,
            rpcConnectionsMax: settings.limits.rpcConnectionsMax, eventLoops: settings.eventLoops,
            descriptorsMax: descriptorsMax)
    }

    init(
        httpConnectionsMax: Int, rpcConnectionsMax: Int, eventLoops: Int, descriptorsMax: Int
    ) throws(StartError) {
        self.httpConnectionsMax = httpConnectionsMax
        self.rpcConnectionsMax = rpcConnectionsMax
        self.descriptorsMax = descriptorsMax
        let reserved = DescriptorBudget.reserve + DescriptorBudget.reservePerLoop * eventLoops
        let available = descriptorsMax - reserved
        guard available >= DescriptorBudget.connectionsMin else {
            throw StartError(
                "At most \(descriptorsMax) files may be open (ulimit -n), and "
                    + "\(reserved + DescriptorBudget.connectionsMin) are needed at least.")
        }
        guard httpConnectionsMax + rpcConnectionsMax + 2 * toldMax > available else { return }
        isCut = true
        toldMax = min(toldMax, available / 16)
        let connections = available - 2 * toldMax
        let share = Double(httpConnectionsMax) / Double(httpConnectionsMax + rpcConnectionsMax)
        self.httpConnectionsMax = min(max(1, Int(Double(connections) * share)), connections - 1)
        self.rpcConnectionsMax = connections - self.httpConnectionsMax
    }

    /// Says so where there is less than was set.
    func log(_ logger: Logger) {
        guard isCut else { return }
        logger.notice(
            "Fewer connections are taken than are set: too few files may be open (ulimit -n)",
            metadata: [
                "files": "\(descriptorsMax)", "http_connections": "\(httpConnectionsMax)",
                "rpc_connections": "\(rpcConnectionsMax)",
            ])
    }
}
