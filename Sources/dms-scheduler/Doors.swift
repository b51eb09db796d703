import HTTPServer
import Logging
import NIOCore
import RPCServer
import Scheduler
import ServiceLifecycle

/// Both doors as one service, so that they drain at the same time.
struct Doors: Service {
    let rest: RESTServer
    let rpc: RPCServer
    /// Where the REST door is to listen.
    let restAddress: String
    /// How long what is in flight may take after a graceful shutdown was asked for.
    let drainMax: Duration
    let isTLS: Bool
    let logger: Logger

    /// Serves until a graceful shutdown; throws ``StartError`` where a door cannot be opened.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                do {
                    try await runREST()
                } catch let error as CancellationError {
                    throw error
                } catch {
                    throw StartError(
                        "The REST server cannot listen on \(restAddress): \(ListenAddress.reason(of: error)) "
                            + "(DMS_HTTP_HOST, DMS_HTTP_PORT)")
                }
            }
            tasks.addTask {
                do {
                    try await rpc.run()
                } catch let error as RPCServerError {
                    throw StartError("The RPC server \(error) (\(error.settings))")
                }
            }
            tasks.addTask {
                guard let address = try? await rest.address else { return }
                logger.info("The REST door is open", metadata: ["address": "\(address)"])
                warnOfExposure("The REST door", address)
            }
            tasks.addTask {
                for await address in rpc.boundAddresses { warnOfExposure("The binary door", address) }
            }
            // Unlike waitForAll, this ends the others as soon as one fails.
            while try await tasks.next() != nil {}
        }
    }

    /// Says so where what is sent to a door can be read on its way.
    private func warnOfExposure(_ door: String, _ address: SocketAddress) {
        guard !isTLS, address.isReachedFromElsewhere else { return }
        logger.warning(
            "\(door) can be reached from other machines and does not speak TLS: tokens and tasks can be read on the way",
            metadata: ["address": "\(address)", "settings": "DMS_TLS_CERT_FILE, DMS_TLS_KEY_FILE"])
    }

    /// Runs the REST door, and breaks off what it has not answered when the time to drain is over.
    private func runREST() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await rest.run() }
            tasks.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: drainMax)
                logger.warning("Requests that were not answered in time are broken off")
            }
            try await tasks.next()
            tasks.cancelAll()
        }
    }
}

extension RPCServerError {
    /// What sets where the server listens.
    fileprivate var settings: String {
        switch self {
        case .cannotListen: "DMS_RPC_HOST, DMS_RPC_PORT"
        case .socketInUse, .cannotListenOnSocket: "DMS_RPC_SOCKET"
        }
    }
}

extension SocketAddress {
    /// Whether a socket that listens there takes connections of other machines, as far as the address says.
    var isReachedFromElsewhere: Bool {
        guard let address = ipAddress else { return false }
        return !address.hasPrefix("127.") && address != "::1" && !address.hasPrefix("::ffff:127.")
    }
}
