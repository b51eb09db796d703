import Logging
import Scheduler
import Synchronization

/// Reads token files anew, and tells the scheduler of the tokens.
final class TokenReloading: Sendable {
    private let pool: SchedulerPool
    private let logger: Logger
    private let tokens: Mutex<Tokens>

    init(_ tokens: Tokens, pool: SchedulerPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
        self.tokens = Mutex(tokens)
    }

    /// How the file of one kind of tokens is read anew; nil where they stand in none.
    func source(
        _ settings: TokenSettings, _ kind: any WritableKeyPath<Tokens, [String]> & Sendable
    ) -> FileReloader.Source? {
        guard let (setting, path) = settings.file else { return nil }
        return FileReloader.Source(paths: [path]) { self.read(setting, path, kind) }
    }

    private func read(_ setting: Setting, _ path: String, _ kind: any WritableKeyPath<Tokens, [String]> & Sendable) {
        do throws(SettingsError) {
            let new = try TokenSettings.read(setting, path)
            let changed = tokens.withLock { tokens -> Tokens? in
                guard tokens[keyPath: kind] != new else { return nil }
                tokens[keyPath: kind] = new
                return tokens
            }
            guard let changed else { return }
            pool.replaceTokens(changed)
            logger.info(
                "A token file was read anew",
                metadata: ["setting": "\(setting.variable)", "tokens": "\(new.count)"])
        } catch {
            logger.error(
                "A token file could not be read anew; the earlier tokens stay in use", metadata: ["error": "\(error)"])
        }
    }
}
