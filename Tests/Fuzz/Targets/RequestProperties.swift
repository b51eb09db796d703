import DMSModel
import Foundation
import HTTPTypes
import NIOCore

@testable import HTTPServer

/// Request targets: decoded as Foundation does, encoded again they are the same, and queries are read or refused.
enum RequestProperties {
    static func check(_ input: FuzzInput) throws {
        // What is no UTF-8 reaches nobody: the HTTP parser's strings are repaired.
        guard let text = input.text, let target = RequestTarget(text) else { return }
        try checkSegments(target, text)
        for method in [HTTPRequest.Method.get, .head, .post, .delete] {
            if case .endpoint(let endpoint) = Endpoint.resolve(method, path: target.segments) {
                try hold(
                    zip(endpoint.route.path, target.segments).allSatisfy { $0.0 == nil || $0.0 == $0.1 },
                    "a request goes to another's endpoint")
            }
        }
        try checkQuery(target)
        var again = "/" + target.segments.map(encoded).joined(separator: "/")
        if let query = target.query, !query.isEmpty {
            again += "?" + query.map { encoded($0.name) + "=" + encoded($0.value) }.joined(separator: "&")
        }
        guard let read = RequestTarget(again) else { throw BrokenProperty(description: "\(again) is no target") }
        try hold(same(read.segments, target.segments), "a path is not read as it was written")
        if let query = target.query {
            try hold(
                same(read.query?.flatMap { [$0.name, $0.value] } ?? [], query.flatMap { [$0.name, $0.value] }),
                "a query is not read as it was written")
        }
    }

    private static func checkSegments(_ target: RequestTarget, _ text: String) throws {
        let path = text.utf8.prefix { $0 != UInt8(ascii: "?") }.dropFirst()
        let parts = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        try hold(parts.count == target.segments.count, "a path has other segments")
        for (part, segment) in zip(parts, target.segments) {
            let theirs = String(decoding: part, as: UTF8.self).removingPercentEncoding
            // Foundation refuses nothing but what we refuse.
            try hold(theirs.map { $0.utf8.elementsEqual(segment.utf8) } == true, "a segment is decoded otherwise")
        }
    }

    private static func checkQuery(_ target: RequestTarget) throws {
        do throws(InvalidRequest) { _ = try TaskQuery(query: target.query) } catch {
            try BodyProperties.checkAnswer(to: error)
        }
        do throws(InvalidRequest) { _ = try NextRequest(query: target.query) } catch {
            try BodyProperties.checkAnswer(to: error)
        }
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }

    private static func same(_ texts: [String], _ others: [String]) -> Bool {
        texts.count == others.count && zip(texts, others).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    }
}
