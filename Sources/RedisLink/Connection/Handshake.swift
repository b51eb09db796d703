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

    private enum Step {
        case authenticate
        case select
        case load(RedisScript)
        case subscribe
        case ping
    }

    /// All commands of the handshake, to be sent at once.
    let commands: ByteBuffer
    private let password: String?
    private var steps: ArraySlice<Step>
    private var loaded: [ObjectIdentifier: ByteBuffer] = [:]
    /// Whether it failed because Redis does not let us listen to the channel, where the rest went well.
    private(set) var refusedChannel = false

    init(url: RedisURL, scripts: [RedisScript], channel: String? = nil) {
        var commands = ByteBuffer()
        var steps: [Step] = []
        func add(_ step: Step, _ command: RedisCommand) {
            steps.append(step)
            commands.writeRESPArray(command.wordCount)
            commands.writeImmutableBuffer(command.words)
        }
        if let password = url.password {
            var command = RedisCommand("AUTH")
            if let user = url.user { command.append(user) }
            command.append(password)
            add(.authenticate, command)
        }
        if url.database != 0 { add(.select, RedisCommand("SELECT", [.integer(url.database)])) }
        for script in scripts { add(.load(script), RedisCommand("SCRIPT", "LOAD", script.source)) }
        // A server that is loading, or wants a password, refuses SCRIPT LOAD as well.
        if scripts.isEmpty { add(.ping, RedisCommand("PING")) }
        if let channel { add(.subscribe, RedisCommand("SUBSCRIBE", channel)) }
        self.commands = commands
        self.password = url.password
        self.steps = steps[...]
    }

    /// Takes the answer to the next of the commands.
    mutating func receive(_ reply: borrowing RedisReply) -> Action {
        guard let step = steps.popFirst() else { return .failed("an answer to no command") }
        do throws(RedisError) {
            switch step {
            case .load(let script): loaded[ObjectIdentifier(script)] = Self.evalshaHead(try reply.text())
            case .subscribe:
                if let error = reply.error { throw error }
                _ = try reply.integer(at: 2)
            case .authenticate, .select, .ping: _ = try reply.text()
            }
        } catch {
            if case .subscribe = step { refusedChannel = true }
            return .failed(describe(error, at: step))
        }
        return steps.isEmpty ? .ready(loaded) : .wait
    }

    private func describe(_ error: RedisError, at step: Step) -> String {
        let command =
            switch step {
            case .authenticate: "AUTH"
            case .select: "SELECT"
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
