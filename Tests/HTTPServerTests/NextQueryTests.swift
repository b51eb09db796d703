import DMSModel
import Testing

@testable import HTTPServer

@Suite struct NextQueryTests {
    private func request(_ query: String) throws -> NextRequest {
        try NextRequest(query: try #require(RequestTarget("/submitter/next?" + query)).query)
    }

    @Test func `no query asks for one task at once`() throws {
        #expect(try request("") == NextRequest())
    }

    @Test func `what the query says is passed on`() throws {
        #expect(
            try request("wait_ms=5&submitter_id=a%2Fb&lease_ms=1000&wait_ms=4294967295")
                == NextRequest(
                    waitMilliseconds: .max, leaseMilliseconds: 1000, submitterID: "a/b"))
    }

    @Test(arguments: [
        "wait_ms=", "wait_ms=-", "wait_ms=--1", "wait_ms=1.5", "wait_ms=x", "wait_ms=%2B1", "lease_ms=1e3",
    ])
    func `what is no whole number is refused by its name`(query: String) throws {
        let error = #expect(throws: InvalidRequest.self) { try request(query) }
        let name = try #require(query.split(separator: "=").first)
        #expect(error?.errors.map(\.type) == ["int_parsing"])
        #expect(error?.errors.first?.location == [.name("query"), .name(String(name))])
    }

    @Test(arguments: [
        ("wait_ms=-1", "0 to 600000"), ("wait_ms=-99999999999999999999", "0 to 600000"),
        ("wait_ms=99999999999999999999", "0 to 600000"), ("lease_ms=-1", "1000 to 86400000"),
        ("lease_ms=-1000", "1000 to 86400000"), ("lease_ms=4294967296", "1000 to 86400000"),
    ])
    func `a number that is negative or does not fit is out of range`(query: String, range: String) throws {
        let error = #expect(throws: InvalidRequest.self) { try request(query) }
        #expect(error?.errors.map(\.type) == ["value_error"])
        #expect(error?.errors.first?.message == "Value error, Value should be from \(range)")
    }

    @Test(arguments: ["lease=30000", "wait_ms=1&waitms=1", "max_tasks=2", "request_id="])
    func `a name that is unknown is refused`(query: String) {
        let error = #expect(throws: InvalidRequest.self) { try request(query) }
        #expect(error?.errors.map(\.type) == ["extra_forbidden"])
    }

    @Test func `zero has no sign`() throws {
        #expect(try request("wait_ms=-0&lease_ms=-00") == NextRequest())
    }

    @Test func `all that is wrong with a query is named at once`() {
        let error = #expect(throws: InvalidRequest.self) {
            try request("wait_ms=4294967296&lease_ms=a&submitter_id=%01")
        }
        #expect(error?.errors.map(\.type) == ["value_error", "int_parsing", "value_error"])
        #expect(error?.errors.first?.message == "Value error, Value should be from 0 to 600000")
    }

    @Test func `a query that can't be decoded is refused`() {
        let error = #expect(throws: InvalidRequest.self) { try request("submitter_id=%GG") }
        #expect(error?.errors.map(\.location) == [[.name("query")]])
    }
}
