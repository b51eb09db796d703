import FaultLedger
import Foundation
import Glibc
import Synchronization

/// The clocks of a run: the order of what happens, the seconds since the beginning, and what Redis's clock can show.
final class RunClock: Sendable {
    /// Both sides read the same kernel's clock, and cut it to microseconds.
    private static let roundingMicroseconds: Int64 = 2

    private struct State {
        var order = 0
        /// How far Redis's clock is ahead, at least and at most.
        var ahead: (least: Int64, most: Int64) = (0, 0)
    }

    private let start = ContinuousClock.now
    private let state = Mutex(State())

    /// Now.
    func moment() -> Moment {
        state.withLock { state in
            state.order += 1
            let now = RunClock.microseconds()
            return Moment(
                order: state.order, seconds: seconds,
                redisAtLeast: now + state.ahead.least - RunClock.roundingMicroseconds,
                redisAtMost: now + state.ahead.most + RunClock.roundingMicroseconds)
        }
    }

    /// Seconds since the run began.
    var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

    /// Sets how far Redis's clock is ahead; it only ever jumps forward.
    func jump(to microseconds: Int64, write: () throws -> Void) rethrows {
        state.withLock { $0.ahead.most = microseconds }
        try write()
        state.withLock { $0.ahead.least = microseconds }
    }

    private static func microseconds() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

/// The file that says how far a process's clock is off.
struct ClockFile: Sendable {
    let path: String

    /// A clock that is right.
    init(path: String) throws {
        self.path = path
        try Data(count: 8).write(to: URL(fileURLWithPath: path))
    }

    /// What makes a process go by it; nil where the library was not built.
    var environment: [String: String]? {
        let library = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("libFaultClock.so").path
        guard FileManager.default.fileExists(atPath: library) else { return nil }
        return ["LD_PRELOAD": library, "DMS_FAULT_CLOCK": path]
    }

    /// Lets the clock jump: eight bytes in one write, which who has mapped the file sees as one.
    func set(_ microseconds: Int64) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        var bytes = Data()
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: microseconds >> Int64(shift)))
        }
        try file.write(contentsOf: bytes)
    }
}
