import DMSClient
import DMSModel
import Subprocess

/// Runs a command for each task that it gets, several at once.
struct Worker: Sendable {
    private static let reportPauseMin = Duration.milliseconds(100)
    private static let reportPauseMax = Duration.seconds(5)

    let command: TaskCommand
    let source: TaskSource
    let concurrency: Int
    let log: WorkerLog
    /// Once it is open no more tasks are fetched.
    let drain: Latch

    /// Works until it is drained; when its task is canceled, the commands are ended and their tasks returned.
    ///
    /// Throws what keeps it from working: the scheduler's refusal, or a command that cannot be started. What runs then is finished first.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<concurrency { group.addTask { try await workInTurn() } }
            var failure: (any Error)?
            while let result = await group.nextResult() {
                guard case .failure(let error) = result, failure == nil else { continue }
                failure = error
                drain.open()
            }
            if let failure { throw failure }
        }
    }

    private func workInTurn() async throws {
        while let task = try await fetch() { try await work(on: task) }
    }

    /// The next task; nil where the worker is drained or stopped.
    private func fetch() async throws -> HeldTask? {
        guard !drain.isOpen else { return nil }
        return try await withThrowingTaskGroup(of: HeldTask?.self) { group in
            group.addTask { try await source.next() }
            group.addTask {
                await drain.wait()
                return nil
            }
            var task = try await group.next() ?? nil
            group.cancelAll()
            while let result = await group.nextResult() { task = task ?? (try? result.get()) }
            guard let task, drain.isOpen || Task.isCancelled else { return task }
            _ = try? await task.return(reason: "not begun: its worker is draining")
            return nil
        }
    }

    private func work(on task: HeldTask) async throws {
        log(task.record, "started, attempt \(task.record.attempt)")
        let run: TaskCommand.Run
        do {
            run = try await command.run(for: task)
        } catch {
            if task.ending == nil { _ = try? await task.return(reason: "its worker could not start the command") }
            if Task.isCancelled { return log(task.record, "stopped and returned") }
            throw command.explanation(of: error)
        }
        if let ending = task.ending {
            return log(task.record, "\(ending): the command was ended, and \(run.status.words)")
        }
        if Task.isCancelled {
            _ = try? await task.return(reason: "its worker was stopped")
            return log(task.record, "stopped and returned")
        }
        await report(run.ending, of: task)
    }

    /// Reports until the scheduler has taken it, or the task is no longer ours.
    private func report(_ ending: TaskEnding, of task: HeldTask) async {
        var pause = Worker.reportPauseMin
        while true {
            do {
                _ = try await task.finish(ending)
                switch ending {
                case .completed: return log(task.record, "completed")
                case .failed(let error, _): return log(task.record, "failed: \(WorkerLog.shortened(error))")
                }
            } catch {
                guard error.mayPass, task.ending == nil, !Task.isCancelled else {
                    return log(task.record, "cannot be reported: \(error)")
                }
                log(task.record, "not reported yet: \(error)")
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Worker.reportPauseMax)
            }
        }
    }
}
