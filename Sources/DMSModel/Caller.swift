/// Who is calling, as far as the call itself says: what a door found in its headers or metadata.
public struct Caller: Sendable {
    /// The operator token that came with the call, unchecked; nil where none came.
    public var operatorToken: String?
    /// The submitter token that came with the call, unchecked; nil where none came.
    public var submitterToken: String?

    /// A caller with these tokens; without arguments, one that brought none.
    public init(operatorToken: String? = nil, submitterToken: String? = nil) {
        self.operatorToken = operatorToken
        self.submitterToken = submitterToken
    }
}
