import FaultLedger
import Foundation
import Glibc
import NIOCore
import Synchronization
import TestSupport

/// One scheduler behind its proxies: starts it, lets things happen to it, starts it again.
final class SchedulerFaults: Sendable {
    private static let pauseMilliseconds = 150...900
    private static let freezeMillisecondsMax = 1500
    /// A clock may be wrong by that much, in either direction.
    private static let clockMicrosecondsMax: Int64 = 90_000_000

    private let number: Int
    private let stage: Stage
    private let folder: String
    /// How it is led to Redis.
    private let arguments: [String]
    private let clock: ClockFile
    private let proxies: (binary: FaultProxy, rest: FaultProxy)
    private let process = Mutex<SchedulerProcess?>(nil)

    init(
        number: Int, stage: Stage, folder: String, arguments: [String],
        proxies: (binary: FaultProxy, rest: FaultProxy)
    ) throws {
        self.number = number
        self.stage = stage
        self.folder = folder
        self.arguments = arguments
        self.proxies = proxies
        clock = try ClockFile(path: "\(folder)/clock-\(number)")
    }

    func start() async throws {
        let isFaked = stage.plan.faults.contains(.schedulerClock)
        let started = try await SchedulerProcess.start(
            arguments + ["--event-loops", "2"], folder: folder,
            program: stage.plan.program, environment: isFaked ? clock.environment ?? [:] : [:], waitsForRedis: false)
        process.withLock { $0 = started }
        stage.recorder.schedulerStarted(number)
        proxies.binary.pointTo(try SocketAddress(ipAddress: "127.0.0.1", port: started.rpcPort))
        proxies.rest.pointTo(try SocketAddress(ipAddress: "127.0.0.1", port: started.httpPort))
    }

    /// Makes faults while it is time for them.
    func run() async throws {
        let kinds = FaultKind.allCases.filter { $0.group == .scheduler && stage.plan.faults.contains($0) }
        var random = stage.random(for: 10 + number)
        while !stage.isOver, !Task.isCancelled {
            try? await Task.sleep(
                for: .milliseconds(Int.random(in: SchedulerFaults.pauseMilliseconds, using: &random)))
            checkAlive()
            guard stage.isRough, let kind = kinds.randomElement(using: &random) else { continue }
            stage.recorder.count(kind)
            try await make(kind, &random)
        }
    }

    private func make(_ kind: FaultKind, _ random: inout SplitMix) async throws {
        switch kind {
        case .schedulerKill:
            try await end(SIGKILL)
            try await start()
        case .schedulerStop:
            try await end(SIGTERM)
            try await start()
        case .schedulerFreeze:
            present?.program.signal(SIGSTOP)
            try? await Task.sleep(for: .milliseconds(random.magnitude(1...SchedulerFaults.freezeMillisecondsMax)))
            present?.program.signal(SIGCONT)
        case .schedulerClock:
            let most = SchedulerFaults.clockMicrosecondsMax
            try clock.set(Int64.random(in: -most...most, using: &random))
        default: break
        }
    }

    private var present: SchedulerProcess? { process.withLock { $0 } }

    private func end(_ signal: Int32, isRunOver: Bool = false) async throws {
        guard let present else { return }
        present.program.signal(signal)
        let code = try await present.program.exitCode()
        if !isRunOver { stage.recorder.schedulerEnded(number) }
        if code != (signal == SIGKILL ? 128 + SIGKILL : 0) { report("ended with code \(code)", present) }
    }

    /// A scheduler never ends by itself, whatever Redis and its clients do.
    private func checkAlive() {
        guard let present, !present.program.isRunning else { return }
        report("ended by itself", present)
    }

    private func report(_ what: String, _ present: SchedulerProcess) {
        stage.recorder.incident("scheduler \(number) \(what): \(present.program.errors.suffix(600))")
    }

    /// Ends it in the end, as an operator does; it lived through the run.
    func shutDown() async throws {
        checkAlive()
        try await end(SIGTERM, isRunOver: true)
    }
}
