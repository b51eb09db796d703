import Testing

@testable import HTTPServer

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/tasks/a%2Fb", "a/b"), ("/tasks/a%20b", "a b"), ("/tasks/100%25", "100%"), ("/tasks/a+b", "a+b"),
        ("/tasks/%C3%A9", "\u{E9}"), ("/tasks/e%CC%81", "e\u{301}"), ("/tasks/%F0%9F%9A%80", "\u{1F680}"),
        ("/tasks/%CC%81", "\u{301}"), ("/tasks/..", ".."), ("/tasks/%2e", "."), ("/tasks/a%3Fb%23c", "a?b#c"),
        ("/tasks/a;b=c,d@e:f", "a;b=c,d@e:f"), ("/tasks/%00", "\0"),
    ])
    func `an id in the path is decoded once, byte for byte`(target: String, id: String) throws {
        let segments = try #require(RequestTarget(target)).segments
        #expect(segments.count == 2)
        #expect(Array(try #require(segments.last).utf8) == Array(id.utf8))
    }

    @Test(arguments: [
        "/tasks/%", "/tasks/%2", "/tasks/%zz", "/tasks/%2G", "/tasks/%FF", "/tasks/%C3", "/tasks/%ED%A0%80",
        "/tasks/%C0%AF", "", "*", "tasks", "http://host/tasks",
    ])
    func `what is no path, or no UTF-8 after decoding, has no address`(target: String) {
        #expect(RequestTarget(target) == nil)
    }

    @Test func `slashes split, also where nothing stands between them`() {
        #expect(RequestTarget("/")?.segments == [""])
        #expect(RequestTarget("/tasks/")?.segments == ["tasks", ""])
        #expect(RequestTarget("//tasks")?.segments == ["", "tasks"])
        #expect(RequestTarget("/tasks/a/b")?.segments == ["tasks", "a", "b"])
    }

    @Test func `the query ends the path and is decoded pair by pair`() {
        let target = RequestTarget("/submitter/next?submitter_id=a%26b+c&&wait_ms=5&flag&x=1=2?")
        #expect(target?.segments == ["submitter", "next"])
        #expect(
            target?.query == [
                .init(name: "submitter_id", value: "a&b c"), .init(name: "wait_ms", value: "5"),
                .init(name: "flag", value: ""), .init(name: "x", value: "1=2?"),
            ])
        #expect(RequestTarget("/stats?")?.query == [])
        #expect(RequestTarget("/stats")?.query == [])
    }

    @Test func `a query that can't be decoded is known as such, and the path still stands`() throws {
        let target = try #require(RequestTarget("/stats?a=%GG"))
        #expect(target.segments == ["stats"])
        #expect(target.query == nil)
    }
}
