import DMSMetrics
import Foundation
import Glibc

/// What the operating system says of this process, by the names that Prometheus's client libraries give it.
struct ProcessMetrics: MetricsSource {
    private static let cpu = Metric(
        "process_cpu_seconds_total", .counter, "Time on a processor, of all threads, in user and system mode.")
    private static let resident = Metric(
        "process_resident_memory_bytes", .gauge, "Memory that is in RAM.")
    private static let openDescriptors = Metric("process_open_fds", .gauge, "Open file descriptors.")
    private static let descriptorsMax = Metric("process_max_fds", .gauge, "File descriptors that may be open.")
    private static let start = Metric(
        "process_start_time_seconds", .gauge, "When the process started, in seconds since 1970.")

    /// Taken when the program begins, which is near enough.
    private let startedAt = Date()

    func show(on page: inout MetricsPage) async {
        page.add(ProcessMetrics.start, startedAt.timeIntervalSince1970)
        page.add(ProcessMetrics.cpu, ProcessMetrics.processorTime())
        // Where no descriptor is left these cannot be read, and are left out.
        if let bytes = ProcessMetrics.residentBytes() { page.add(ProcessMetrics.resident, bytes) }
        if let count = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            // One of them was open to count them.
            page.add(ProcessMetrics.openDescriptors, count - 1)
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            page.add(ProcessMetrics.descriptorsMax, limit.rlim_cur)
        }
    }

    private static func processorTime() -> Double {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    }

    private static func residentBytes() -> Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
