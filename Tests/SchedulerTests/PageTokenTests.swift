import DMSModel
import NIOCore
import Testing

@testable import Scheduler

@Suite struct PageTokenTests {
    @Test(arguments: [0, 1, 2, 3, 4, 255, 256, 257])
    func `bytes come back from their text`(count: Int) {
        for first in [0, 127, 250] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: first + $0 * 7) }
            let text = Base64URL.encode(bytes)
            #expect(Base64URL.decode(text) == bytes)
            #expect(text.utf8.count == (count * 4 + 2) / 3)
        }
    }

    @Test func `the text is that of RFC 4648`() {
        #expect(Base64URL.encode(Array("foobar".utf8)) == "Zm9vYmFy")
        #expect(Base64URL.encode(Array("fooba".utf8)) == "Zm9vYmE")
        #expect(Base64URL.encode(Array("foob".utf8)) == "Zm9vYg")
        #expect(Base64URL.encode([0xFB, 0xFF, 0xFE]) == "-__-")
    }

    @Test(arguments: ["A", "AAAAA", "Zm9vYmF=", "Zm9vYmF", "Zm9vYh", "+/", "é", " "])
    func `bytes have one text only`(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func `a token says where it was, whatever the id's bytes are`() throws {
        for id in [ByteBuffer(string: "t"), ByteBuffer(bytes: [0, 255, 10]), ByteBuffer(repeating: 200, count: 5000)] {
            for isAtWriter in [false, true] {
                let token = PageToken(position: ListPosition(score: -1.5, id: id), isAtWriter: isAtWriter)
                var query = TaskQuery(service: "copy")
                query.pageToken = token.text(for: query)
                let read = try PageToken.of(query)
                #expect(read == token)
            }
        }
        let none = try PageToken.of(TaskQuery())
        #expect(none == nil)
    }
}
