import DMSClient
import DMSModel
import Glibc
import NIOCore
import Subprocess
import SystemPackage

/// The command that a worker runs for each task.
struct TaskCommand: Sendable {
    /// The program and its arguments; there is at least the program.
    let words: [String]
    /// How long a command has between the request to end and its forced end.
    let grace: Duration

    /// How a run of the command ended.
    struct Run: Sendable {
        var status: TerminationStatus
        var output: OutputHead
        var errors: OutputTail
    }

    private var executable: Executable {
        words[0].utf8.contains(UInt8(ascii: "/")) ? .path(FilePath(words[0])) : .name(words[0])
    }

    private var ending: [TeardownStep] {
        [.send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: grace)]
    }

    /// Throws where there is no such program.
    func check() async throws { _ = try await executable.resolveExecutablePath(in: .inherit) }

    /// Runs it for a task: to its end, or until the task is no longer ours, or the worker is stopped.
    ///
    /// Throws where it could not be started.
    func run(for task: HeldTask) async throws -> Run {
        var options = PlatformOptions()
        // A process group of its own, which is ended as a whole; and away from the terminal, whose Ctrl-C is for the worker.
        options.createSession = true
        options.teardownSequence = ending
        var json = ByteBuffer()
        task.record.writeJSON(into: &json)
        json.writeStaticString("\n")
        let input = Array(json.readableBytesView)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(Array(words.dropFirst())),
            environment: .inherit.updating(TaskCommand.variables(of: task.record)), platformOptions: options,
            input: .inputWriter, output: .sequence, error: .sequence
        ) { execution in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    guard await task.ended() != nil else { return }
                    await execution.teardown(using: ending)
                    // What the command started, and what has not gone with it. Its own id is not given away before we look at its end.
                    _ = kill(-execution.processIdentifier.value, SIGKILL)
                }
                async let output = TaskCommand.head(of: execution.standardOutput)
                async let errors = TaskCommand.tail(of: execution.standardError)
                // A command need not read what it is given.
                _ = try? await execution.standardInputWriter.write(input)
                try? await execution.standardInputWriter.finish()
                let all = await (output, errors)
                group.cancelAll()
                return all
            }
        }
        return Run(status: result.terminationStatus, output: result.closureResult.0, errors: result.closureResult.1)
    }

    private static func variables(of record: TaskRecord) -> [Environment.Key: String?] {
        [
            "DMS_TASK_ID": record.taskID.text, "DMS_TASK_SERVICE": record.service, "DMS_TASK_USER_ID": record.userID,
            "DMS_TASK_PRIORITY": record.priority.rawValue, "DMS_TASK_ATTEMPT": "\(record.attempt)",
        ]
    }

    private static func head(of stream: SubprocessOutputSequence) async -> OutputHead {
        var head = OutputHead(bytesMax: Limits.resultBytesMax)
        do {
            for try await part in stream { head.append(unsafe part.withUnsafeBytes { unsafe Array($0) }) }
        } catch {
            // What was read is what there is.
        }
        return head
    }

    private static func tail(of stream: SubprocessOutputSequence) async -> OutputTail {
        var tail = OutputTail(bytesMax: Limits.errorBytesMax)
        do {
            for try await part in stream { tail.append(unsafe part.withUnsafeBytes { unsafe Array($0) }) }
        } catch {
            // What was read is what there is.
        }
        return tail
    }
}

extension TaskCommand.Run {
    /// What the scheduler is told of it.
    var ending: TaskEnding {
        guard status.isSuccess else {
            let text = errors.text
            return .failed(error: text.isEmpty ? "The command ended with \(status)" : text)
        }
        let tooLong = TaskEnding.failed(
            error: "The command's output makes a result of more than \(Limits.resultBytesMax) bytes")
        if output.isTooLong { return tooLong }
        guard let result = output.result else { return .completed() }
        return result.readableBytes > Limits.resultBytesMax ? tooLong : .completed(result: result)
    }
}

extension OutputHead {
    /// The output as a JSON text: as it is where it is one, else as a string; nil where there is none.
    var result: ByteBuffer? {
        let spaces: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]
        var trimmed = bytes.readableBytesView[...]
        while let last = trimmed.last, spaces.contains(last) { trimmed.removeLast() }
        while let first = trimmed.first, spaces.contains(first) { trimmed.removeFirst() }
        guard !trimmed.isEmpty else { return nil }
        let json = ByteBuffer(bytes: trimmed)
        if (try? JSONText(json, nestingMax: Limits.parametersNestingMax)) != nil { return json }
        return JSONString.encode(String(buffer: bytes))
    }
}
