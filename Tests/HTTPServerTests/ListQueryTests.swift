import DMSModel
import NIOCore
import Testing

@testable import HTTPServer

@Suite struct ListQueryTests {
    private func query(_ text: String) throws -> TaskQuery {
        try TaskQuery(query: try #require(RequestTarget("/tasks?" + text)).query)
    }

    @Test(arguments: ["", "status=&priority=&service=&user_id=&limit=&cursor=&newest_first=", "&&"])
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
        ("limit=1.5", "int_parsing", "limit"), ("newest_first=2", "bool_parsing", "newest_first"),
        ("newest_first=+true", "bool_parsing", "newest_first"), ("user=bob", "extra_forbidden", "user"),
        ("Status=queued", "extra_forbidden", "Status"), ("=x", "extra_forbidden", ""),
        ("user=", "extra_forbidden", "user"),
        ("page_token=x", "extra_forbidden", "page_token"),
        ("service=a%0Ab", "value_error", "service"), ("user_id=%00", "value_error", "user_id"),
    ])
    func `what is wrong is refused by its name`(text: String, type: String, name: String) {
        let error = #expect(throws: InvalidRequest.self) { try query(text) }
        #expect(error?.errors.map(\.type) == [type])
        #expect(error?.errors.first?.location == [.name("query"), .name(name)])
    }

    @Test(arguments: [
        (["true", "True", "TRUE", "t", "T", "yes", "Y", "y", "on", "On", "1"], true),
        (["false", "False", "f", "F", "no", "N", "n", "off", "OFF", "0"], false),
    ])
    func `a truth is written in any of pydantic's ways`(texts: [String], value: Bool) throws {
        for text in texts { #expect(try query("newest_first=" + text).newestFirst == value) }
    }

    @Test func `an unknown name is refused with its value, behind what is wrong with known ones`() {
        let error = #expect(throws: InvalidRequest.self) { try query("user=bob&limit=x&other") }
        #expect(error?.errors.map(\.type) == ["int_parsing", "extra_forbidden", "extra_forbidden"])
        #expect(error?.errors[1].input == ByteBuffer(string: "\"bob\""))
        #expect(error?.errors[1].message == "Extra inputs are not permitted")
    }

    @Test func `all that is wrong is named at once`() {
        let error = #expect(throws: InvalidRequest.self) { try query("limit=x&status=a,queued,b&priority=c") }
        #expect(error?.errors.map(\.type) == ["enum", "enum", "enum", "int_parsing"])
        #expect(throws: InvalidRequest.self) { try query("status=%ff") }
    }
}
