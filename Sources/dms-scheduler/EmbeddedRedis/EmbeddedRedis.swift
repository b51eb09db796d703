import Foundation
import Glibc
import Logging
import RedisLink
import ServiceLifecycle
import Subprocess
import SystemPackage

/// The private redis-server of the embedded default: started, watched, started again if it dies, ended with the scheduler.
///
/// It listens on a unix socket in the data directory only, appends every write to a file (synced every second), and never
/// evicts.
struct EmbeddedRedis: Service {
    private static let restartDelayMin = Duration.milliseconds(100)
    private static let restartDelayMax = Duration.seconds(5)
    /// How long a server may have run before it counts as one that could start.
    private static let settledAfter = Duration.seconds(10)

    /// How a server is ended: asked first, killed when it does not go.
    private static let ending = [TeardownStep.gracefulShutDown(allowedDurationToNextStep: .seconds(5))]

    /// Runs redis-server in this shell's place, under a lock, so that two of them never share a data directory; and ends
    /// it when standard input ends, which it does when the scheduler is gone, also by a kill -9.
    private static let watchScript = """
        exec 3<&0
        (
            exec >/dev/null 2>&1
            cat <&3
            case "$(cat /proc/$$/comm 2>/dev/null)" in redis-server|flock|sh) kill -TERM $$ ;; esac
        ) &
        exec 3<&-
        exec flock --no-fork --timeout 30 \(DataDirectory.serverLockName) "$@" </dev/null
        """

    private let directory: DataDirectory
    private let logger: Logger

    /// Throws where there is no redis-server on this machine.
    init(directory: DataDirectory, logger: Logger) throws(StartError) {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        guard folders.contains(where: { FileManager.default.isExecutableFile(atPath: "\($0)/redis-server") }) else {
            throw StartError(
                "No redis-server is installed. Install it (Debian: redis-server), or set REDIS_WRITER_URL.")
        }
        self.directory = directory
        self.logger = logger
    }

    /// Where the scheduler finds it.
    var url: RedisURL { RedisURL(address: .unix(path: directory.socketPath)) }

    /// Serves until the scheduler ends; throws ``StartError`` where the server ends before it has served once.
    ///
    /// One that has served is started again for ever: what it holds may be had back as soon as its disk has room.
    func run() async throws {
        var delay = EmbeddedRedis.restartDelayMin
        var hasServed = false
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            let started = ContinuousClock.now
            let (output, ending) = await runServer()
            if Task.isCancelled || Task.isShuttingDownGracefully { break }
            let words = output.lastWords(before: .now)
            hasServed = hasServed || output.hasServed
            guard hasServed else {
                throw StartError(
                    "The private redis-server on \(directory.path) does not start: it \(ending)"
                        + (words.isEmpty ? " and said nothing" : ". It said: \(words)"))
            }
            if started.duration(to: .now) > EmbeddedRedis.settledAfter { delay = EmbeddedRedis.restartDelayMin }
            logger.error(
                "The private redis-server ended; it is started again",
                metadata: ["ending": "it \(ending)", "last_words": "\(words)"])
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, EmbeddedRedis.restartDelayMax)
        }
    }

    /// Runs one server until it ends, or the scheduler is to; returns what it said and how it ended.
    private func runServer() async -> (RedisOutput, ending: String) {
        var options = PlatformOptions()
        // Away from the terminal's process group, so that Ctrl-C reaches the scheduler only, which then drains first.
        options.createSession = true
        options.teardownSequence = EmbeddedRedis.ending
        do {
            let result = try await Subprocess.run(
                .name("sh"),
                arguments: Arguments(["-c", EmbeddedRedis.watchScript, "dms-redis", "redis-server"] + serverArguments),
                workingDirectory: FilePath(directory.path), platformOptions: options, input: .inputWriter,
                output: .sequence, error: .combinedWithOutput
            ) { execution in
                await withTaskGroup(of: RedisOutput?.self) { tasks in
                    // The server's output ends with the server.
                    tasks.addTask { [logger] in await EmbeddedRedis.follow(execution.standardOutput, logger: logger) }
                    tasks.addTask {
                        try? await gracefulShutdown()
                        return nil
                    }
                    let output = await tasks.next() ?? nil
                    // SIGTERM makes it sync its file and go. Its input's end would too, but not in a cancelled task.
                    await execution.teardown(using: EmbeddedRedis.ending)
                    try? await execution.standardInputWriter.finish()
                    tasks.cancelAll()
                    return output
                }
            }
            return (result.closureResult ?? RedisOutput(), result.terminationStatus.sentence)
        } catch {
            return (RedisOutput(), "could not be run: \(error)")
        }
    }

    /// Logs what the server says until its output ends; it logs to standard output, since a full disk takes no log file.
    private static func follow(_ lines: SubprocessOutputSequence, logger: Logger) async -> RedisOutput {
        var output = RedisOutput()
        do {
            for try await line in lines.strings() {
                let (text, level) = output.add(line, at: .now)
                // Its farewell, which it says loudly, is what was asked for.
                let isLeaving = Task.isCancelled || Task.isShuttingDownGracefully
                logger.log(
                    level: isLeaving ? .debug : level, "The private redis-server says", metadata: ["line": "\(text)"])
            }
        } catch {
            logger.debug("The private redis-server's output broke off", metadata: ["error": "\(error)"])
        }
        return output
    }

    private var serverArguments: [String] {
        [
            "--port", "0", "--unixsocket", directory.socketPath, "--unixsocketperm", "700", "--dir", directory.path,
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
            "--daemonize", "no",
        ]
    }
}

extension TerminationStatus {
    /// Those that end a redis-server: someone's, the system's, or a fault of its own.
    private static let signalNames = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS",
        SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM",
    ]

    /// How a process ended; half a sentence that begins with the process.
    var sentence: String {
        switch self {
        case .exited(let status): "exited with status \(status)"
        case .signaled(let signal):
            "was killed by signal \(signal)" + (TerminationStatus.signalNames[signal].map { " (\($0))" } ?? "")
        }
    }
}
