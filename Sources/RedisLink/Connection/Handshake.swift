internal import NIOCore

/// What is said to Redis on every new connection before it is used, and what its answers mean.
struct Handshake {
    /// What follows from an answer.
    enum Action {
        case wait
        /// The connection can be used; for each script the words that call it.
        case ready([ObjectIdentifier: ByteBuffer])
        case failed(String)
    }

    /// What a new connection is for.
    struct Purpose {
        /// What the server has to be; nil: anything.
        var role: RedisRole?
        var isCluster = false
        var scripts: [RedisScript] = []
        /// The channels to listen to.
        var channels: [String] = []
        /// Whether replicas have to confirm what is written, so that `WAIT` must be allowed.
        var awaitsReplicas = false
        /// What is asked of the server beside.
        var inspection: [RedisCommand] = []
    }

    private enum Step {
        case authenticate
        case readOnly
        case role(RedisRole)
        case select
        case inspect
        case load(RedisScript)
        case subscribe
        case ping
        case wait
    }

    /// All commands of the handshake, to be sent at once.
    let commands: ByteBuffer
    private let password: String?
    private var steps: ArraySlice<Step>
    private var loaded: [ObjectIdentifier: ByteBuffer] = [:]
    /// The answers to the inspection, error answers among them.
    private(set) var inspected: [RedisValue] = []
    /// Whether it failed because Redis does not let us listen to the channel, where the rest went well.
    private(set) var refusedChannel = false

    init(url: RedisURL, purpose: Purpose) {
        var commands = ByteBuffer()
        var steps: [Step] = []
        func add(_ step: Step, _ command: RedisCommand) {
            steps.append(step)
            commands.writeRESPArray(command.wordCount)
            commands.writeImmutableBuffer(command.words)
        }
        if let password = url.password { add(.authenticate, .login(user: url.user, password: password)) }
        // A node that follows another answers for its slots only who says that it only reads.
        if purpose.isCluster, purpose.role == .replica { add(.readOnly, RedisCommand("READONLY")) }
        if let role = purpose.role { add(.role(role), RedisCommand("ROLE")) }
        if url.database != 0 { add(.select, RedisCommand("SELECT", [.integer(url.database)])) }
        for command in purpose.inspection { add(.inspect, command) }
        for script in purpose.scripts { add(.load(script), RedisCommand("SCRIPT", "LOAD", script.source)) }
        // A server that is loading, or wants a password, refuses SCRIPT LOAD as well.
        if purpose.scripts.isEmpty { add(.ping, RedisCommand("PING")) }
        // Answers at once: nothing was written, and nobody has to confirm it.
        if purpose.awaitsReplicas { add(.wait, RedisCommand("WAIT", "0", "0")) }
        for channel in purpose.channels { add(.subscribe, RedisCommand("SUBSCRIBE", channel)) }
        self.commands = commands
        self.password = url.password
        self.steps = steps[...]
    }

    /// Takes the answer to the next of the commands.
    mutating func receive(_ reply: borrowing RedisReply) -> Action {
        guard let step = steps.popFirst() else { return .failed("an answer to no command") }
        do throws(RedisError) {
            switch step {
            case .inspect: inspected.append(try RedisValue(reply))
            case .load(let script): loaded[ObjectIdentifier(script)] = Self.evalshaHead(try reply.text())
            case .subscribe:
                if let error = reply.error { throw error }
                _ = try reply.integer(at: 2)
            case .role(let role):
                if let reason = try Self.refusal(of: reply, wanted: role) { return .failed(reason) }
            case .wait: _ = try reply.integer()
            case .authenticate, .readOnly, .select, .ping: _ = try reply.text()
            }
        } catch {
            if case .subscribe = step { refusedChannel = true }
            return .failed(describe(error, at: step))
        }
        return steps.isEmpty ? .ready(loaded) : .wait
    }

    /// Why a server of that role is not the wanted one; nil: it is, or does not say what it is.
    private static func refusal(
        of reply: borrowing RedisReply, wanted: RedisRole
    ) throws(RedisError) -> String? {
        if case .reply(let code, let message) = reply.error {
            // Not everybody may ask, and not every proxy knows the command: then a refused write has to say it.
            guard code == "NOPERM" || (code == "ERR" && message.contains("unknown command")) else {
                throw .reply(code: code, message: message)
            }
            return nil
        }
        let role = try reply.element(0) { role throws(RedisError) in try role.text() }
        switch (role, wanted) {
        case ("master", _): return nil
        case ("slave", .master): return "it is a replica, not the master"
        case ("slave", .replica):
            let state = try reply.element(3) { state throws(RedisError) in try state.text() }
            return state == "connected" ? nil : "it is a replica without a link to its master (\(state))"
        case ("sentinel", _): return "it is a sentinel; it wants a URL that begins with redis+sentinel://"
        default: return "it is neither master nor replica"
        }
    }

    private func describe(_ error: RedisError, at step: Step) -> String {
        let command =
            switch step {
            case .authenticate: "AUTH"
            case .readOnly: "READONLY"
            case .role: "ROLE"
            case .wait: "WAIT"
            case .select: "SELECT"
            case .inspect: "INFO"
            case .load(let script): "SCRIPT LOAD of \(script.name)"
            case .subscribe: "SUBSCRIBE"
            case .ping: "PING"
            }
        let text = "\(command): \(error)"
        // What is no Redis may say back what it was sent.
        guard let password, text.contains(password) else { return text }
        return "\(command) was refused"
    }

    /// `EVALSHA` and the digest, as they stand behind a call's count of words.
    private static func evalshaHead(_ digest: String) -> ByteBuffer {
        var head = ByteBuffer()
        head.writeRESPString("EVALSHA")
        head.writeRESPString(digest)
        return head
    }
}
