/// A URL behind its scheme, cut at its marks: `[credentials@]hosts[/path][?query]`.
struct RedisURLParts {
    let credentials: Substring?
    let hosts: Substring
    /// Without the slash in front; nil where there is none.
    let path: Substring?
    var query: RedisURLQuery
    private let hasHash: Bool

    init(_ text: Substring) throws(RedisURLError) {
        hasHash = text.utf8.contains(UInt8(ascii: "#"))
        let (beforeQuery, query) = text.split(atFirst: "?")
        self.query = try RedisURLQuery(query)
        let (authority, path) = beforeQuery.split(atFirst: "/")
        self.path = path
        if let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) {
            credentials = authority[..<at]
            hosts = authority[authority.utf8.index(after: at)...]
        } else {
            credentials = nil
            hosts = authority
        }
    }

    /// A fragment means nothing here; a password that holds a # would be cut off by it.
    func refuseHash() throws(RedisURLError) {
        guard !hasHash else { throw RedisURLError("a # must be written %23") }
    }
}

/// The parameters behind the ?, each of which is taken by what it means something to.
struct RedisURLQuery {
    private var values: [String: String] = [:]

    init(_ text: Substring?) throws(RedisURLError) {
        guard let text else { return }
        for part in text.utf8.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) {
            let (name, text) = Substring(part).split(atFirst: "=")
            guard let value = text else {
                throw RedisURLError("a parameter has the form name=value, such as db=number")
            }
            let decoded = try percentDecoded(value, "the parameter")
            guard values.updateValue(decoded, forKey: String(name)) == nil else {
                throw RedisURLError("a parameter is given twice")
            }
        }
    }

    /// The value of a parameter, which is gone then.
    mutating func take(_ name: String) -> String? { values.removeValue(forKey: name) }

    /// Throws where a parameter is left that nothing here knows.
    func checkEmpty() throws(RedisURLError) {
        guard values.isEmpty else {
            throw RedisURLError(
                "a parameter is unknown here; there are db=number for the database, sentinel_user, sentinel_password, "
                    + "role, and with rediss ca_file, cert_file, key_file, server_name, verify")
        }
    }
}

/// `user:password`, `:password` or `password`, the forms that stand before the @.
struct RedisLogin {
    var user: String?
    var password: String?

    init(_ credentials: Substring?) throws(RedisURLError) {
        guard let credentials else { return }
        let (first, second) = credentials.split(atFirst: ":")
        let user = second == nil ? "" : try percentDecoded(first, "the user")
        let password = try percentDecoded(second ?? first, "the password")
        guard !password.isEmpty else { throw RedisURLError("the password is empty") }
        self.user = user.isEmpty ? nil : user
        self.password = password
    }
}

func percentDecoded(_ text: Substring, _ what: String) throws(RedisURLError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexDigit), let low = rest.popFirst().flatMap(hexDigit) else {
            throw RedisURLError("\(what) has a % that is not followed by two hexadecimal digits")
        }
        bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
        throw RedisURLError("\(what) is not UTF-8")
    }
    return decoded
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}

extension StringProtocol where SubSequence == Substring {
    /// What stands before the separator's first place, and what behind it; all and nil where it is not there.
    ///
    /// By bytes: a combining character behind a mark would make one `Character` of both.
    func split(atFirst separator: String) -> (Substring, Substring?) {
        let whole = self[...]
        var rest = whole.utf8[...]
        while !rest.isEmpty {
            if rest.starts(with: separator.utf8) {
                return (whole[..<rest.startIndex], Substring(rest.dropFirst(separator.utf8.count)))
            }
            rest = rest.dropFirst()
        }
        return (whole, nil)
    }
}
