import Testing

@testable import HTTPServer

/// A connection's state behind a reference, so that an expectation may hold a call that changes it.
private final class Connection {
    private var state = ConnectionState(discardedBytesMax: 100)

    var isLingering: Bool { state.isLingering }
    var answerMayHaveBody: Bool { state.answerMayHaveBody }

    func head(
        keepsAlive: Bool = true, isOldVersion: Bool = false, isHead: Bool = false, awaitsContinue: Bool = false
    ) -> ConnectionState.HeadAction {
        state.requestHead(
            keepsAlive: keepsAlive, isOldVersion: isOldVersion, isHead: isHead, awaitsContinue: awaitsContinue)
    }

    func requestBody(bytes: Int) -> ConnectionState.BodyAction { state.requestBody(bytes: bytes) }
    func requestEnd() -> Bool { state.requestEnd() }
    func answerHead(saysClose: Bool) -> ConnectionState.AnswerHeadAction { state.answerHead(saysClose: saysClose) }
    func answerEnd() -> ConnectionState.AnswerEndAction { state.answerEnd() }
    func quiesce() { state.quiesce() }
}

@Suite struct ConnectionStateTests {
    private let connection = Connection()

    @Test func `a connection that is kept serves one request after the other`() {
        for _ in 0..<3 {
            #expect(connection.head() == .pass)
            #expect(connection.requestBody(bytes: 1000) == .pass)
            #expect(connection.requestEnd())
            #expect(connection.answerHead(saysClose: false) == .leave)
            #expect(connection.answerEnd() == .none)
        }
        #expect(!connection.isLingering)
    }

    @Test func `pipelined requests are answered in turn, and nothing is served after one that closes`() {
        #expect(connection.head() == .pass)
        #expect(connection.requestEnd())
        #expect(connection.head(keepsAlive: false) == .pass)
        #expect(connection.requestEnd())
        #expect(connection.head() == .discard)
        #expect(!connection.requestEnd())
        #expect(connection.answerHead(saysClose: false) == .leave)
        #expect(connection.answerEnd() == .none)
        #expect(connection.answerHead(saysClose: false) == .sayClose)
        #expect(connection.answerEnd() == .linger)
        #expect(connection.isLingering)
    }

    @Test func `an old client that wants to be kept is told that it is`() {
        _ = connection.head(isOldVersion: true)
        #expect(connection.answerHead(saysClose: false) == .sayKeepAlive)
    }

    @Test func `an answer that closes ends the connection, and what comes then is discarded up to a limit`() {
        _ = connection.head()
        #expect(connection.requestBody(bytes: 60) == .pass)
        #expect(connection.answerHead(saysClose: true) == .sayClose)
        #expect(connection.answerEnd() == .linger)
        #expect(connection.requestBody(bytes: 100) == .discard)
        #expect(connection.requestBody(bytes: 1) == .cut)
    }

    @Test func `what is left of a request that was answered early is discarded, and the next one is served`() {
        _ = connection.head()
        #expect(connection.answerHead(saysClose: false) == .leave)
        #expect(connection.answerEnd() == .none)
        #expect(connection.requestBody(bytes: 100) == .discard)
        #expect(connection.requestEnd())
        #expect(connection.head() == .pass)
        #expect(connection.requestBody(bytes: 100) == .pass)
        #expect(connection.answerEnd() == .none)
        #expect(connection.requestBody(bytes: 100) == .discard)
        #expect(connection.requestBody(bytes: 1) == .cut)
    }

    @Test func `a client that waits to continue is told so when it is its turn`() {
        #expect(connection.head(awaitsContinue: true) == .passAndContinue)
        #expect(connection.requestEnd())
        #expect(connection.head(awaitsContinue: true) == .pass)
        #expect(connection.answerEnd() == .sendContinue)
        #expect(connection.requestEnd())
        #expect(connection.answerEnd() == .none)
    }

    @Test func `an answer to what was no request closes`() {
        #expect(connection.answerMayHaveBody)
        #expect(connection.answerHead(saysClose: false) == .sayClose)
        #expect(connection.answerEnd() == .linger)
    }

    @Test func `a server that stops answers what it has read and says that it closes`() {
        _ = connection.head()
        _ = connection.requestEnd()
        _ = connection.head(isHead: true)
        connection.quiesce()
        #expect(connection.requestBody(bytes: 1000) == .pass)
        #expect(connection.requestEnd())
        #expect(connection.head() == .discard)
        #expect(connection.answerHead(saysClose: false) == .leave)
        #expect(connection.answerEnd() == .none)
        #expect(!connection.answerMayHaveBody)
        #expect(connection.answerHead(saysClose: false) == .sayClose)
        #expect(connection.answerEnd() == .linger)
    }
}
