import DMSModel
import Foundation
import Glibc
import NIOCore
import TestSupport
import Testing

/// What `dms-submitter run` says of a scheduler that it does not reach.
@Suite struct WorkerConnectionTests {
    @Test func `a scheduler that cannot be reached is told once, and that it is reached`() async throws {
        try await TestRedis.with { redis in
            try await withFolder { folder in
                let worker = try Program(
                    "dms-submitter", ["run", "--", "true"], environment: ["DMS_SERVER": "unix://\(folder)/rpc.sock"],
                    folder: folder)
                let trouble = "cannot be reached: no such file or directory; it is waited for\n"
                try await eventually { worker.errors.contains(trouble) }
                let arguments = ["--redis-writer-url", "\(redis.url)", "--rpc-socket", "\(folder)/rpc.sock"]
                let scheduler = try await SchedulerProcess.start(arguments, folder: folder)
                try await eventually { worker.errors.contains("rpc.sock is reached\n") }
                #expect(worker.errors.components(separatedBy: "cannot be reached").count == 2, "\(worker.errors)")
                try await scheduler.crash()
                try await eventually { worker.errors.components(separatedBy: "cannot be reached").count == 3 }
                worker.signal(SIGTERM)
                let code = try await worker.exitCode()
                #expect(code == 0, "\(worker.errors)")
            }
        }
    }

    @Test func `a worker at the port of something else ends, and says what is wrong`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let address = "127.0.0.1:\(scheduler.httpPort)"
            let worker = try await Program.run(
                "dms-submitter", ["run", "--", "true"], environment: ["DMS_SERVER": address], folder: folder)
            #expect(worker.code == 76)
            #expect(worker.errors.contains("What answers at \(address) is no scheduler"), "\(worker.errors)")
            _ = try await scheduler.terminate()
        }
    }
}
