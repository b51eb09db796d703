/// A method by its service's full name and its own.
///
/// Names come from outside and are compared byte for byte: `String ==` would take some other letters for ours.
struct MethodName: Hashable, Sendable {
    var service: String
    var method: String

    static func == (left: MethodName, right: MethodName) -> Bool {
        left.service.utf8.elementsEqual(right.service.utf8) && left.method.utf8.elementsEqual(right.method.utf8)
    }

    func hash(into hasher: inout Hasher) {
        // The method alone spreads our few names well enough.
        hasher.combine(method.utf8.count)
        for byte in method.utf8.prefix(4) { hasher.combine(byte) }
    }
}
