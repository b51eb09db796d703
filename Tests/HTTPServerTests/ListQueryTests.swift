import DMSModel
import Testing

@testable import HTTPServer

@Suite struct ListQueryTests {
    private func query(_ text: String) throws -> TaskQuery {
        try TaskQuery(query: try #require(RequestTarget("/tasks?" + text)).query)
    }

    @Test(arguments: ["", "status=&priority=&service=&user_id=&limit=&cursor=&newest_first=", "other=1"])
    func `what is not said is not filtered`(text: String) throws {
        let query = try query(text)
        #expect(query == TaskQuery())
    }

    @Test func `what the query says is passed on`() throws {
        let query = try query(
            "status=queued,failed&status=canceled&priority=high&service=a%2Cb&user_id=ada+l&limit=7&cursor=x&newest_first=true"
        )
        #expect(
            query
                == TaskQuery(
                    pageSize: 7, pageToken: "x", statuses: [.queued, .failed, .canceled], priorities: [.high],
                    service: "a,b", userID: "ada l", newestFirst: true))
    }

    @Test(arguments: [
        ("0", 0), ("1000", 1000), ("4294967295", .max), ("4294967296", .max), ("99999999999999999999", .max), ("-0", 0),
    ])
    func `a limit is any number from 0 on`(text: String, size: UInt32) throws {
        let query = try query("limit=" + text)
        #expect(query.pageSize == size)
    }

    @Test(arguments: [
        ("status=done", "enum", "status"), ("status=queued,", "enum", "status"), ("status=Queued", "enum", "status"),
        ("priority=urgent", "enum", "priority"), ("limit=-1", "value_error", "limit"),
        ("limit=-99999999999999999999", "value_error", "limit"), ("limit=-", "int_parsing", "limit"),
        ("limit=x", "int_parsing", "limit"), ("limit=%2B1", "int_parsing", "limit"),
        ("limit=1.5", "int_parsing", "limit"), ("newest_first=yes", "bool_parsing", "newest_first"),
        ("service=a%0Ab", "value_error", "service"), ("user_id=%00", "value_error", "user_id"),
    ])
    func `what is wrong is refused by its name`(text: String, type: String, name: String) {
        let error = #expect(throws: InvalidRequest.self) { try query(text) }
        #expect(error?.errors.map(\.type) == [type])
        #expect(error?.errors.first?.location == [.name("query"), .name(name)])
    }

    @Test func `all that is wrong is named at once`() {
        let error = #expect(throws: InvalidRequest.self) { try query("limit=x&status=a,queued,b&priority=c") }
        #expect(error?.errors.map(\.type) == ["enum", "enum", "enum", "int_parsing"])
        #expect(throws: InvalidRequest.self) { try query("status=%ff") }
    }
}
