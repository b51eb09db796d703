import Glibc

/// Says when files that were changed are to be read anew.
///
/// Not at once: who writes a certificate and its key does that one after the other. They are read when they look at two
/// looks as they did not when they were read last.
struct FileWatch {
    /// What a file looks like from outside; two different contents look different as good as always.
    struct Stamp: Equatable {
        var device: UInt
        var inode: UInt
        var bytes: Int
        var seconds: Int
        var nanoseconds: Int

        /// Nil where there is no such file.
        init?(path: String) {
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return nil }
            device = UInt(status.st_dev)
            inode = UInt(status.st_ino)
            bytes = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }

    private var read: [Stamp?]?
    private var seen: [Stamp?]?

    /// Whether the files are to be read; at the first look that finds them at rest they are.
    mutating func look(_ stamps: [Stamp?]) -> Bool {
        defer { seen = stamps }
        guard stamps != read, stamps == seen else { return false }
        read = stamps
        return true
    }
}
