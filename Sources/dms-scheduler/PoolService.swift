import Scheduler
import ServiceLifecycle

/// The connections to Redis as a service: they close after the doors are drained.
struct PoolService: Service {
    let pool: SchedulerPool

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await pool.run()
        } onGracefulShutdown: {
            pool.shutdown()
        }
    }
}
