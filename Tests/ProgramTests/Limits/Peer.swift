import DMSClient
import DMSWire
import Foundation
import NIOCore
import NIOPosix
import TestSupport

/// A client that does as it likes: a connection, and nothing that answers.
struct Peer: Sendable {
    let channel: any Channel

    /// Connects; what comes is dropped or, without `reads`, left where it is.
    static func connect(_ port: Int, reads: Bool = true) async throws -> Peer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: reads)
            .connect(host: "127.0.0.1", port: port).get()
        return Peer(channel: channel)
    }

    /// Many at once, some hundred at a time so that the listener's backlog holds them.
    static func connect(_ port: Int, count: Int) async throws -> [Peer] {
        var peers: [Peer] = []
        while peers.count < count {
            let number = min(200, count - peers.count)
            peers += try await withThrowingTaskGroup(of: Peer.self) { group in
                for _ in 0..<number { group.addTask { try await connect(port) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        return peers
    }

    /// Sends without waiting; what a closed connection is sent is dropped.
    func send(_ bytes: ByteBuffer) { channel.writeAndFlush(bytes, promise: nil) }

    /// Whether the server has closed it, as far as the kernel says.
    var isClosed: Bool { !channel.isActive }

    func close() { channel.close(promise: nil) }
}

extension [Peer] {
    func close() { for peer in self { peer.close() } }
}

/// Frames as a hostile client makes them.
enum HostileBytes {
    /// A frame's beginning that announces a lot.
    static var halfFrame: ByteBuffer {
        var bytes = ByteBuffer()
        bytes.writeMultipleIntegers(UInt32(4 << 20), UInt32(1), FrameType.request.rawValue, UInt8(0))
        bytes.writeRepeatingByte(0, count: 1000)
        return bytes
    }

    static func ping() -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(
            .ping, streamID: 0, data: ByteBuffer(repeating: 0x70, count: 64), into: &bytes)
        return bytes
    }

    /// A tiny frame that is answered with an error, on that stream.
    static func badFrame(on streamID: UInt32) -> ByteBuffer {
        var bytes = ByteBuffer()
        FrameEncoder.write(.data, streamID: streamID, data: ByteBuffer(), into: &bytes)
        return bytes
    }

    static func call<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ request: Request, on streamID: UInt32
    ) -> ByteBuffer {
        let envelope = RequestEnvelope(
            service: method.service, method: method.name, payload: request.encoded())
        var bytes = ByteBuffer()
        FrameEncoder.write(.request, streamID: streamID, data: envelope.encoded(), into: &bytes)
        return bytes
    }
}

extension SchedulerProcess {
    /// A line of the process's status, in bytes.
    private func status(_ name: String) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(program.processIdentifier)/status", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + ":") }),
            let kilobytes = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) })
        else { throw TestFailure("the kernel does not tell \(name)") }
        return kilobytes << 10
    }

    /// How much memory the body made the process take beside what it had, in bytes and at its height.
    func growth(_ body: () async throws -> Void) async throws -> Int {
        let before = try status("VmRSS")
        // The peak counts from here.
        try "5".write(toFile: "/proc/\(program.processIdentifier)/clear_refs", atomically: false, encoding: .utf8)
        try await body()
        return try status("VmHWM") - before
    }

    /// How many files it has open.
    func openFiles() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.processIdentifier)/fd").count
    }

    /// Expects that both doors serve new clients, quickly.
    func expectServing() async throws {
        guard try await http("GET", "/healthz").status == 200 else { throw TestFailure("the REST door does not serve") }
        let client = client()
        _ = try await client.tasks.overview()
        await client.close()
    }
}
