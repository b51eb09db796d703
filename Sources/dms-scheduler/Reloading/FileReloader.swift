import ServiceLifecycle
import UnixSignals

/// Has files read anew when they change, and all of them on SIGHUP, while the program runs.
struct FileReloader: Service {
    /// Files that are read together.
    struct Source: Sendable {
        var paths: [String]
        /// Reads them, and says in the log what came of it.
        var reload: @Sendable () -> Void
    }

    private static let lookEvery = Duration.seconds(1)

    private enum Occasion {
        case look
        case signal
    }

    let sources: [Source]

    func run() async throws {
        let (occasions, occasion) = AsyncStream.makeStream(of: Occasion.self, bufferingPolicy: .bufferingNewest(2))
        let signals = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { for await _ in signals { occasion.yield(.signal) } }
                tasks.addTask {
                    while (try? await Task.sleep(for: FileReloader.lookEvery)) != nil { occasion.yield(.look) }
                    occasion.finish()
                }
                await serve(occasions)
                tasks.cancelAll()
            }
        }
    }

    private func serve(_ occasions: AsyncStream<Occasion>) async {
        var watches = sources.map { _ in FileWatch() }
        for await occasion in occasions {
            for (index, source) in sources.enumerated() {
                let hasChanged = watches[index].look(source.paths.map { FileWatch.Stamp(path: $0) })
                if hasChanged || occasion == .signal { source.reload() }
            }
        }
    }
}
