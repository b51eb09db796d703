import ClientCommands
import DMSClient
import DMSModel
import Glibc
import NIOCore
import NIOPosix
import Subprocess
import SystemPackage

/// The command that a worker runs for each task.
struct TaskCommand: Sendable {
    /// The program: a path, or a name that is looked for in the folders of PATH.
    let program: String
    /// What it is given on its command line, which need not be text.
    let arguments: [[UInt8]]
    /// How long a command has between the request to end and its forced end.
    let grace: Duration

    /// How much of an error the sentence takes that says how the command ended.
    private static let statusBytesMax = 256

    /// How a run of the command ended.
    struct Run: Sendable {
        var status: TerminationStatus
        var output: OutputHead
        var errors: OutputTail
    }

    private var executable: Executable {
        program.utf8.contains(UInt8(ascii: "/")) ? .path(FilePath(program)) : .name(program)
    }

    /// Throws where there is no such program, or none that may be run.
    func check() async throws(UsageError) {
        if let flaw = await flaw { throw UsageError("There is no command \(program) that could be run: \(flaw)") }
    }

    /// Why the program cannot be run; nil where nothing is known against it.
    private var flaw: String? {
        get async {
            guard program.utf8.contains(UInt8(ascii: "/")) else {
                let found = try? await executable.resolveExecutablePath(in: .inherit)
                return found == nil ? "no folder of PATH has it" : nil
            }
            var status = stat()
            guard unsafe stat(program, &status) == 0, unsafe access(program, X_OK) == 0 else {
                return Errno(rawValue: errno).description.lowercased()
            }
            return status.st_mode & S_IFMT == S_IFREG ? nil : "it is no file"
        }
    }

    /// Runs it for a task: to its end, or until the task is no longer ours, or the worker is stopped.
    ///
    /// Throws where it could not be started. The pipes are ours: those of the library end with the process, and what comes later is lost.
    func run(for task: HeldTask) async throws -> Run {
        let path = try await executable.resolveExecutablePath(in: .inherit)
        let (eventLoop, grace) = (MultiThreadedEventLoopGroup.singleton.any(), grace)
        let inputPipe = try CommandPipe()
        let outputPipe = try CommandPipe()
        let errorPipe = try CommandPipe()
        // A pipe whose other end is closed ends by itself, also where something fails from here on.
        let output = try await OutputReader(
            of: outputPipe.reading, keeping: OutputHead(bytesMax: Limits.resultBytesMax), on: eventLoop)
        let errors = try await OutputReader(
            of: errorPipe.reading, keeping: OutputTail(bytesMax: Limits.errorBytesMax - TaskCommand.statusBytesMax),
            on: eventLoop)
        let input = try await inputPipe.writing.write(on: eventLoop)
        defer { input.close(promise: nil) }
        // A command need not read what it is given.
        input.writeAndFlush(TaskCommand.input(of: task.record)).whenComplete { _ in input.close(promise: nil) }
        var options = PlatformOptions()
        // A process group of its own, which is ended as a whole; and away from the terminal, whose Ctrl-C is for the worker.
        options.createSession = true
        options.teardownSequence = RunningCommand.waitsForEnd
        let result = try await Subprocess.run(
            .path(path), arguments: Arguments(arguments.map { $0 + [0] }),
            environment: InheritedBytes.environment(with: TaskCommand.variables(of: task.record)),
            platformOptions: options,
            input: .fileDescriptor(inputPipe.reading.release(), closeAfterSpawningProcess: true),
            output: .fileDescriptor(outputPipe.writing.release(), closeAfterSpawningProcess: true),
            error: .fileDescriptor(errorPipe.writing.release(), closeAfterSpawningProcess: true)
        ) { execution in
            try await RunningCommand(
                processID: execution.processIdentifier.value, grace: grace, output: output, errors: errors
            ) {
                await execution.teardown(using: RunningCommand.waitsForEnd)
            }.finish(for: task)
        }
        return Run(
            status: result.terminationStatus, output: result.closureResult.output, errors: result.closureResult.errors)
    }

    /// Why it could not be started, in our words where it is a file that the system does not know how to run.
    ///
    /// Only the attempt tells: which formats are known besides programs and scripts is the system's to say, and not seen from everywhere.
    func explanation(of error: any Error) -> any Error {
        guard (error as? SubprocessError)?.underlyingError == .execFormatError else { return error }
        return UsageError(
            "The command \(program) cannot be run: exec format error; a script begins with a line such as #!/bin/sh")
    }

    private static func input(of record: TaskRecord) -> ByteBuffer {
        var json = ByteBuffer()
        record.writeJSON(into: &json)
        json.writeStaticString("\n")
        return json
    }

    private static func variables(of record: TaskRecord) -> [Environment.Key: String] {
        [
            "DMS_TASK_ID": record.taskID.text, "DMS_TASK_SERVICE": record.service, "DMS_TASK_USER_ID": record.userID,
            "DMS_TASK_PRIORITY": record.priority.rawValue, "DMS_TASK_ATTEMPT": "\(record.attempt)",
        ]
    }
}

extension TaskCommand.Run {
    /// What the scheduler is told of it.
    var ending: TaskEnding {
        guard status.isSuccess else {
            let (sentence, text) = ("The command \(status.words)", errors.text)
            if text.isEmpty { return .failed(error: sentence) }
            return .failed(error: "\(sentence):\(text.utf8.contains(UInt8(ascii: "\n")) ? "\n" : " ")\(text)")
        }
        let tooLong = TaskEnding.failed(
            error: "The command's output makes a result of more than \(Limits.resultBytesMax) bytes")
        if output.isTooLong { return tooLong }
        guard let result = output.result else { return .completed() }
        return result.readableBytes > Limits.resultBytesMax ? tooLong : .completed(result: result)
    }
}

extension TerminationStatus {
    /// What the command did; half a sentence.
    var words: String {
        switch self {
        case .exited(let code): return "exited with status \(code)"
        case .signaled(let number):
            let name = unsafe strsignal(number).map { unsafe String(cString: $0).lowercased() }
            return "was ended by signal \(number)\(name.map { " (\($0))" } ?? "")"
        }
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
