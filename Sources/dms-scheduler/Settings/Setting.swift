import DMSModel

/// Every setting of the program: the one table that environment, `.env` file, flags and help are read from.
enum Setting: String, CaseIterable, Sendable {
    case httpHost = "DMS_HTTP_HOST"
    case httpPort = "DMS_HTTP_PORT"
    case httpHosts = "DMS_HTTP_HOSTS"
    case rpcHost = "DMS_RPC_HOST"
    case rpcPort = "DMS_RPC_PORT"
    case rpcSocket = "DMS_RPC_SOCKET"
    case tlsCertificateFile = "DMS_TLS_CERT_FILE"
    case tlsKeyFile = "DMS_TLS_KEY_FILE"
    case tlsClientCAFile = "DMS_TLS_CLIENT_CA_FILE"
    case writerURL = "REDIS_WRITER_URL"
    case readerURL = "REDIS_READER_URL"
    case minReplicas = "DMS_REDIS_MIN_REPLICAS"
    case replicaWait = "DMS_REDIS_WAIT_MS"
    case eviction = "DMS_REDIS_EVICTION"
    case keyPrefix = "DMS_KEY_PREFIX"
    case dataDirectory = "DMS_DATA_DIR"
    case operatorToken = "DMS_OPERATOR_TOKEN"
    case operatorTokenPrevious = "DMS_OPERATOR_TOKEN_PREVIOUS"
    case operatorTokenFile = "DMS_OPERATOR_TOKEN_FILE"
    case submitterToken = "DMS_SUBMITTER_TOKEN"
    case submitterTokenPrevious = "DMS_SUBMITTER_TOKEN_PREVIOUS"
    case submitterTokenFile = "DMS_SUBMITTER_TOKEN_FILE"
    case eventLoops = "DMS_EVENT_LOOPS"
    case logLevel = "LOG_LEVEL"
    case logFormat = "DMS_LOG_FORMAT"
    case maxQueued = "DMS_MAX_QUEUED"
    case httpConnectionsMax = "DMS_HTTP_CONNECTIONS_MAX"
    case rpcConnectionsMax = "DMS_RPC_CONNECTIONS_MAX"
    case connectionsPerAddressMax = "DMS_CONNECTIONS_PER_ADDRESS_MAX"
    case requestsPerSecondMax = "DMS_REQUESTS_PER_SECOND_MAX"
    case firstRequestSeconds = "DMS_FIRST_REQUEST_SECONDS"
    case requestSeconds = "DMS_REQUEST_SECONDS"
    case unreadSeconds = "DMS_UNREAD_SECONDS"
    case httpIdleSeconds = "DMS_HTTP_IDLE_SECONDS"
    case rpcIdleSeconds = "DMS_RPC_IDLE_SECONDS"

    /// The name in the environment and in the `.env` file.
    var variable: String { rawValue }

    /// The flag of the same meaning, without its dashes: `DMS_HTTP_HOST` is `--http-host`.
    var flag: String {
        let name = rawValue.hasPrefix("DMS_") ? rawValue.dropFirst(4) : rawValue[...]
        return name.lowercased().replacing("_", with: "-")
    }

    /// What holds where nothing is set; nil: no value.
    var defaultValue: String? {
        switch self {
        case .httpHost, .rpcHost: "127.0.0.1"
        case .httpPort: "8000"
        case .rpcPort: "8001"
        case .minReplicas: "0"
        case .replicaWait: "1000"
        case .eviction: "refuse"
        case .keyPrefix: "dms"
        case .dataDirectory: "data"
        case .logLevel: "info"
        case .logFormat: "text"
        case .maxQueued, .connectionsPerAddressMax, .requestsPerSecondMax: "0"
        case .httpConnectionsMax: "\(Limits.Connections.httpMax)"
        case .rpcConnectionsMax: "\(Limits.Connections.rpcMax)"
        case .firstRequestSeconds: "\(Limits.Connections.firstRequestTime.components.seconds)"
        case .requestSeconds: "\(Limits.Connections.requestTime.components.seconds)"
        case .unreadSeconds: "\(Limits.Connections.unreadTime.components.seconds)"
        case .httpIdleSeconds: "\(Limits.Connections.httpIdleTime.components.seconds)"
        case .rpcIdleSeconds: "\(Limits.Connections.rpcIdleTime.components.seconds)"
        case .httpHosts, .tlsCertificateFile, .tlsKeyFile, .tlsClientCAFile, .rpcSocket, .writerURL, .readerURL,
            .operatorToken, .operatorTokenPrevious, .operatorTokenFile, .submitterToken, .submitterTokenPrevious,
            .submitterTokenFile,
            .eventLoops:
            nil
        }
    }

    /// What it does, for `--help`.
    var help: String {
        switch self {
        case .httpHost: "Address that the REST door listens on."
        case .httpPort: "Port of the REST door; 0 takes any."
        case .httpHosts:
            "Names by which the REST door is reached, with commas between them; *.example.org for all under one, "
                + "* for any. Addresses, localhost and the machine's own name need not be named."
        case .rpcHost: "Address that the binary door listens on."
        case .rpcPort: "Port of the binary door; 0 takes any."
        case .rpcSocket: "Path of a unix socket that the binary door listens on as well."
        case .tlsCertificateFile:
            "File with the certificate chain, PEM, with which both doors speak TLS. Unset: they don't."
        case .tlsKeyFile: "File with the certificate's private key, PEM."
        case .tlsClientCAFile:
            "File with the roots, PEM, that clients' certificates must lead to. Unset: they need none."
        case .writerURL:
            "Redis that state is written to: redis://[user:password@]host[:port][/db], unix:///path[?db=0], "
                + "redis+sentinel://host,host/master or redis+cluster://host,host; rediss for TLS. "
                + "Unset: a private redis-server is started."
        case .readerURL: "Redis that reads go to; ?role=replica with Sentinel or Cluster. Unset: the writer."
        case .minReplicas: "Replicas that have to confirm a write before it is answered."
        case .replicaWait: "How long they may take, in milliseconds."
        case .eviction:
            "What to do while Redis may evict tasks (maxmemory with another policy than noeviction): refuse "
                + "submissions, or warn."
        case .keyPrefix: "What every Redis key starts with; {dms} keeps all keys in one cluster slot."
        case .dataDirectory: "Where the private redis-server keeps its data."
        case .operatorToken: "Token that admin operations and the priorities mid and high need. Unset: they are closed."
        case .operatorTokenPrevious: "Earlier operator token, which is still taken."
        case .operatorTokenFile:
            "File that holds the operator token, or several, one a line; read again when it changes."
        case .submitterToken: "Token that fetching tasks needs. Unset: anybody may."
        case .submitterTokenPrevious: "Earlier submitter token, which is still taken."
        case .submitterTokenFile:
            "File that holds the submitter token, or several, one a line; read again when it changes."
        case .eventLoops: "Threads that serve. Unset: one a core, at most 4."
        case .logLevel: "trace, debug, info, notice, warning, error or critical."
        case .logFormat: "text or json."
        case .maxQueued: "Tasks that may be queued at a time; submissions past it are refused. 0: any number."
        case .httpConnectionsMax: "Connections of the REST door at a time."
        case .rpcConnectionsMax: "Connections of the binary door at a time."
        case .connectionsPerAddressMax: "Connections of each door at a time from one address. 0: any number."
        case .requestsPerSecondMax: "Requests in a second on one connection. 0: any number."
        case .firstRequestSeconds: "How long a new connection may take to its first request."
        case .requestSeconds: "How long the rest of a request that was begun may take."
        case .unreadSeconds: "How long a client may take nothing of what is sent to it."
        case .httpIdleSeconds: "How long a connection of the REST door may ask for nothing."
        case .rpcIdleSeconds: "How long a connection of the binary door may ask for nothing. 0: for ever."
        }
    }
}
