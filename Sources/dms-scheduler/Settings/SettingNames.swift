/// Which names that look like a setting's are none, and what was meant by them.
enum SettingNames {
    /// What other programs of the project read: clients, tests and checks; and what Redis's own container image sets.
    ///
    /// A shell may well have them set where it starts a scheduler.
    private static let others: Set<String> = [
        "DMS_SERVER", "DMS_SERVER_NAME", "DMS_CA_FILE", "DMS_CERT_FILE", "DMS_KEY_FILE",
        "DMS_TASK_ID", "DMS_TASK_SERVICE", "DMS_TASK_USER_ID", "DMS_TASK_PRIORITY", "DMS_TASK_ATTEMPT",
        "DMS_SCHEDULER", "DMS_VECTORS", "DMS_EXAMPLES", "DMS_TEST_WIDTH", "DMS_CHAOS_TASKS", "DMS_CHAOS_SEED",
        "DMS_FAILOVER_ROUNDS", "DMS_FAULT_CLOCK", "DMS_FUZZ_TARGET", "DMS_MUTANT_SECONDS", "DMS_MUTANT_SEEDS",
        "REDIS_VERSION", "REDIS_DOWNLOAD_URL", "REDIS_DOWNLOAD_SHA",
    ]

    /// Whether another program reads a variable of that name.
    static func isOfAnother(_ name: String) -> Bool { others.contains(name) }

    /// Whether who set the name can only have meant this program.
    static func looksLikeSetting(_ name: String) -> Bool {
        let name = name.uppercased().replacing("-", with: "_").replacing(".", with: "_")
        return name.hasPrefix("DMS_") || name.hasPrefix("REDIS_")
    }

    /// Whether a container runtime set the variable to say where a service is.
    ///
    /// Kubernetes does so for each service of the namespace, Docker for each link. One that is called `redis` or `dms` gets names that
    /// look like settings, and one that is called `dms-http` even `DMS_HTTP_PORT`, with a URL for its value.
    static func isServiceLink(_ name: String, _ value: String) -> Bool {
        let links =
            /(DMS|REDIS).*_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_.+)/
        let urls = /(DMS|REDIS).*_PORT=(tcp|udp|sctp):\/\/.*/
        let paths = /(DMS|REDIS).*_NAME=\/.+\/.+/
        let assignment = "\(name)=\(value)"
        return name.wholeMatch(of: links) != nil || assignment.wholeMatch(of: urls) != nil
            || assignment.wholeMatch(of: paths) != nil
    }

    /// The settings whose names are nearest, in words and then in letters; several where they are equally near.
    static func nearest(to name: String) -> [Setting] {
        let words = name.uppercased().split { "_-.".contains($0) }
        let distances = Setting.allCases.map { ($0, distance(words, $0.variable.split(separator: "_"))) }
        let least = distances.map(\.1).min()
        return distances.filter { $0.1 == least }.map(\.0)
    }

    private static func distance(_ given: [Substring], _ known: [Substring]) -> Int {
        alignment(
            given, known,
            // DMS_ in front is easily forgotten or added; who wrote REDIS_ meant Redis.
            remove: { $0 == "DMS" ? 1 : $0 == "REDIS" ? 10 : 4 },
            insert: { $0 == "DMS" && given.first != "REDIS" ? 1 : 4 },
            replace: { given, known in
                guard given != "REDIS" else { return 10 }
                let letters = alignment(
                    Array(given), Array(known), remove: { _ in 1 }, insert: { _ in 1 }, replace: { _, _ in 1 })
                return 8 * letters / max(given.count, known.count)
            })
    }

    /// What it costs at least to make one sequence of the other.
    private static func alignment<Part: Equatable>(
        _ given: [Part], _ known: [Part], remove: (Part) -> Int, insert: (Part) -> Int, replace: (Part, Part) -> Int
    ) -> Int {
        var costs = known.reduce(into: [0]) { $0.append(($0.last ?? 0) + insert($1)) }
        for part in given {
            var next = [costs[0] + remove(part)]
            for (index, other) in known.enumerated() {
                let replaced = costs[index] + (part == other ? 0 : replace(part, other))
                next.append(min(replaced, costs[index + 1] + remove(part), next[index] + insert(other)))
            }
            costs = next
        }
        return costs[known.count]
    }
}
