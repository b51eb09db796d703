import NIOCore

/// Where the fields of a record lie that has the very layout in which this scheduler writes it: compact, in its order,
/// no escape in a name.
///
/// Records are read far more often than they are anything else, and finding the fields by their places costs a fraction
/// of what a JSON parser does. Whatever else a record may be is left to the parser.
struct RecordLayout: ~Copyable {
    var taskID = 0..<0
    var service = 0..<0
    var userID = 0..<0
    var parameters = 0..<0
    var priority = 0..<0
    var status = 0..<0
    var enqueuedAt = 0..<0
    var updatedAt = 0..<0
    var attempt: UInt32 = 0
    var lease = 0..<0
    var leaseMilliseconds: Int64 = 0
    var submitterID = 0..<0

    /// Nil where the text is another, or holds a result or an error.
    init?(_ text: Span<UInt8>) {
        var cursor = Cursor(text)
        guard cursor.take("{\"task_id\":\""), let taskID = cursor.string(),
            cursor.take(",\"service\":\""), let service = cursor.string(),
            cursor.take(",\"user_id\":\""), let userID = cursor.string(),
            cursor.take(",\"parameters\":"), let tail = Cursor.lastTail(text, from: cursor.index),
            RecordLayout.isObject(text.extracting(cursor.index..<tail))
        else { return nil }
        (self.taskID, self.service, self.userID) = (taskID, service, userID)
        parameters = cursor.index..<tail
        cursor.index = tail
        guard cursor.take(",\"priority\":\""), let priority = cursor.string(),
            cursor.take(",\"status\":\""), let status = cursor.string(),
            cursor.take(",\"enqueued_at\":\""), let enqueuedAt = cursor.string(),
            cursor.take(",\"updated_at\":\""), let updatedAt = cursor.string()
        else { return nil }
        (self.priority, self.status, self.enqueuedAt, self.updatedAt) = (priority, status, enqueuedAt, updatedAt)
        if cursor.take(",\"attempt\":") {
            guard let attempt = cursor.number().flatMap({ UInt32(exactly: $0) }) else { return nil }
            self.attempt = attempt
        }
        if cursor.take(",\"returned\":\"") { guard cursor.token() != nil else { return nil } }
        if cursor.take(",\"lease\":\"") {
            guard let lease = cursor.token(), cursor.take(",\"lease_ms\":"), let length = cursor.number() else {
                return nil
            }
            (self.lease, leaseMilliseconds) = (lease, length)
        }
        if cursor.take(",\"submitter_id\":\"") {
            guard let submitterID = cursor.string() else { return nil }
            self.submitterID = submitterID
        }
        if cursor.take(",\"request_id\":\"") { guard cursor.string() != nil else { return nil } }
        guard cursor.take("}"), cursor.index == text.count else { return nil }
    }

    /// Whether the text is one JSON object and nothing else.
    private static func isObject(_ text: Span<UInt8>) -> Bool {
        var scanner = JSONScanner(text, nestingMax: TaskRecord.recordNestingMax)
        guard scanner.current == UInt8(ascii: "{"), (try? scanner.value()) != nil else { return false }
        return scanner.current == nil
    }
}

/// A place in a text, and what may be taken from there.
private struct Cursor: ~Escapable {
    private let text: Span<UInt8>
    var index = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) { self.text = text }

    /// Steps over these ASCII letters; false, and not moved, where others stand there.
    mutating func take(_ letters: StaticString) -> Bool {
        let count = letters.utf8CodeUnitCount
        guard text.count - index >= count else { return false }
        for offset in 0..<count where unsafe letters.utf8Start[offset] != text[index + offset] { return false }
        index += count
        return true
    }

    /// Steps over what stands before the next quote, and over that; nil where it holds what has to be decoded.
    mutating func string() -> Range<Int>? {
        let start = index
        while index < text.count {
            let byte = text[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return start..<index - 1 }
            guard byte >= 0x20, byte != UInt8(ascii: "\\") else { return nil }
        }
        return nil
    }

    /// As ``string()``, of what a token is made of.
    mutating func token() -> Range<Int>? {
        guard let range = string() else { return nil }
        for index in range where !TaskRecord.isOfToken(text[index]) { return nil }
        return range
    }

    /// Steps over up to 15 digits.
    mutating func number() -> Int64? {
        let start = index
        var value: Int64 = 0
        while index < text.count, index - start < 16, case let byte = text[index], (48...57).contains(byte) {
            value = value * 10 + Int64(byte - 48)
            index += 1
        }
        // JSON has no number that begins with a 0 but 0 itself.
        let digits = index - start
        return (1...15).contains(digits) && (digits == 1 || text[start] != 48) ? value : nil
    }

    /// Where the record's own tail begins: no string of the later fields holds its text, since there every quote is escaped.
    static func lastTail(_ text: Span<UInt8>, from start: Int) -> Int? {
        let mark: StaticString = ",\"priority\":\""
        var index = text.count - mark.utf8CodeUnitCount
        while index > start {
            if text[index] == UInt8(ascii: ","), text[index + 2] == UInt8(ascii: "p") {
                var cursor = Cursor(text)
                cursor.index = index
                if cursor.take(mark) { return index }
            }
            index -= 1
        }
        return nil
    }
}
