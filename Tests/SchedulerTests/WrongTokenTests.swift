import DMSModel
import Logging
import NIOCore
import TestSupport
import Testing

@testable import Scheduler

@Suite struct WrongTokenTests {
    private func address(_ text: String) throws -> WrongTokenTable.Key {
        WrongTokenTable.Key(try SocketAddress(ipAddress: text, port: 1))
    }

    @Test func `each wrong token of an address is answered later than the one before, up to a second`() throws {
        var table = WrongTokenTable()
        let (one, other) = (try address("192.0.2.1"), try address("192.0.2.2"))
        let now = NIODeadline.now()
        let delays = (0..<9).map { _ in table.count(one, at: now).nanoseconds / 1_000_000 }
        #expect(delays == [10, 20, 40, 80, 160, 320, 640, 1000, 1000])
        #expect(table.count(other, at: now) == .milliseconds(10))
    }

    @Test func `an address that sends none for a minute begins anew`() throws {
        var table = WrongTokenTable()
        let key = try address("192.0.2.1")
        let now = NIODeadline.now()
        for _ in 0..<5 { _ = table.count(key, at: now) }
        #expect(table.count(key, at: now + .seconds(59)) == .milliseconds(320))
        #expect(table.count(key, at: now + .seconds(119)) == .milliseconds(10))
    }

    @Test func `of more addresses than are kept those are forgotten that sent none for longest`() throws {
        var table = WrongTokenTable()
        let start = NIODeadline.now()
        for number in 0..<WrongTokenTable.addressesMax + 10 {
            let key = try address("10.0.\(number / 256).\(number % 256)")
            _ = table.count(key, at: start + .milliseconds(Int64(number)))
        }
        #expect(table.addressCount == WrongTokenTable.addressesMax)
        #expect(table.count(try address("10.0.0.9"), at: start + .seconds(2)) == .milliseconds(10))
        #expect(table.count(try address("10.0.0.20"), at: start + .seconds(2)) == .milliseconds(20))
    }

    @Test func `an IPv6 address counts by its 64 bits, an IPv4 address inside one by itself`() throws {
        #expect(try address("2001:db8::1") == address("2001:db8::ffff:2"))
        #expect(try address("2001:db8::1") != address("2001:db8:0:1::1"))
        #expect(try address("::ffff:192.0.2.1") != address("::ffff:192.0.2.2"))
        #expect(WrongTokenTable.Key(nil) == WrongTokenTable.Key(try SocketAddress(unixDomainSocketPath: "/a")))
    }

    @Test func `the log has one line a second, with the address and how many it left out`() throws {
        let recorder = LogRecorder()
        let wrongTokens = WrongTokens(logger: Logger(label: "test") { _ in recorder.handler })
        let (now, client) = (NIODeadline.now(), try SocketAddress(ipAddress: "192.0.2.1", port: 7))
        for _ in 0..<5 { _ = wrongTokens.delay(for: client, at: now) }
        _ = wrongTokens.delay(for: nil, at: now + .seconds(1))
        #expect(recorder.lines.map(\.message) == ["A wrong token was sent", "A wrong token was sent"])
        #expect(recorder.lines[0].metadata.contains("192.0.2.1"))
        #expect(recorder.lines[1].metadata.contains("unix socket"))
        #expect(recorder.lines[1].metadata.contains("4"))
    }
}

@Suite struct TokenCheckTests {
    private let check = TokenCheck(Tokens(operators: ["new", "earlier"], submitters: ["s", ""]))

    @Test func `each of several tokens is right, and nothing between them`() {
        for token in ["new", "earlier"] { #expect(check.operatorRefusal(Caller(operatorToken: token)) == nil) }
        for token in ["", "ne", "newer", "new,earlier", "s", "earlie"] {
            #expect(check.operatorRefusal(Caller(operatorToken: token))?.reason == .tokenInvalid)
        }
        #expect(check.submitterRefusal(Caller(submitterToken: "s")) == nil)
        #expect(check.submitterRefusal(Caller(operatorToken: "earlier")) == nil)
        #expect(check.submitterRefusal(Caller(submitterToken: ""))?.reason == .tokenInvalid)
    }

    @Test func `a refusal says whether a token was wrong, also where it is refused for another reason`() {
        #expect(check.operatorRefusal(Caller(operatorToken: "x"))?.bearsWrongToken == true)
        #expect(check.operatorRefusal(Caller())?.bearsWrongToken == false)
        #expect(check.submitterRefusal(Caller(submitterToken: "x"))?.bearsWrongToken == true)
        #expect(check.submitterRefusal(Caller(operatorToken: "x"))?.bearsWrongToken == true)
        #expect(check.submitterRefusal(Caller())?.bearsWrongToken == false)
        let closed = TokenCheck(Tokens())
        #expect(closed.operatorRefusal(Caller(operatorToken: "x"))?.bearsWrongToken == false)
        #expect(closed.submitterRefusal(Caller(operatorToken: "x")) == nil)
    }

    @Test func `tokens can be replaced while the scheduler runs`() async throws {
        try await Harness.with { harness in
            let new = Caller(operatorToken: "new")
            harness.pool.replaceTokens(Tokens(operators: ["new", Harness.operatorToken]))
            for caller in [new, Harness.asOperator] {
                _ = try await harness.pool.call { $0.blockState(caller: caller) }
            }
            harness.pool.replaceTokens(Tokens(operators: ["new"]))
            _ = try await harness.pool.call { $0.blockState(caller: new) }
            let error = await #expect(throws: SchedulerError.self) {
                try await harness.pool.call { $0.blockState(caller: Harness.asOperator) }
            }
            #expect(error?.reason == .tokenInvalid)
        }
    }

    @Test func `a cancel with a wrong operator token is refused for it, before anything is looked at`() async throws {
        try await Harness.with { harness in
            try await harness.enqueue("t")
            let guess = Caller(operatorToken: "guess")
            for (id, user) in [("t", "ada"), ("t", "eve"), ("nobody", "ada")] {
                let error = await #expect(throws: SchedulerError.self) {
                    try await harness.cancel(id, user: user, caller: guess)
                }
                #expect(error?.reason == .tokenInvalid)
                #expect(error?.bearsWrongToken == true)
            }
            #expect(try await harness.get("t").record.status == .queued)
            let noID = await #expect(throws: SchedulerError.self) { try await harness.cancel("", caller: guess) }
            #expect(noID?.reason == .invalidField)
            // A submitter's token does not ask for anything here.
            let owner = Caller(submitterToken: "guess")
            #expect(try await harness.cancel("t", caller: owner).status == .canceled)
        }
    }

    @Test func `where no operator token is configured, one that comes with a cancel says nothing`() async throws {
        try await Harness.with { harness in
            harness.pool.replaceTokens(Tokens())
            try await harness.enqueue("t")
            let caller = Caller(operatorToken: "any")
            let other = await #expect(throws: SchedulerError.self) {
                try await harness.cancel("t", user: "eve", caller: caller)
            }
            #expect(other?.reason == .notOwner)
            #expect(try await harness.cancel("t", caller: caller).status == .canceled)
        }
    }
}
