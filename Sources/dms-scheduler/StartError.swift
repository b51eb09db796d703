/// Why the program could not start, though its settings were right.
struct StartError: Error, CustomStringConvertible {
    /// EX_UNAVAILABLE of sysexits.h.
    static let exitCode: Int32 = 69

    var description: String

    init(_ description: String) { self.description = description }
}
