import DMSModel
import NIOCore

@testable import Scheduler

/// Page tokens: each place in the order is written and read as the same, no query takes another's, and of the texts
/// that nobody wrote none is taken.
///
/// The first byte chooses between a text and a position.
enum TokenProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        if input.choice(of: 2) == 0 { try checkText(input) } else { try checkPosition(input) }
    }

    private static func checkText(_ input: FuzzInput) throws {
        guard let text = input.text else { return }
        if let bytes = Base64URL.decode(text) {
            try hold(Base64URL.encode(bytes).utf8.elementsEqual(text.utf8), "bytes are spelt in two ways")
        }
        let query = TaskQuery(pageToken: text)
        guard let token = try? PageToken.of(query) else { return }
        try hold(token.text(for: query).utf8.elementsEqual(text.utf8), "a token is spelt in two ways")
    }

    private static func checkPosition(_ input: FuzzInput) throws {
        var input = input
        let flags = input.byte()
        let score = Double(bitPattern: input.bytes.getInteger(at: 2) ?? 0)
        var query = TaskQuery(
            statuses: flags & 1 == 0 ? [] : [.queued, .failed], priorities: flags & 2 == 0 ? [] : [.high],
            service: flags & 4 == 0 ? "" : "copy", userID: flags & 8 == 0 ? "" : "ada", newestFirst: flags & 16 != 0)
        let bytes = input.bytes
        let position = ListPosition(score: score.isNaN ? 0 : score, id: bytes)
        let token = PageToken(position: position, isAtWriter: flags & 32 != 0)
        try hold(
            Base64URL.decode(Base64URL.encode(Array(bytes.readableBytesView))).map(ByteBuffer.init(bytes:)) == bytes,
            "bytes are not read as they were written")
        query.pageToken = token.text(for: query)
        try hold(try PageToken.of(query) == token, "a token is not read as it was written")
        query.newestFirst.toggle()
        try hold((try? PageToken.of(query)) == nil, "a query takes another query's token")
        query.newestFirst.toggle()
        query.service += "x"
        try hold((try? PageToken.of(query)) == nil, "a query takes another service's token")
    }
}
