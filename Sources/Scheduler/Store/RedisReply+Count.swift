import RedisLink

extension RedisReply {
    /// The largest count that a script can have counted to: its numbers are doubles.
    private static let countMax = 1 << 53

    /// An integer that counts something, and may therefore be added up; throws where it is below 0 or past what can be.
    func counted() throws(RedisError) -> Int {
        let value = try integer()
        guard (0...RedisReply.countMax).contains(value) else {
            throw .unexpectedReply("a count was expected, not \(value)")
        }
        return value
    }

    /// As ``counted()``, of an element.
    func counted(at index: Int) throws(RedisError) -> Int { try self[index].counted() }
}
