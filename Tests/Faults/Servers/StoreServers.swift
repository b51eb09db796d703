import FaultLedger
import TestSupport

/// The Redis behind the schedulers: one server, or several that sentinels run.
protocol StoreServers: Sendable {
    /// The server that is written to now; nil while it fails, or another one takes over.
    var master: TestRedis? { get }
    /// What leads a scheduler there.
    func arguments(ofScheduler number: Int) -> [String]
    /// Makes faults while it is time for them; when it returns, all is healed.
    func makeFaults() async throws
    /// Every write that lasted; asked for when all is healed and nobody writes any more.
    func writes() async throws -> AppendOnlyFile
}

extension StoreServers {
    /// The master, which there has to be.
    func presentMaster() throws -> TestRedis {
        guard let master else { throw TestFailure("nobody knows the master") }
        return master
    }
}
