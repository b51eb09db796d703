import DMSClient
import DMSModel

/// The clients of a soak, over both doors.
struct SoakLoad: Sendable {
    let plan: SoakPlan
    let servers: SoakServers
    let ledger: SoakLedger

    private enum Role: CaseIterable {
        case submit, work, look, restSubmit, restWork, restLook

        /// Of ten clients, how many.
        var share: Int {
            switch self {
            case .submit, .look, .restLook: 1
            case .work: 4
            case .restSubmit: 2
            case .restWork: 1
            }
        }
    }

    /// Which client does what: of each ten the same, in turn.
    private static let roles = Role.allCases.flatMap { Array(repeating: $0, count: $0.share) }

    /// Runs all clients while the body runs.
    func run(_ body: () async throws -> Void) async throws {
        try await run((0..<plan.active).map { ($0, SoakLoad.roles[$0 % SoakLoad.roles.count]) }, body)
    }

    /// Runs the workers alone while the body runs.
    func drain(_ body: () async throws -> Void) async throws {
        try await run(
            (0..<plan.active).map { ($0, SoakLoad.roles[$0 % SoakLoad.roles.count]) }.filter { $0.1 == .work }, body)
    }

    private func run(_ clients: [(number: Int, role: Role)], _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, role) in clients { group.addTask { await act(role, number) } }
            try await body()
            group.cancelAll()
        }
    }

    private func act(_ role: Role, _ number: Int) async {
        let submitters = plan.active * 3 / 10
        let noise = SoakNoise(plan.seed &+ UInt64(number) &+ 1)
        let pause: Duration =
            switch role {
            case .submit, .restSubmit: .seconds(Double(submitters) / plan.rate)
            // One in five tasks goes without a lease, as far as there are tasks.
            case .restWork: .seconds(Double(plan.active / 10) / (plan.rate / 5))
            default: .seconds(Double(plan.active / 5) / plan.rate)
            }
        switch role {
        case .restSubmit, .restWork, .restLook:
            var client = SoakRESTClient(ports: servers.httpPorts, ledger: ledger, pause: pause, noise: noise)
            switch role {
            case .restSubmit: await client.submit()
            case .restWork: await client.work()
            default: await client.look()
            }
        case .submit, .work, .look:
            // Each begins with another server.
            let ports = number.isMultiple(of: 2) ? servers.rpcPorts : servers.rpcPorts.reversed()
            let connection = DMSClient(
                addresses: ports.map { .tcp(host: "127.0.0.1", port: $0) },
                options: ClientOptions(
                    operatorToken: RPCLoad.operatorToken, deadline: .seconds(10), retriesConnecting: true))
            var client = SoakClient(client: connection, ledger: ledger, pause: pause, noise: noise)
            switch role {
            case .submit: await client.submit()
            case .work: await client.work()
            default: await client.look()
            }
            await connection.close()
        }
    }
}
