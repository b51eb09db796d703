import DMSClient
import DMSWire
import Foundation
import Glibc
import NIOCore
import TestSupport

/// A client that does as it likes: a socket, without the machinery of a client, so that thousands disturb no other test.
final class Peer: Sendable {
    /// `POLLRDHUP`, which is not imported.
    private static let closedByPeer: Int16 = 0x2000

    private let descriptor: Int32

    /// Connects.
    init(_ port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let outcome = unsafe address.withSockAddr { unsafe Glibc.connect(descriptor, $0, socklen_t($1)) }
        guard outcome == 0 else { throw TestFailure("no connection: \(errno)") }
    }

    deinit { close(descriptor) }

    /// Many at once.
    static func connect(_ port: Int, count: Int) async throws -> [Peer] {
        var peers: [Peer] = []
        while peers.count < count {
            peers.append(try Peer(port))
            // The listener's backlog is not for all of them.
            if peers.count.isMultiple(of: 100) { await Task.yield() }
        }
        return peers
    }

    /// Sends what the kernel takes at once; the rest, and what a closed connection is sent, is dropped.
    @discardableResult
    func send(_ bytes: ByteBuffer) -> Int {
        let count = unsafe bytes.withUnsafeReadableBytes { bytes in
            unsafe Glibc.send(
                descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
        }
        return max(0, count)
    }

    /// Sends all of it, reading or not, unless the server closes or takes nothing for some seconds.
    func flood(_ bytes: ByteBuffer, reads: Bool) async throws {
        var bytes = bytes
        var lastProgress = ContinuousClock.now
        while bytes.readableBytes > 0, !isClosed, ContinuousClock.now - lastProgress < .seconds(5) {
            if reads { readAll() }
            let count = send(bytes)
            bytes.moveReaderIndex(forwardBy: count)
            if count > 0 { lastProgress = .now } else { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    private func readAll() {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 {}
    }

    /// Whether the server has closed it.
    var isClosed: Bool {
        var state = pollfd(fd: descriptor, events: Peer.closedByPeer, revents: 0)
        let signs = Peer.closedByPeer | Int16(POLLHUP) | Int16(POLLERR)
        return unsafe poll(&state, 1, 0) > 0 && state.revents & signs != 0
    }
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

    /// What it has in RAM.
    func residentBytes() throws -> Int { try status("VmRSS") }

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
