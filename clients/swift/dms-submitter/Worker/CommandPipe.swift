import NIOCore
import NIOPosix
import SystemPackage

/// A pipe between a worker and its command; another command that is started at the same time inherits neither end.
struct CommandPipe: ~Copyable {
    let reading: PipeEnd
    let writing: PipeEnd

    init() throws(Errno) {
        let ends = try SystemPackage.FileDescriptor.pipe(options: .closeOnExec)
        reading = PipeEnd(descriptor: ends.readEnd)
        writing = PipeEnd(descriptor: ends.writeEnd)
    }
}

/// One end of a pipe, which is closed when nobody has it any more.
struct PipeEnd: ~Copyable {
    private let descriptor: SystemPackage.FileDescriptor

    fileprivate init(descriptor: SystemPackage.FileDescriptor) { self.descriptor = descriptor }

    deinit { try? descriptor.close() }

    /// The descriptor, which its new owner has to close.
    consuming func release() -> SystemPackage.FileDescriptor {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    /// A channel that reads from this end on the event loop, with a handler that is made there.
    consuming func read(
        on eventLoop: any EventLoop, by makeHandler: @escaping @Sendable () -> some ChannelInboundHandler
    ) async throws -> any Channel {
        let descriptor = release()
        let bootstrap = NIOPipeBootstrap(group: eventLoop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(makeHandler())
            }
        }
        do {
            return try await bootstrap.takingOwnershipOfDescriptor(input: descriptor.rawValue).get()
        } catch {
            try? descriptor.close()
            throw error
        }
    }

    /// A channel that writes to this end on the event loop.
    consuming func write(on eventLoop: any EventLoop) async throws -> any Channel {
        let descriptor = release()
        let bootstrap = NIOPipeBootstrap(group: eventLoop)
        do {
            return try await bootstrap.takingOwnershipOfDescriptor(output: descriptor.rawValue).get()
        } catch {
            try? descriptor.close()
            throw error
        }
    }
}
