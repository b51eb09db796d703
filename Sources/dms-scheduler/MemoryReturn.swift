import CMalloc
import ServiceLifecycle

/// Gives memory that is free again back to the system, which glibc by itself mostly keeps after a burst.
struct MemoryReturn: Service {
    /// Allocations from this size on are mapped one by one, and unmapped when they are freed.
    private static let mappedBytesMin: Int32 = 256 << 10
    private static let pause = Duration.seconds(10)
    /// So much may lie about free: it is used again.
    private static let freeBytesMax = 32 << 20

    /// Sets the size for good; otherwise glibc raises it to that of the largest piece that was ever freed, up to 32 MiB.
    static func prepare() { _ = mallopt(M_MMAP_THRESHOLD, mappedBytesMin) }

    /// Looks now and then, until a graceful shutdown, which is no failure.
    func run() async {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: MemoryReturn.pause)
                if mallinfo2().fordblks > MemoryReturn.freeBytesMax { _ = malloc_trim(0) }
            }
        }
    }
}
