// swift-tools-version: 6.2
import PackageDescription

/// What every module of ours is compiled with; C targets take none of it.
let swiftSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Types that borrow a buffer's bytes (~Escapable), so that no pointer is needed to walk them.
    .enableExperimentalFeature("Lifetimes"),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let collections: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heaps: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")

let package = Package(
    name: "dms-scheduler",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "dms-scheduler", targets: ["dms-scheduler"]),
        .executable(name: "dms-admin", targets: ["dms-admin"]),
        .executable(name: "dms-submitter", targets: ["dms-submitter"]),
        .executable(name: "dms-bench", targets: ["dms-bench"]),
        .library(name: "DMSClient", targets: ["DMSClient"]),
        // Put in front of libc by dms-faults, so that a process's clock can jump.
        .library(name: "FaultClock", type: .dynamic, targets: ["FaultClock"]),
    ],
    dependencies: [
        // The transport of both doors, of the Redis link and of the client.
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        // TLS for both doors, for the clients, and to Redis.
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        // The REST door: routing, HTTP/1.1, graceful shutdown.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        // The vocabulary of requests and responses that Hummingbird speaks.
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0", traits: []),
        // The logging API that every library here speaks.
        .package(url: "https://github.com/apple/swift-log.git", from: "1.14.0"),
        // Starts the services in order, drains them in reverse on SIGTERM.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        // Flags, help and errors of the command lines.
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        // Settings from flags, environment and a .env file, in that order.
        .package(url: "https://github.com/apple/swift-configuration.git", from: "1.4.0", traits: []),
        // Deques for what is in flight, heaps for its deadlines.
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        // Percentiles of the load generator's latencies.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
        // Runs the private redis-server of the embedded default.
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", from: "1.0.0"),
    ],
    targets: [
        // The two Debian libraries that the user fixed.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CProtobufC", providers: [.apt(["libprotobuf-c-dev"])]),
        // glibc's malloc.h, which the Glibc module leaves out: freed memory goes back to the system.
        .systemLibrary(name: "CMalloc"),
        // protoc-c's output, committed; `make proto` writes it anew.
        .target(
            name: "CDMSProto", dependencies: ["CProtobufC"], linkerSettings: [.linkedLibrary("protobuf-c")]),

        .target(name: "DMSModel", dependencies: [nioCore], swiftSettings: swiftSettings),
        // What is counted, and Prometheus's text format, which is too little to depend on a library for.
        .target(name: "DMSMetrics", dependencies: [nioCore], swiftSettings: swiftSettings),
        .target(
            name: "DMSWire", dependencies: ["CDMSProto", "CProtobufC", "DMSModel", nioCore],
            swiftSettings: swiftSettings),
        .target(
            name: "RedisLink", dependencies: ["CHiredis", nioCore, nioPosix, nioSSL, logging, collections],
            swiftSettings: swiftSettings),
        .target(
            name: "Scheduler",
            dependencies: ["DMSMetrics", "DMSModel", "RedisLink", nioCore, logging, collections, heaps],
            resources: [.embedInCode("Store/Scripts")], swiftSettings: swiftSettings),
        .target(
            name: "ServerTLS", dependencies: ["DMSModel", nioCore, nioSSL, nioTLS, logging],
            swiftSettings: swiftSettings),
        .target(
            name: "RPCServer",
            dependencies: [
                "DMSMetrics", "DMSModel", "DMSWire", "Scheduler", "ServerTLS", nioCore, nioPosix, logging, lifecycle,
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "HTTPServer",
            dependencies: [
                "DMSMetrics", "DMSModel", "Scheduler", "ServerTLS", hummingbird, hummingbirdCore, httpTypes, nioCore,
                nioHTTP1, logging, lifecycle,
            ], resources: [.embedInCode("Resources/openapi.json")], swiftSettings: swiftSettings),
        .executableTarget(
            name: "dms-scheduler",
            dependencies: [
                "CMalloc", "DMSMetrics", "DMSModel", "RedisLink", "Scheduler", "ServerTLS", "RPCServer", "HTTPServer",
                nioCore, nioPosix, logging, lifecycle, argumentParser, subprocess,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: swiftSettings),

        .target(
            name: "DMSClient",
            dependencies: ["DMSModel", "DMSWire", nioCore, nioPosix, nioSSL, nioTLS, logging, collections],
            path: "clients/swift/DMSClient", swiftSettings: swiftSettings),
        .target(
            name: "ClientCommands", dependencies: ["DMSClient", "DMSModel", "DMSWire", nioCore, argumentParser],
            path: "clients/swift/ClientCommands", swiftSettings: swiftSettings),
        .executableTarget(
            name: "dms-admin", dependencies: ["ClientCommands", "DMSClient", "DMSModel", nioCore, argumentParser],
            path: "clients/swift/dms-admin", swiftSettings: swiftSettings),
        .executableTarget(
            name: "dms-submitter",
            dependencies: [
                "ClientCommands", "DMSClient", "DMSModel", nioCore, nioPosix, argumentParser, subprocess,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], path: "clients/swift/dms-submitter", swiftSettings: swiftSettings),

        .executableTarget(
            name: "dms-bench",
            dependencies: [
                "DMSClient", "DMSModel", "DMSWire", "RedisLink", nioCore, nioHTTP1, nioPosix, logging, argumentParser,
                subprocess,
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ], swiftSettings: swiftSettings),

        // A private redis-server a test, and what else the suites share.
        .target(
            name: "TestSupport", dependencies: ["RedisLink", nioCore, nioPosix, nioSSL, logging, subprocess],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        // The fault ledger: faults by a seed, every call recorded, the history checked (docs/reliability.md).
        .target(name: "FaultClock", path: "Tests/FaultClock"),
        .target(
            name: "FaultLedger", dependencies: ["DMSModel", nioCore], path: "Tests/FaultLedger",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "dms-faults",
            dependencies: [
                "FaultLedger", "TestSupport", "DMSWire", "DMSModel", "RedisLink", nioCore, nioPosix, logging,
                argumentParser,
            ], path: "Tests/Faults", exclude: ["Mutants"], swiftSettings: swiftSettings),
        .testTarget(
            name: "FaultsTests", dependencies: ["FaultLedger", "DMSModel", "TestSupport", nioCore],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "DMSModelTests", dependencies: ["DMSModel", "TestSupport", nioCore], swiftSettings: swiftSettings),
        .testTarget(
            name: "DMSWireTests", dependencies: ["DMSWire", "DMSModel", nioCore], swiftSettings: swiftSettings),
        .testTarget(
            name: "RedisLinkTests", dependencies: ["RedisLink", "TestSupport", nioCore, nioPosix, logging],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "SchedulerTests",
            dependencies: ["Scheduler", "DMSModel", "RedisLink", "TestSupport", nioCore, nioPosix, logging],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "RPCServerTests",
            dependencies: [
                "RPCServer", "DMSWire", "DMSModel", "DMSClient", "Scheduler", "ServerTLS", "RedisLink", "TestSupport",
                nioCore,
                nioPosix, nioSSL, logging, lifecycle,
            ], swiftSettings: swiftSettings),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "DMSMetrics", "HTTPServer", "DMSModel", "Scheduler", "ServerTLS", "RedisLink", "TestSupport",
                hummingbirdCore, httpTypes, nioCore, nioPosix, logging, lifecycle,
            ], swiftSettings: swiftSettings),
        .testTarget(
            name: "DMSClientTests",
            dependencies: [
                "DMSClient", "ClientCommands", "DMSWire", "DMSModel", "dms-admin", "dms-submitter", nioCore, nioPosix,
                argumentParser,
            ], swiftSettings: swiftSettings),
        // What `.ci/fuzz` feeds by libFuzzer; the tests feed it what was found before.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "DMSClient", "DMSModel", "DMSWire", "HTTPServer", "RPCServer", "RedisLink", "Scheduler", httpTypes,
                logging, nioCore, .product(name: "NIOEmbedded", package: "swift-nio"),
            ], path: "Tests/Fuzz", exclude: ["Corpora", "Dictionaries", "corpora.py"], swiftSettings: swiftSettings),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "DMSClient", "DMSModel", "DMSWire", "RedisLink", "TestSupport", "dms-scheduler", "dms-admin",
                "dms-submitter",
                "dms-bench", nioCore, nioPosix, nioSSL, logging, subprocess,
            ], swiftSettings: swiftSettings),
    ]
)
