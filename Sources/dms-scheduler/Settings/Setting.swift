/// Every setting of the program: the one table that environment, `.env` file, flags and help are read from.
enum Setting: String, CaseIterable, Sendable {
    case httpHost = "DMS_HTTP_HOST"
    case httpPort = "DMS_HTTP_PORT"
    case rpcHost = "DMS_RPC_HOST"
    case rpcPort = "DMS_RPC_PORT"
    case rpcSocket = "DMS_RPC_SOCKET"
    case writerURL = "REDIS_WRITER_URL"
    case readerURL = "REDIS_READER_URL"
    case minReplicas = "DMS_REDIS_MIN_REPLICAS"
    case replicaWait = "DMS_REDIS_WAIT_MS"
    case keyPrefix = "DMS_KEY_PREFIX"
    case dataDirectory = "DMS_DATA_DIR"
    case operatorToken = "DMS_OPERATOR_TOKEN"
    case operatorTokenFile = "DMS_OPERATOR_TOKEN_FILE"
    case submitterToken = "DMS_SUBMITTER_TOKEN"
    case submitterTokenFile = "DMS_SUBMITTER_TOKEN_FILE"
    case eventLoops = "DMS_EVENT_LOOPS"
    case logLevel = "LOG_LEVEL"
    case logFormat = "DMS_LOG_FORMAT"

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
        case .keyPrefix: "dms"
        case .dataDirectory: "data"
        case .logLevel: "info"
        case .logFormat: "text"
        case .rpcSocket, .writerURL, .readerURL, .operatorToken, .operatorTokenFile, .submitterToken,
            .submitterTokenFile, .eventLoops:
            nil
        }
    }

    /// What it does, for `--help`.
    var help: String {
        switch self {
        case .httpHost: "Address that the REST door listens on."
        case .httpPort: "Port of the REST door; 0 takes any."
        case .rpcHost: "Address that the binary door listens on."
        case .rpcPort: "Port of the binary door; 0 takes any."
        case .rpcSocket: "Path of a unix socket that the binary door listens on as well."
        case .writerURL:
            "Redis that state is written to: redis://[user:password@]host[:port][/db], unix:///path[?db=0], "
                + "redis+sentinel://host,host/master or redis+cluster://host,host; rediss for TLS. "
                + "Unset: a private redis-server is started."
        case .readerURL: "Redis that reads go to; ?role=replica with Sentinel or Cluster. Unset: the writer."
        case .minReplicas: "Replicas that have to confirm a write before it is answered."
        case .replicaWait: "How long they may take, in milliseconds."
        case .keyPrefix: "What every Redis key starts with; {dms} keeps all keys in one cluster slot."
        case .dataDirectory: "Where the private redis-server keeps its data."
        case .operatorToken: "Token that admin operations and the priorities mid and high need. Unset: they are closed."
        case .operatorTokenFile: "File that holds the operator token."
        case .submitterToken: "Token that fetching tasks needs. Unset: anybody may."
        case .submitterTokenFile: "File that holds the submitter token."
        case .eventLoops: "Threads that serve. Unset: one a core, at most 4."
        case .logLevel: "trace, debug, info, notice, warning, error or critical."
        case .logFormat: "text or json."
        }
    }
}
