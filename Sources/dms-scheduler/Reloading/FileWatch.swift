import Foundation

/// Says when files that were changed are to be read anew.
///
/// Not at once: who writes a certificate and its key does that one after the other. They are read when they look at two
/// looks as they did not when they were read last.
struct FileWatch {
    /// What a file looks like from outside; two different contents look different as good as always.
    struct Stamp: Equatable {
        var device: Int
        var inode: Int
        var bytes: Int
        var changed: Date

        /// Nil where there is no such file; of a link, what it leads to.
        init?(path: String) {
            let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            guard let attributes = try? FileManager.default.attributesOfItem(atPath: file) else { return nil }
            func number(_ key: FileAttributeKey) -> Int { (attributes[key] as? NSNumber)?.intValue ?? 0 }
            device = number(.systemNumber)
            inode = number(.systemFileNumber)
            bytes = number(.size)
            changed = attributes[.modificationDate] as? Date ?? .distantPast
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
