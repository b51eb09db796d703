import DMSModel
import Foundation
import HTTPTypes
import NIOCore
import TestSupport
import Testing

@testable import HTTPServer

/// What holds for every request, whatever it asks for; none of these reaches the scheduler.
@Suite struct ConnectionTests {
    private let alive = #"{"status":"ok"}"#
    private let tooLarge = #"{"detail":"A body may have at most \#(Limits.bodyBytesMax) bytes"}"#

    @Test func `a process that serves says so`() async throws {
        try await withServer { server in
            let answer = try await server.call("GET", "/healthz")
            #expect(answer.version == "HTTP/1.1")
            #expect(answer.status == 200)
            #expect(answer.text == alive)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.headers["server"] == "dms-scheduler")
            #expect(answer.headers["date"] != nil)
            #expect(answer.headers["connection"] == nil)
        }
    }

    @Test func `every answer tells browsers not to guess, keep, run, frame or refer, a broken request's too`()
        async throws
    {
        try await withServer { server in
            let connection = try await server.connect()
            var answers: [HTTPAnswer] = []
            for (method, target) in [("GET", "/healthz"), ("HEAD", "/openapi.json"), ("GET", "/no"), ("PUT", "/tasks")]
            {
                answers.append(try await connection.call(method, target))
            }
            answers.append(try await connection.call("POST", "/tasks", body: ByteBuffer(string: "{")))
            try await connection.send("no request at all\r\n\r\n")
            answers.append(try await connection.answer())
            #expect(answers.map(\.status) == [200, 200, 404, 405, 422, 400])
            for answer in answers {
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                #expect(answer.headers["cache-control"] == "no-store")
                #expect(answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'")
                #expect(answer.headers["referrer-policy"] == "no-referrer")
                #expect(answer.headers["strict-transport-security"] == nil)
            }
            try await connection.close()
        }
    }

    @Test func `the door describes itself, each of its routes by its path and method`() async throws {
        try await withServer { server in
            let answer = try await server.get("/openapi.json")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json")
            let document = try JSONDecoder().decode(OpenAPIDocument.self, from: Data(answer.body.readableBytesView))
            #expect(document.openapi == "3.1.0")
            for endpoint in Endpoint.allCases {
                let method = endpoint.route.method.rawValue.lowercased()
                #expect(document.paths[endpoint.template]?[method] != nil, "\(method) \(endpoint.template)")
            }
        }
    }

    @Test func `a connection serves many requests, and an unknown path or method does not end it`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            for target in [
                "/", "/tasks/", "/tasks/a/b", "/tasks/%", "/tasks/%FF", "/nothing", "/stats/", "/healthz?x/",
            ] {
                let answer = try await connection.call("GET", target)
                #expect(answer.status == (target.hasPrefix("/healthz") ? 200 : 404))
                if answer.status == 404 { #expect(answer.text == #"{"detail":"Not Found"}"#) }
            }
            for (method, target, allow) in [
                ("DELETE", "/tasks", "GET, HEAD, POST"), ("DELETE", "/tasks/x", "GET, HEAD"),
                ("PUT", "/tasks/cancel", "GET, HEAD, POST"),
                ("POST", "/healthz", "GET, HEAD"), ("PATCH", "/admin/block", "GET, HEAD, POST"),
                ("OPTIONS", "/submitter/next", "POST"), ("HEAD", "/admin/resume", "POST"),
            ] {
                let answer = try await connection.call(method, target)
                #expect(answer.status == 405)
                #expect(answer.headers["allow"] == allow)
                if method != "HEAD" { #expect(answer.text == #"{"detail":"Method Not Allowed"}"#) }
            }
            #expect(try await connection.call("GET", "/healthz").text == alive)
            try await connection.close()
        }
    }

    @Test func `HEAD has GET's headers and no body`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            for (target, status, length) in [
                ("/healthz", 200, "15"), ("/nothing", 404, "22"), ("/submitter/next", 405, "31"),
            ] {
                let answer = try await connection.call("HEAD", target)
                #expect(answer.status == status)
                #expect(answer.headers["content-length"] == length)
                #expect(answer.headers["content-type"] == "application/json")
            }
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await connection.answer().text == alive)
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            let targets = (0..<50).map { $0 % 3 == 0 ? "/nothing" : "/healthz" }
            var requests = ByteBuffer()
            for target in targets { requests.writeImmutableBuffer(HTTPConnection.request("GET", target)) }
            try await connection.send(requests)
            for target in targets {
                #expect(try await connection.answer().status == (target == "/healthz" ? 200 : 404))
            }
            try await connection.close()
        }
    }

    @Test(arguments: ["close", "Close", "foo, close"])
    func `a client that says close is answered and closed, and nothing behind it is served`(token: String) async throws
    {
        try await withServer { server in
            let connection = try await server.connect()
            let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: \(token)\r\n\r\n"
            try await connection.send(last + "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.headers["connection"] == "close")
            #expect(answer.text == alive)
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `an HTTP/1.0 client is closed unless it asks to be kept, and told that it is`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await connection.answer().headers["connection"] == "keep-alive")
            try await connection.send("GET /healthz HTTP/1.0\r\n\r\n")
            #expect(try await connection.answer().headers["connection"] == "close")
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `a client that closes its sending side gets the answers that are due`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
            try await connection.send(request + request)
            try await connection.closeOutput()
            #expect(try await connection.answer().text == alive)
            #expect(try await connection.answer().text == alive)
            #expect(try await connection.remainder() == "")
        }
    }

    @Test func `a body in chunks is read like any other`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send("POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
            try await connection.send("2;x=y\r\n1]\r\n0\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.status == 422)
            #expect(answer.text.contains(#""type":"model_attributes_type""#))
            #expect(try await connection.call("GET", "/healthz").text == alive)
            try await connection.close()
        }
    }

    @Test func `the body of a request that is refused before it is read is skipped`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 300_000)
            #expect(try await connection.call("POST", "/nothing", body: body).status == 404)
            #expect(try await connection.call("PUT", "/tasks", body: body).status == 405)
            #expect(try await connection.call("GET", "/healthz", body: body).text == alive)
            #expect(try await connection.call("GET", "/healthz").text == alive)
            try await connection.close()
        }
    }

    @Test func `a body at the limit is read, one past it is refused before it is sent, and the connection ends`()
        async throws
    {
        try await withServer { server in
            let connection = try await server.connect()
            let body = ByteBuffer(repeating: UInt8(ascii: " "), count: Limits.bodyBytesMax)
            #expect(try await connection.call("POST", "/tasks", body: body).status == 422)
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: \(Limits.bodyBytesMax + 1)\r\n\r\n")
            let answer = try await connection.answer()
            #expect(answer.status == 413)
            #expect(answer.text == tooLarge)
            #expect(answer.headers["connection"] == "close")
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `a client that sends all of a body that is too large still gets its answer`() async throws {
        try await withServer { server in
            for isChunked in [false, true] {
                let connection = try await server.connect()
                let body = ByteBuffer(repeating: UInt8(ascii: " "), count: 4 << 20)
                var request = ByteBuffer(string: "POST /tasks HTTP/1.1\r\nHost: x\r\n")
                if isChunked {
                    request.writeString(
                        "Transfer-Encoding: chunked\r\n\r\n\(String(body.readableBytes, radix: 16))\r\n")
                } else {
                    request.writeString("Content-Length: \(body.readableBytes)\r\n\r\n")
                }
                request.writeImmutableBuffer(body)
                if isChunked { request.writeString("\r\n0\r\n\r\n") }
                try await connection.send(request)
                let answer = try await connection.answer()
                #expect(answer.status == 413)
                #expect(answer.text == tooLarge)
                #expect(try await connection.remainder() == "")
                try await connection.close()
            }
        }
    }

    @Test func `a client that sends without end is cut off`() async throws {
        var configuration = RESTServer.Configuration.patient
        configuration.discardedBytesMax = 1 << 20
        try await withServer(configuration) { server in
            for target in ["/nothing", "/tasks"] {
                let connection = try await server.connect()
                try await connection.send("POST \(target) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = ByteBuffer(string: "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n")
                await #expect(throws: (any Error).self) {
                    while true { try await connection.send(chunk) }
                }
            }
        }
    }

    @Test func `a client that waits to continue is told to, unless its body would be refused`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(try await connection.answer().status == 100)
            try await connection.send("[]")
            #expect(try await connection.answer().status == 422)
            try await connection.send(
                "POST /tasks HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
            #expect(try await connection.answer().status == 413)
            try await connection.close()
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "GET /healthz\r\n\r\n", "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
        "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /tasks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}\r\n\r\n",
    ])
    func `what is no HTTP is answered with 400 and closed`(bytes: String) async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send(bytes)
            let answer = try await connection.answer()
            #expect(answer.status == 400)
            #expect(answer.text == #"{"detail":"Bad Request"}"#)
            #expect(answer.headers["connection"] == "close")
            #expect(try await connection.remainder() == "")
            try await connection.close()
            #expect(try await server.call("GET", "/healthz").text == alive)
        }
    }

    @Test(arguments: ["OPTIONS *", "CONNECT localhost:80", "TRACE /nothing", "GET /%CC%81"])
    func `a target that is none of ours is unknown, whatever its form`(line: String) async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send("\(line) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await connection.answer().status == 404)
            try await connection.close()
        }
    }

    @Test func `a target may come with scheme and host, as proxies send it`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            for target in ["http://localhost/healthz", "http://localhost:1/healthz?x=1", "HTTP://[::1]/healthz"] {
                #expect(try await connection.call("GET", target).text == alive)
            }
            for target in ["http://localhost", "http://", "http://localhost?x", "ftp://a/b/c"] {
                #expect(try await connection.call("GET", target).status == 404)
            }
            try await connection.close()
        }
    }

    @Test(arguments: ["GET", "POST"])
    func `a client that offers another protocol is served with this one, on a connection that ends`(method: String)
        async throws
    {
        try await withServer { server in
            let connection = try await server.connect()
            let offer = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABk")]
            let body = ByteBuffer(string: "[]")
            let answer = try await connection.call(method, "/healthz", headers: offer, body: body)
            #expect(answer.status == (method == "GET" ? 200 : 405))
            #expect(answer.headers["connection"] == "close")
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `headers without end are refused`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            let header = "X-Long: " + String(repeating: "x", count: 100_000) + "\r\n"
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\(header)\r\n")
            let answer = try await connection.answer()
            #expect(answer.status == 431)
            #expect(answer.text == #"{"detail":"Request Header Fields Too Large"}"#)
            #expect(try await connection.remainder() == "")
            try await connection.close()
        }
    }

    @Test func `a body that ends too early is never taken for a whole one`() async throws {
        try await withServer { server in
            let connection = try await server.connect()
            try await connection.send("POST /admin/resume HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n")
            try await connection.closeOutput()
            let answer = try await connection.answer()
            #expect(answer.status == 400)
            #expect(try await connection.remainder() == "")
        }
    }

    @Test func `a server that stops closes idle connections and answers the request it has begun to read`() async throws
    {
        try await withServer { server in
            let idle = try await server.connect()
            #expect(try await idle.call("GET", "/healthz").status == 200)
            let busy = try await server.connect()
            #expect(try await busy.call("GET", "/healthz").status == 200)
            // The body is asked for when the request has arrived: from then on it is in flight.
            try await busy.send("POST /tasks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            #expect(try await busy.answer().status == 100)
            await server.stop()
            #expect(try await idle.remainder() == "")
            await #expect(throws: (any Error).self) { _ = try await server.call("GET", "/healthz") }
            try await busy.send("[]")
            let answer = try await busy.answer()
            #expect(answer.status == 422)
            #expect(answer.headers["connection"] == "close")
            #expect(try await busy.remainder() == "")
            try await busy.close()
        }
    }

    @Test func `a port that is taken is an error, and whoever waits for the address is told`() async throws {
        try await withServer { first in
            let taken = RESTServer.Configuration(port: try #require(first.address.port))
            try await expectNotListening(taken)
        }
    }
}

/// As much of an OpenAPI document as tests look at.
private struct OpenAPIDocument: Decodable {
    struct Operation: Decodable {}

    var openapi: String
    var paths: [String: [String: Operation]]
}
