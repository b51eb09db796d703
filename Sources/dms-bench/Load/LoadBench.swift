/// What a peer came to in a round; `floor` is the place, in the round, of the peer that its ratios are to.
typealias LoadEntry = (name: String, figures: LoadDriver.Figures, floor: Int)

/// One round of each kind of measurement: the floor and the scheduler, one after the other.
struct LoadBench {
    typealias Round = [LoadEntry]

    private static let filling = LoadPoint(8, 32)

    private let servers: BenchServers
    private let scale: Double
    private let driver = LoadDriver()
    private let handOutDigest: String
    private let enqueueDigest: String
    private var taskNumber = 1

    init(_ servers: BenchServers, scale: Double) async throws {
        self.servers = servers
        self.scale = scale
        handOutDigest = try await servers.load(FloorScripts.handOut)
        enqueueDigest = try await servers.load(FloorScripts.enqueue)
    }

    /// The floor comes first, then the scheduler, then others.
    mutating func round(_ call: LoadCommand.Call, _ point: LoadPoint) async throws -> Round {
        let calls = max(Int(Double(point.calls) * scale), point.connections * point.depth)
        let first = taskNumber
        taskNumber += calls
        switch call {
        case .next: return try await next(point, calls, first, .next)
        case .nextAck: return try await next(point, calls, first, .nextUnderLease)
        case .restNext:
            let floor = try await floorNext(point, calls, first)
            try await fill(calls, first)
            return [floor, try await rest(.next, point, calls, first)]
        case .enqueue:
            var round = [
                try await floor(.enqueue, point, calls, first), try await rpc(.enqueue, point, calls, first),
            ]
            guard point.depth > 1 else { return round }
            try await servers.flush()
            addSpread(try await floor(.enqueue, point.spread, calls, first), to: &round)
            return round
        case .restEnqueue:
            return [try await floor(.enqueue, point, calls, first), try await rest(.enqueue, point, calls, first)]
        case .get, .restGet:
            _ = try await floor(.enqueue, LoadBench.filling, calls, first)
            let floor = try await floor(.get, point, calls, first)
            try await fill(calls, first)
            guard call == .get else { return [floor, try await rest(.get, point, calls, first)] }
            return [floor, try await rpc(.get, point, calls, first)]
        }
    }

    private func next(_ point: LoadPoint, _ calls: Int, _ first: Int, _ call: RPCLoad.Call) async throws -> Round {
        var round = [try await floorNext(point, calls, first)]
        try await fill(calls, first)
        round.append(try await rpc(call, point, calls, first))
        if point.depth > 1 {
            try await servers.flush()
            addSpread(try await floorNext(point.spread, calls, first), to: &round)
        }
        guard let beanstalkd = servers.beanstalkd, point.depth == 1 else { return round }
        for (name, call) in [
            ("beanstalkd, reserve then delete", BeanstalkLoad.Call.reserveThenDelete),
            ("beanstalkd, delete with the next reserve", .reserveWithDelete),
        ] {
            let tube = "\(call)-\(first)"
            _ = try await driver.measure(
                LoadBench.filling, port: servers.ports.beanstalkd, servers: [], calls: calls, first: first,
                takesTasks: false, BeanstalkLoad(.put, tube: tube))
            let figures = try await driver.measure(
                point, port: servers.ports.beanstalkd, servers: [beanstalkd], calls: calls, first: first,
                takesTasks: true, BeanstalkLoad(call, tube: tube))
            round.append((name, figures, 0))
        }
        return round
    }

    /// Redis again, called by as many callers as there are calls in flight, each on a connection of its own as submitters
    /// that do without a scheduler would be; and the scheduler's ratios to that.
    private func addSpread(_ floor: LoadEntry, to round: inout Round) {
        round.append(("Redis, a connection for each call in flight", floor.figures, 0))
        round.append(("scheduler, to that", round[1].figures, round.count - 1))
    }

    func floorNext(_ point: LoadPoint, _ calls: Int, _ first: Int) async throws -> Round.Element {
        _ = try await floor(.enqueue, LoadBench.filling, calls, first)
        return try await floor(.handOut, point, calls, first)
    }

    /// Enqueues tasks as fast as it goes.
    func fill(_ calls: Int, _ first: Int) async throws {
        _ = try await rpc(.enqueue, LoadBench.filling, calls, first)
    }

    private func floor(
        _ call: RedisLoad.Call, _ point: LoadPoint, _ calls: Int, _ first: Int
    ) async throws -> Round.Element {
        let wire = RedisLoad(call, digest: call == .enqueue ? enqueueDigest : handOutDigest)
        let figures = try await driver.measure(
            point, port: servers.ports.redis, servers: [servers.redis], calls: calls, first: first,
            takesTasks: call == .handOut, wire)
        return ("Redis", figures, 0)
    }

    /// Calls the binary door, about the tasks from `first` on or, with `tasks`, about so many again and again.
    func rpc(
        _ call: RPCLoad.Call, _ point: LoadPoint, _ calls: Int, _ first: Int, tasks: Int? = nil
    ) async throws -> Round.Element {
        let figures = try await driver.measure(
            point, port: servers.ports.rpc[0], servers: [servers.redis] + servers.schedulers, calls: calls,
            first: first, tasks: tasks,
            takesTasks: call == .next || call == .nextUnderLease, try RPCLoad(call))
        return ("scheduler", figures, 0)
    }

    private func rest(
        _ call: RESTLoad.Call, _ point: LoadPoint, _ calls: Int, _ first: Int
    ) async throws -> Round.Element {
        let figures = try await driver.measure(
            point, port: servers.ports.http[0], servers: [servers.redis] + servers.schedulers, calls: calls,
            first: first,
            takesTasks: call == .next, RESTLoad(call))
        return ("scheduler, REST", figures, 0)
    }
}
