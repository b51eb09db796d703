import Foundation
import Glibc

/// The folder of the private redis-server, claimed by one scheduler at a time.
///
/// The claim is a lock on a file in it, which the kernel drops with the process, however that ends.
final class DataDirectory: Sendable {
    /// Absolute.
    let path: String
    private let lock: Int32

    /// Makes the folder where it is not there, and claims it; throws where another scheduler has it.
    init(path given: String) throws(StartError) {
        let url = URL(fileURLWithPath: given).standardizedFileURL
        path = url.path
        do {
            try FileManager.default.createDirectory(
                at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw StartError("The data directory \(path) cannot be made: \(error.localizedDescription)")
        }
        let lockPath = url.appendingPathComponent("scheduler.lock").path
        let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartError("The data directory \(path) cannot be written to") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw StartError(
                "Another scheduler is running on the data directory \(path). "
                    + "Stop it, or give this one a directory of its own with DMS_DATA_DIR.")
        }
        lock = descriptor
        guard socketPath.utf8.count <= Settings.socketPathBytesMax else {
            throw StartError(
                "The data directory's path is too long for a socket in it: \(path). Set DMS_DATA_DIR to a shorter one.")
        }
    }

    deinit { close(lock) }

    /// Waits until no redis-server has this folder.
    ///
    /// After a kill -9 the predecessor's server needs a moment to sync its file and go. It must not be spoken to: what it
    /// takes now would be answered, and its end would break off what comes next.
    func waitForPredecessor(atMost limit: Duration) async throws {
        let path = "\(path)/\(DataDirectory.serverLockName)"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StartError("The data directory \(self.path) cannot be written to") }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + limit
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < deadline else {
                throw StartError(
                    "A redis-server of an earlier scheduler still runs on the data directory \(self.path). End it first."
                )
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// The file that a running redis-server holds a lock on.
    static let serverLockName = "redis.lock"

    /// Where the private redis-server listens.
    var socketPath: String { "\(path)/redis.sock" }
}
