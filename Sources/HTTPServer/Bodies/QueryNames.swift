import DMSModel

/// The names that a query may have.
struct QueryNames: ExpressibleByArrayLiteral {
    private let names: [[UInt8]]

    init(arrayLiteral names: String...) { self.names = names.map { Array($0.utf8) } }

    /// What is said of the others, in their order.
    func unknown(in query: [RequestTarget.QueryItem]) -> [FieldError] {
        query.filter { item in !names.contains { $0.elementsEqual(item.name.utf8) } }.map { item in
            FieldError(
                "extra_forbidden", at: [.name("query"), .name(item.name)], "Extra inputs are not permitted",
                input: JSONString.encode(item.value))
        }
    }
}
