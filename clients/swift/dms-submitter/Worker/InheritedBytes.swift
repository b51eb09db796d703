import Glibc
import Subprocess

/// What this program was given, byte for byte: Swift's own lists have U+FFFD in the place of what is not UTF-8.
enum InheritedBytes {
    /// The last words of the command line.
    static func lastWords(_ count: Int) -> [[UInt8]] {
        let words = unsafe UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return unsafe words.suffix(count).compactMap { word in unsafe word.map { unsafe bytes(of: $0) } }
    }

    /// The environment with some variables set.
    static func environment(with variables: [Environment.Key: String]) -> Environment {
        let inherited = Environment.inherit.updating(variables)
        let entries = environmentEntries()
        guard entries.contains(where: { String(validating: $0, as: UTF8.self) == nil }) else { return inherited }
        // The library takes no other bytes than these.
        let usable = entries.filter { entry in
            guard let first = entry.first, entry.contains(UInt8(ascii: "=")) else { return false }
            return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        }
        return Environment.custom(usable.map { $0 + [0] }).updating(variables)
    }

    private static func environmentEntries() -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            entries.append(unsafe bytes(of: entry))
            unsafe next += 1
        }
        return entries
    }

    private static func bytes(of text: UnsafeMutablePointer<CChar>) -> [UInt8] {
        unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}
