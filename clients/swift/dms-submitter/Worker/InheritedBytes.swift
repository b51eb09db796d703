import Glibc
import Subprocess

/// What this program was given, byte for byte: Swift's own lists have U+FFFD in the place of what is not UTF-8.
enum InheritedBytes {
    /// The last words of the command line.
    static func lastWords(_ count: Int) -> [[UInt8]] {
        let words = unsafe UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc))
        return unsafe words.suffix(count).compactMap { word in unsafe word.map { unsafe bytes(of: $0) } }
    }

    /// The environment with some variables set, and without the scheduler's tokens: they are ours, and not the command's.
    static func environment(with variables: [Environment.Key: String]) -> Environment {
        let entries = environmentEntries()
        let inherited = entries.filter { !isToken($0) }
        // The library takes no other entries as bytes; as text it hands on what there is.
        let usable = inherited.filter(isUsable)
        if usable.count < inherited.count, entries.allSatisfy({ String(validating: $0, as: UTF8.self) != nil }) {
            var changes: [Environment.Key: String?] = variables
            for entry in entries where isToken(entry) {
                let key = Environment.Key(rawValue: String(decoding: name(of: entry), as: UTF8.self))
                if let key { changes.updateValue(nil, forKey: key) }
            }
            return .inherit.updating(changes)
        }
        return .custom(usable.map { $0 + [0] }).updating(variables)
    }

    /// Whether a variable holds a token of the scheduler's, or names its file: `DMS_OPERATOR_TOKEN`, `DMS_SUBMITTER_TOKEN_FILE` and their like.
    static func isToken(_ entry: [UInt8]) -> Bool {
        let parts = name(of: entry).split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        return parts.first.map { Array($0) } == Array("DMS".utf8) && parts.contains { $0.elementsEqual("TOKEN".utf8) }
    }

    private static func name(of entry: [UInt8]) -> ArraySlice<UInt8> { entry.prefix { $0 != UInt8(ascii: "=") } }

    private static func isUsable(_ entry: [UInt8]) -> Bool {
        guard let first = entry.first, entry.contains(UInt8(ascii: "=")) else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
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
