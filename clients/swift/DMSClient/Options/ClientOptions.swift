public import DMSWire

/// How a client behaves; the same for all its calls.
public struct ClientOptions: Sendable {
    /// The operators' token, sent with every call; it opens what is the submitters' too.
    public var operatorToken: String?
    /// The submitters' token, sent with every call.
    public var submitterToken: String?
    /// How long a call may take where it does not say so itself; nil: for ever.
    public var deadline: Duration?
    /// How long a call waits for a connection, and how long one attempt to connect may take.
    public var connectTimeout: Duration
    /// Whether an attempt to connect that failed is repeated until ``connectTimeout``.
    ///
    /// Without it the calls that wait fail with the first failure, as is best for a program that makes one call.
    public var retriesConnecting: Bool
    /// The name that submitters' calls give for themselves; nil: one of the client's own making, made of host and process.
    public var submitterID: String?
    /// How servers at `tls://` addresses are known.
    public var tls = ClientTLS()
    /// How long a server may be quiet before it is asked whether it is there; nil: it never is.
    public var pingInterval: Duration? = .seconds(15)
    /// How long a server that was asked has to say anything, before the connection counts as lost.
    public var pingTimeout: Duration = .seconds(10)
    /// The pauses between attempts to connect.
    var backoff = Backoff()
    /// The last stream id that a connection uses; then a new one is opened.
    var streamIDMax = UInt32.max

    /// Options with the defaults: 10 seconds a call, 5 to connect, a ping after 15 quiet seconds.
    public init(
        operatorToken: String? = nil, submitterToken: String? = nil, deadline: Duration? = .seconds(10),
        connectTimeout: Duration = .seconds(5), retriesConnecting: Bool = true, submitterID: String? = nil
    ) {
        self.operatorToken = operatorToken
        self.submitterToken = submitterToken
        self.deadline = deadline
        self.connectTimeout = connectTimeout
        self.retriesConnecting = retriesConnecting
        self.submitterID = submitterID
    }

    /// What every call carries.
    var metadata: [MetadataEntry] {
        var entries: [MetadataEntry] = []
        if let operatorToken { entries.append(MetadataEntry(key: MetadataKey.operatorToken, value: operatorToken)) }
        if let submitterToken { entries.append(MetadataEntry(key: MetadataKey.submitterToken, value: submitterToken)) }
        return entries
    }
}

extension ClientOptions: CustomStringConvertible, CustomReflectable {
    /// The options without the tokens, which no log is to hold.
    public var description: String {
        let tokens = [operatorToken == nil ? nil : "operator", submitterToken == nil ? nil : "submitter"]
            .compactMap(\.self)
        return "deadline \(deadline.map { "\($0)" } ?? "none"), connect timeout \(connectTimeout), "
            + "tokens: \(tokens.isEmpty ? "none" : tokens.joined(separator: ", "))"
    }

    /// Shows what ``description`` does.
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}

/// What one call does otherwise than its client's others.
public struct CallOptions: Sendable {
    /// How long the call may take; nil: as long as ``ClientOptions/deadline`` says.
    ///
    /// The server is told, and gives up by itself; a little later the client does so too.
    public var deadline: Duration?
    /// Sent with the call, behind what the client sends with all calls; keys are in lower case.
    public var metadata: [MetadataEntry]

    /// Options with the defaults: the client's deadline, no metadata.
    public init(deadline: Duration? = nil, metadata: [MetadataEntry] = []) {
        self.deadline = deadline
        self.metadata = metadata
    }
}
