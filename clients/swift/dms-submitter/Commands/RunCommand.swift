import ArgumentParser
import ClientCommands
import DMSClient
import DMSModel
import Glibc
import NIOCore
import UnixSignals

/// The command `dms-submitter run`.
struct RunCommand: ClientCommand {
    static let program = ClientProgram.submitter

    private static let concurrencyMax = 1000
    private static let leaseDefault = Duration.seconds(30)
    private static let graceMillisecondsMax = 86_400_000
    private static let graceDefault = Duration.seconds(10)

    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a command for each task.",
        usage: "dms-submitter run [options] -- <command> [<argument> ...]",
        discussion: """
            The command gets the task as JSON on its standard input, and DMS_TASK_ID, DMS_TASK_SERVICE, DMS_TASK_USER_ID, \
            DMS_TASK_PRIORITY and DMS_TASK_ATTEMPT in its environment, which has none of the scheduler's tokens. When it ends \
            with 0 the task is completed, with the command's standard output as its result: as it is where it is JSON, else as \
            a JSON string. When it ends otherwise the task has failed; the error says how it ended, and what the end of its \
            standard error says.

            The lease is renewed while the command runs. When the task is canceled, or its lease is lost, the command's \
            process group gets SIGTERM, and SIGKILL after the grace.

            SIGTERM or SIGINT to this program drains it: it fetches no more, and ends when its commands have ended. \
            A second one ends the commands, and their tasks are returned to their queues.

            A scheduler that cannot be reached is waited for; standard error says so, every 30 seconds, and when it is reached.

            Exit status: 0 after draining; 64 also where there is no such command, or none that may be run; 76 where \
            what answers is no scheduler before one was reached; the others as in dms-submitter --help.
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many commands to run at once, from 1 to \(concurrencyMax).", valueName: "count"))
    var concurrency = 1

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long after a crash of this program its tasks go to somebody else, from 1s to 24h. (default: 30s)",
            valueName: "time"),
        transform: { try LeaseTime.read($0) })
    var lease: TimeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long a command has from SIGTERM to SIGKILL, up to 24h. (default: 10s)", valueName: "time"),
        transform: { try TimeArgument($0, milliseconds: 0...graceMillisecondsMax, "of at most 24h") })
    var grace: TimeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Who does the tasks; kept with them. (default: host, process, random)", valueName: "id"))
    var submitterID: String?

    @OptionGroup var connection: ConnectionFlags

    @Argument(parsing: .postTerminator, help: "The command and its arguments.")
    var command: [String] = []

    func validate() throws {
        guard !command.isEmpty else { throw ValidationError("A command is expected behind --.") }
        guard (1...RunCommand.concurrencyMax).contains(concurrency) else {
            throw ValidationError("--concurrency must be from 1 to \(RunCommand.concurrencyMax).")
        }
    }

    func adjust(_ options: inout ClientOptions) {
        options.retriesConnecting = true
        options.submitterID = submitterID
    }

    func perform(with client: DMSClient) async throws -> CommandReport {
        // A command that does not read its input is no reason to end.
        _ = signal(SIGPIPE, SIG_IGN)
        // It is what the command line ends with.
        let command = TaskCommand(
            program: command[0], arguments: InheritedBytes.lastWords(command.count - 1),
            grace: grace?.duration ?? RunCommand.graceDefault)
        try await command.check()
        let log = WorkerLog()
        let events = client.connectionEvents()
        let worker = Worker(
            command: command,
            source: client.submitter.tasks(lease: lease?.duration ?? RunCommand.leaseDefault).makeSource(),
            concurrency: concurrency, log: log, drain: Latch())
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        log("\(client.submitterID) waits for tasks of \(client.addresses.map { "\($0)" }.joined(separator: ", "))")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            group.addTask { await RunCommand.obey(signals, worker) }
            group.addTask { try await RunCommand.report(events, log) }
            // Either the worker has ended, or it is to.
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
        log("ended")
        return CommandReport(text: "", json: ByteBuffer(string: "{}"))
    }

    /// Says what becomes of the connection until the client is closed; throws where there never was a scheduler.
    private static func report(_ events: AsyncStream<ConnectionEvent>, _ log: WorkerLog) async throws {
        var report = ConnectionReport()
        for await event in events {
            if let line = try report.line(for: event, now: .now) { log(line) }
        }
    }

    /// Drains the worker at the first signal, and returns at the second.
    private static func obey(_ signals: UnixSignalsSequence, _ worker: Worker) async {
        for await signal in signals {
            if worker.drain.isOpen { return worker.log("\(signal): stops, and returns its tasks") }
            worker.log("\(signal): drains; a second signal stops the commands")
            worker.drain.open()
        }
    }
}
