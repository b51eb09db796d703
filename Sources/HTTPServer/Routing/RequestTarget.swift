/// What stands between a request's method and its version: path segments and query, decoded.
struct RequestTarget: Equatable {
    /// The path's parts between its slashes, each decoded on its own, so that a `%2F` inside one stays inside.
    var segments: [String]
    /// The query's pairs in their order; nil where one of them can't be decoded.
    var query: [QueryItem]?

    /// A name and a value of the query.
    struct QueryItem: Equatable {
        var name: String
        var value: String
    }

    /// Takes a target apart; nil where it is no path, or where a segment can't be decoded: nothing has such an address.
    init?(_ target: String) {
        // Walked as bytes: a combining character behind the slash would make one `Character` of both.
        let bytes = target.utf8
        guard bytes.first == UInt8(ascii: "/") else { return nil }
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?"))
        let path = target[..<(pathEnd ?? target.endIndex)].utf8.dropFirst()
        segments = []
        for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let segment = PercentDecoding.decode(Substring(part)) else { return nil }
            segments.append(segment)
        }
        query = pathEnd.map { RequestTarget.items(of: bytes[bytes.index(after: $0)...]) } ?? []
    }

    private static func items(of query: Substring.UTF8View) -> [QueryItem]? {
        var items: [QueryItem] = []
        for part in query.split(separator: UInt8(ascii: "&")) {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let value = equals.map { part[part.index(after: $0)...] } ?? part[part.endIndex...]
            guard let name = PercentDecoding.decode(Substring(part[..<(equals ?? part.endIndex)]), plusIsSpace: true),
                let value = PercentDecoding.decode(Substring(value), plusIsSpace: true)
            else { return nil }
            items.append(QueryItem(name: name, value: value))
        }
        return items
    }
}
