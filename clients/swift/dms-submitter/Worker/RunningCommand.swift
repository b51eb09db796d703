import DMSClient
import Glibc
import Subprocess

/// A command that runs; it is over when its process has ended and nobody can write to its outputs any more.
struct RunningCommand: Sendable {
    /// A teardown that only waits for the process's end: its one step sends nothing, and lasts longer than any command.
    ///
    /// The library tells of that end in no other way as long as the process has its number. It is also what the library does by itself
    /// in a task that is canceled, where we end the command.
    static let waitsForEnd = [
        TeardownStep.send(
            signal: Signal(rawValue: 0), allowedDurationToNextStep: .seconds(100 * 365 * 86_400))
    ]

    /// The number of the process and of its group, which nobody else gets before the process's end is looked at.
    let processID: pid_t
    let grace: Duration
    let output: OutputReader<OutputHead>
    let errors: OutputReader<OutputTail>
    /// Returns when the process has ended.
    let ended: @Sendable () async -> Void

    private let over = Latch()

    init(
        processID: pid_t, grace: Duration, output: OutputReader<OutputHead>, errors: OutputReader<OutputTail>,
        ended: @escaping @Sendable () async -> Void
    ) {
        self.processID = processID
        self.grace = grace
        self.output = output
        self.errors = errors
        self.ended = ended
    }

    /// Waits until it is over, and ends it where the task is no longer ours before, or the worker is stopped.
    func finish(for task: HeldTask) async throws -> (output: OutputHead, errors: OutputTail) {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // Returns also when the worker is stopped.
                _ = await task.ended()
                if !over.isOpen { await end() }
            }
            let (output, errors) = (try await output.kept, try await errors.kept)
            await ended()
            over.open()
            group.cancelAll()
            return (output, errors)
        }
    }

    /// Asks the whole group to end, and ends it by force when the command is over or its grace is.
    private func end() async {
        signal(SIGTERM)
        await waitForGrace()
        // What is left of it, and, where the grace is over, the command itself.
        signal(SIGKILL)
        // Who has left the group may have the outputs still.
        output.close()
        errors.close()
    }

    private func signal(_ number: CInt) { _ = kill(-processID, number) }

    /// Waits until the command is over, for the grace at most; also in a task that was canceled.
    private func waitForGrace() async {
        await Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await over.wait() }
                group.addTask { try? await Task.sleep(for: grace) }
                await group.next()
                group.cancelAll()
            }
        }.value
    }
}
