import FaultLedger
import Foundation
import TestSupport

/// Lets things happen to the one Redis, one after another.
struct RedisFaults: Sendable {
    private static let pauseMilliseconds = 40...350
    private static let freezeMillisecondsMax = 900
    /// Around the five seconds that a scheduler waits for an answer.
    private static let longFreezeMilliseconds = 4800...6400
    private static let thawMilliseconds = 500...1500
    /// A long freeze takes as long as many short faults.
    private static let longFreezePercent = 6
    private static let clockJumpMicrosecondsMax: Int64 = 1_500_000

    let redis: TestRedis
    let stage: Stage
    let clock: ClockFile

    /// Makes faults while it is time for them.
    func run() async throws {
        let kinds = FaultKind.allCases.filter { $0.group == .redis && stage.plan.faults.contains($0) }
        var random = stage.random(for: 1)
        var ahead: Int64 = 0
        while !stage.isOver, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Int.random(in: RedisFaults.pauseMilliseconds, using: &random)))
            guard stage.isRough, let kind = kinds.randomElement(using: &random) else { continue }
            if kind == .redisFreezeLong, kinds.count > 1, !random.chance(RedisFaults.longFreezePercent) { continue }
            stage.recorder.count(kind)
            try await make(kind, &ahead, &random)
        }
    }

    private func make(_ kind: FaultKind, _ ahead: inout Int64, _ random: inout SplitMix) async throws {
        switch kind {
        case .redisKill:
            try await redis.kill()
            try await pause(random.magnitude(0...400))
            try await redis.start()
        case .redisFreeze: try await freeze(random.magnitude(1...RedisFaults.freezeMillisecondsMax))
        case .redisFreezeLong:
            try await freeze(Int.random(in: RedisFaults.longFreezeMilliseconds, using: &random))
            // Else hardly anything would be done between two of them.
            try await pause(Int.random(in: RedisFaults.thawMilliseconds, using: &random))
        case .redisSleep:
            _ = try? await redis.call("DEBUG", "SLEEP", "\(Double(random.magnitude(1...400)) / 1000)")
        case .redisPause:
            let time = random.magnitude(1...600)
            _ = try? await redis.call("CLIENT", "PAUSE", "\(time)", random.chance(50) ? "ALL" : "WRITE")
            try await pause(time)
        case .redisMemory:
            _ = try? await redis.call("CONFIG", "SET", "maxmemory", "1")
            try await pause(random.magnitude(1...500))
            try await eventually { (try? await redis.call("CONFIG", "SET", "maxmemory", "0")) != nil }
        case .redisDisk: try await fillDisk(&random)
        case .redisClock:
            ahead += Int64.random(in: 1...RedisFaults.clockJumpMicrosecondsMax, using: &random)
            try stage.recorder.clock.jump(to: ahead) { try clock.set(ahead) }
        default: break
        }
    }

    private func freeze(_ milliseconds: Int) async throws {
        redis.pause()
        try await pause(milliseconds)
        redis.resume()
    }

    /// Lets the append-only file grow by some bytes and no more.
    ///
    /// A file's limit is to the process what a full disk is: the write that passes it is cut short. With `appendfsync always`
    /// Redis then takes back what it wrote, answers nobody and ends.
    private func fillDisk(_ random: inout SplitMix) async throws {
        guard let process = redis.processIdentifier else { return }
        let files = AppendOnlyReader.files(of: redis).filter { $0.pathExtension == "aof" }
        let size = files.map { (try? Data(contentsOf: $0).count) ?? 0 }.max() ?? 0
        try await limitFiles(of: process, to: "\(size + random.magnitude(0...4000))")
        // Until it has ended, or the limit proves too far away.
        let deadline = stage.seconds + 1
        while stage.seconds < deadline, (try? await redis.call("PING")) != nil { try await pause(10) }
        try await limitFiles(of: process, to: "unlimited")
        if (try? await redis.call("PING")) == nil { try await redis.restart() }
    }

    private func limitFiles(of process: Int32, to bytes: String) async throws {
        _ = try await Program.shell(
            "prlimit --pid \(process) --fsize=\(bytes):unlimited 2>/dev/null", folder: redis.folder)
    }

    private func pause(_ milliseconds: Int) async throws { try await Task.sleep(for: .milliseconds(milliseconds)) }
}
