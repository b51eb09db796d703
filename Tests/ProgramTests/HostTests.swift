import Foundation
import TestSupport
import Testing

/// By which names the REST door of the program may be asked.
@Suite(.serialized, .timeLimit(.minutes(2))) struct HostTests {
    private func answer(_ scheduler: SchedulerProcess, _ host: String, _ target: String = "/stats") async throws
        -> HTTPAnswer
    {
        let connection = try await scheduler.connect()
        try await connection.send("GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        let answer = try await connection.answer()
        try await connection.close()
        return answer
    }

    @Test func `by addresses, localhost, the machine's name and what is set, and by no others`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(
                folder: folder,
                environment: [
                    "DMS_HTTP_HOSTS": "scheduler, dms.example.org,*.cluster.local", "DMS_HTTP_HOST": "localhost",
                ])
            let machine = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            for host in [
                "127.0.0.1", "[::1]", "localhost", "scheduler:8000", "DMS.example.org", "a.b.cluster.local", machine,
            ] {
                #expect(try await answer(scheduler, host).status == 200, "\(host)")
            }
            let refusal = try await answer(scheduler, "other:8000")
            #expect(refusal.status == 403)
            #expect(refusal.text.contains("DMS_HTTP_HOSTS=other"))
            for target in ["/healthz", "/readyz"] {
                #expect(try await answer(scheduler, "other", target).status == 200)
            }
            _ = try await scheduler.terminate()
        }
    }

    @Test func `the compose file names its service as a host`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let compose = try String(contentsOf: root.appending(path: "docker-compose.yml"), encoding: .utf8)
        #expect(compose.contains("\n  scheduler:\n"))
        #expect(compose.contains("DMS_HTTP_HOSTS: ${DMS_HTTP_HOSTS:-scheduler}"))
    }
}
