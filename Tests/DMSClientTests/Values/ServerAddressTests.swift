import DMSClient
import Testing

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("127.0.0.1:9000", ServerAddress.tcp(host: "127.0.0.1", port: 9000)),
        ("scheduler", .tcp(host: "scheduler", port: 8001)), ("scheduler:1", .tcp(host: "scheduler", port: 1)),
        ("scheduler:65535", .tcp(host: "scheduler", port: 65_535)), ("[::1]", .tcp(host: "::1", port: 8001)),
        ("[fe80::1%eth0]:8002", .tcp(host: "fe80::1%eth0", port: 8002)),
        ("unix:///run/dms.sock", .unix(path: "/run/dms.sock")),
        ("tls://scheduler", .tls(host: "scheduler", port: 8001)),
        ("tls://[::1]:2", .tls(host: "::1", port: 2)),
    ])
    func `an address is read`(_ text: String, _ address: ServerAddress) throws {
        #expect(try ServerAddress(text) == address)
    }

    @Test(arguments: [
        "127.0.0.1:8001", "[::1]:8001", "unix:///run/dms.sock", "tls://scheduler:8001", "tls://[::1]:8001",
    ])
    func `an address is written as it is read`(_ text: String) throws {
        #expect(try ServerAddress(text).description == text)
    }

    @Test(arguments: [
        "", ":8001", "host:", "host:0", "host:65536", "host:+1", "host:80x", "host:８０", "::1", "::1:8001", "[::1",
        "[]:8001", "[::1]8001", "http://host:8001", "host name:8001", "host\n:8001", "unix://relative", "unix://",
        "unix:///" + String(repeating: "p", count: 103), "[::1]\u{301}", "[a\u{301}]]", "[[::1]", "host]:1", "[ho[st]",
        "host:\u{301}80",
        "tls://", "tls://host:0", "tls:///path", "tls://tls://host",
    ])
    func `what is no address is refused with a sentence`(_ text: String) throws {
        let error = #expect(throws: ServerAddressError.self) { try ServerAddress(text) }
        #expect(error?.description.hasPrefix("'\(text)' is no server address: ") == true)
    }

    @Test(arguments: [("http://127.0.0.1:8001", "http"), ("tls://redis://host", "redis"), ("UNIX:///s", "UNIX")])
    func `a scheme that is not known is told as one`(_ text: String, _ scheme: String) throws {
        let error = #expect(throws: ServerAddressError.self) { try ServerAddress(text) }
        #expect(error?.problem.hasPrefix("the scheme '\(scheme)' is not known; known are tls:// and unix://") == true)
    }

    @Test(arguments: ["unix:///\u{301}", "ho\u{301}st:80", "[:\u{301}:1]:80"])
    func `a mark is a mark also before a combining character`(_ text: String) throws {
        #expect(try ServerAddress(text).description == text)
    }

    @Test func `a socket's path may be as long as the kernel takes`() throws {
        let path = "/" + String(repeating: "p", count: 102)
        #expect(try ServerAddress("unix://" + path) == .unix(path: path))
    }
}
