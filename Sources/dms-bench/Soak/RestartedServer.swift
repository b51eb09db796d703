import Glibc
import Synchronization

/// A server that is started again whenever it was killed.
final class RestartedServer: Sendable {
    private struct Life {
        var server: BenchServer?
        var end: AsyncStream<Void>.Continuation?
        var isOver = false
    }

    private let life = Mutex(Life())
    private let start: @Sendable ((BenchServer) async throws -> Void) async throws -> Void

    /// `start` runs the server while its body runs.
    init(_ start: @escaping @Sendable ((BenchServer) async throws -> Void) async throws -> Void) {
        self.start = start
    }

    /// The server as it runs now; nil between two lives.
    var server: BenchServer? { life.withLock { $0.server } }

    /// Runs it until ``end()``.
    func run() async throws {
        while !life.withLock({ $0.isOver }) {
            try await start { server in
                let (ends, end) = AsyncStream.makeStream(of: Void.self)
                let isOver = self.life.withLock { life in
                    (life.server, life.end) = (server, end)
                    return life.isOver
                }
                if !isOver { for await _ in ends { break } }
                self.life.withLock { life in (life.server, life.end) = (nil, nil) }
            }
        }
    }

    /// Ends it as a crash does; it is started again.
    func kill() {
        life.withLock { life in
            life.server?.signal(SIGKILL)
            life.end?.finish()
        }
    }

    /// Ends it for good, as an operator does.
    func end() {
        life.withLock { life in
            life.isOver = true
            life.end?.finish()
        }
    }
}
