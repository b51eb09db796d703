import HTTPServer
import Logging
import RPCServer
import ServiceLifecycle

/// Both doors as one service, so that they drain at the same time.
struct Doors: Service {
    let rest: RESTServer
    let rpc: RPCServer
    /// How long what is in flight may take after a graceful shutdown was asked for.
    let drainMax: Duration
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
                    throw StartError("The REST door cannot be opened: \(error)")
                }
            }
            tasks.addTask {
                do {
                    try await rpc.run()
                } catch let error as RPCServerError {
                    throw StartError("The binary door cannot be opened: \(error)")
                }
            }
            tasks.addTask {
                guard let address = try? await rest.address else { return }
                logger.info("The REST door is open", metadata: ["address": "\(address)"])
            }
            // Unlike waitForAll, this ends the others as soon as one fails.
            while try await tasks.next() != nil {}
        }
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
