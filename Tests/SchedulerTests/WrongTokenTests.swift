import DMSModel
import Logging
import NIOCore
import TestSupport
import Testing

@testable import Scheduler

@Suite struct WrongTokenTests {
    private let now = NIODeadline.now()

    private func address(_ text: String) throws -> ClientAddress? {
        ClientAddress(try SocketAddress(ipAddress: text, port: 1))
    }

    /// How many milliseconds an answer is late; nil where it is refused.
    private func delay(_ verdict: WrongTokens.Verdict) -> Int64? {
        guard case .answer(let delay) = verdict else { return nil }
        return delay.nanoseconds / 1_000_000
    }

    @Test func `each wrong token of an address waits longer, behind the one before`() throws {
        var table = WrongTokenTable()
        let one = try address("192.0.2.1")
        let delays = (0..<20).map { _ in delay(table.count(one, at: now)) }
        #expect(delays.prefix(9) == [10, 30, 70, 150, 310, 630, 1270, 2270, 3270])
        // The last that has its turn within ten seconds; nobody waits longer.
        #expect(delays[15] == nil)
        #expect(delays.compactMap(\.self).last == 9270)
    }

    @Test(arguments: [1, 40, 1000])
    func `an address gets one answer a second, and the others are refused`(guessesAtOnce: Int) throws {
        var table = WrongTokenTable()
        let one = try address("192.0.2.1")
        var answers = 0
        for tenth in 0..<600 {
            for _ in 0..<guessesAtOnce {
                let verdict = table.count(one, at: now + .milliseconds(Int64(tenth) * 100))
                if delay(verdict) != nil { answers += 1 }
            }
        }
        #expect((60...78).contains(answers))
    }

    @Test func `all addresses together get a hundred answers a second, and few addresses are kept`() throws {
        var table = WrongTokenTable()
        var answers = 0
        for second in 0..<20 {
            for number in 0..<20_000 {
                let client = try address("10.\(number % 200).\(number / 200).\(second)")
                if delay(table.count(client, at: now + .seconds(Int64(second)))) != nil { answers += 1 }
            }
        }
        #expect((1900...3000).contains(answers))
        #expect(table.addressCount <= WrongTokenTable.addressesMax)
        #expect(table.count == 400_000)
    }

    @Test func `who is refused waits a second, and of very many the connection just ends`() throws {
        var table = WrongTokenTable()
        let one = try address("192.0.2.1")
        let verdicts = (0..<2000).map { _ in table.count(one, at: now) }
        #expect(verdicts.count { $0 == .refuse(after: .seconds(1)) } == 1000)
        #expect(verdicts.count { $0 == .close } == 2000 - 1000 - verdicts.count { delay($0) != nil })
        #expect(table.count(one, at: now + .milliseconds(100)) == .refuse(after: .seconds(1)))
    }

    @Test func `an address that sends none for a minute begins anew`() throws {
        var table = WrongTokenTable()
        let key = try address("192.0.2.1")
        for _ in 0..<5 { _ = table.count(key, at: now) }
        #expect(delay(table.count(key, at: now + .seconds(59))) == 320)
        #expect(delay(table.count(key, at: now + .seconds(119))) == 10)
    }

    @Test func `of more addresses than are kept those are forgotten that sent none for longest`() throws {
        var table = WrongTokenTable()
        for number in 0..<WrongTokenTable.addressesMax + 10 {
            let client = try address("10.0.\(number / 256).\(number % 256)")
            _ = table.count(client, at: now + .milliseconds(Int64(number) * 20))
            #expect(table.addressCount <= WrongTokenTable.addressesMax)
        }
        let later = now + .seconds(25)
        #expect(delay(table.count(try address("10.0.0.9"), at: later)) == 10)
        #expect(delay(table.count(try address("10.0.4.5"), at: later)) == 20)
    }

    @Test func `an address is who it is for connections too`() throws {
        var table = WrongTokenTable()
        for text in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::ffff:2"] {
            _ = table.count(try address(text), at: now)
        }
        #expect(table.addressCount == 2)
        for text in ["192.0.2.2", "::ffff:192.0.2.3", "2001:db8:0:1::1"] { _ = table.count(try address(text), at: now) }
        #expect(table.addressCount == 5)
        for client in [nil, try SocketAddress(unixDomainSocketPath: "/a")] {
            _ = table.count(ClientAddress(client), at: now)
        }
        #expect(table.addressCount == 6)
    }

    @Test func `the log has one line a second, with the address and how many it left out`() throws {
        let recorder = LogRecorder()
        let wrongTokens = WrongTokens(logger: Logger(label: "test") { _ in recorder.handler })
        let (now, client) = (NIODeadline.now(), try SocketAddress(ipAddress: "192.0.2.1", port: 7))
        for _ in 0..<5 { _ = wrongTokens.verdict(for: client, at: now) }
        _ = wrongTokens.verdict(for: nil, at: now + .seconds(1))
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
