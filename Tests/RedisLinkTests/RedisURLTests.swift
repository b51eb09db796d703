import RedisLink
import Testing

@Suite struct RedisURLTests {
    @Test(arguments: [
        ("redis://localhost", RedisURL(address: .tcp(host: "localhost", port: 6379))),
        ("redis://localhost/", RedisURL(address: .tcp(host: "localhost", port: 6379))),
        ("redis://10.0.0.1:7000/15", RedisURL(address: .tcp(host: "10.0.0.1", port: 7000), database: 15)),
        ("REDIS://a.example:1", RedisURL(address: .tcp(host: "a.example", port: 1))),
        ("redis://h:65535?db=2", RedisURL(address: .tcp(host: "h", port: 65_535), database: 2)),
        ("redis://[::1]", RedisURL(address: .tcp(host: "::1", port: 6379))),
        ("redis://[fe80::1]:80/3", RedisURL(address: .tcp(host: "fe80::1", port: 80), database: 3)),
        ("redis://:secret@h", RedisURL(address: .tcp(host: "h", port: 6379), password: "secret")),
        ("redis://secret@h", RedisURL(address: .tcp(host: "h", port: 6379), password: "secret")),
        ("redis://ada:p:q@h", RedisURL(address: .tcp(host: "h", port: 6379), user: "ada", password: "p:q")),
        (
            "redis://a%3Ab:%40%2F%3f%25@h/1",
            RedisURL(
                address: .tcp(host: "h", port: 6379), user: "a:b", password: "@/?%", database: 1)
        ),
        ("redis://u:a@b@h", RedisURL(address: .tcp(host: "h", port: 6379), user: "u", password: "a@b")),
        ("unix:///run/redis.sock", RedisURL(address: .unix(path: "/run/redis.sock"))),
        ("unix:///run/a%20b/%C3%BC.sock?db=4", RedisURL(address: .unix(path: "/run/a b/ü.sock"), database: 4)),
        ("unix://ada:pw@/s?db=0", RedisURL(address: .unix(path: "/s"), user: "ada", password: "pw")),
        ("unix://:pw@/a@b", RedisURL(address: .unix(path: "/a@b"), password: "pw")),
    ])
    func `a URL names address, login and database`(text: String, expected: RedisURL) throws {
        #expect(try RedisURL(text) == expected)
    }

    @Test(arguments: [
        ("", "neither"), ("localhost:6379", "neither"), ("http://localhost", "http://"), ("redis:/h", "neither"),
        ("redis+sentinel://h", "Sentinel"), ("redis+sentinel://h/", "Sentinel"),
        ("redis+sentinel://h/a%20b", "Sentinel"),
        ("redis+sentinel://,/m", "host"), ("redis+sentinel://h,/m", "host"), ("redis+sentinel://h:1,h:x/m", "port"),
        ("redis+sentinel://h/m/x", "database"), ("redis+sentinel://h/m?role=slave", "role"),
        ("redis+sentinel://h/m?sentinel_user=u", "sentinel_password"), ("redis+cluster://h/1", "database 0"),
        ("redis+cluster://h?sentinel_password=p", "unknown here"), ("redis://h?role=replica", "unknown here"),
        ("redis://a,b", "host"), ("redis://h?ca_file=/x", "unknown here"), ("rediss://h?cert_file=/x", "key_file"),
        ("rediss://h?ca_file=", "empty"), ("rediss://h?verify=maybe", "verify"),
        ("rediss://h?verify=ca&verify=ca", "twice"),
        ("redis://", "host"), ("redis://:6379", "host"), ("redis:///0", "host"), ("redis://pw@", "host"),
        ("redis://h:0", "port"), ("redis://h:65536", "port"), ("redis://h:", "port"), ("redis://h:+1", "port"),
        ("redis://h:1x", "port"), ("redis://::1", "brackets"), ("redis://::1:6379", "brackets"), ("redis://[::1", "]"),
        ("redis://[::1]x", "]"), ("redis://[h]", "IPv6"), ("redis://a b", "host"), ("redis://h/x", "database"),
        ("redis://h/-1", "database"), ("redis://h/1/2", "database"), ("redis://h/99999999999", "database"),
        ("redis://h?x=1", "db=number"), ("redis://h?db", "db=number"), ("redis://h/1?db=1", "twice"),
        ("redis://h?db=1&x=2", "database"), ("redis://:a%2@h", "hexadecimal"), ("redis://:a%zz@h", "hexadecimal"),
        ("redis://:%ff@h", "UTF-8"), ("redis://u:@h", "password is empty"), ("redis://@h", "password is empty"),
        ("redis://h#1", "%23"), ("redis://:a#b@h", "%23"), ("unix://", "path"), ("unix://host/path", "third slash"),
        ("unix:///", "empty"), ("unix:///a%00b", "zero byte"), ("unix:///s?database=1", "db=number"),
        ("unix:///s?db=", "database"), ("redis://[::1]\u{301}", "]"), ("redis://[[::1]", "host"),
        ("redis://h]", "host"),
        ("redis://h:\u{301}80", "port"), ("redis://h/\u{301}1", "database"), ("redis://h?\u{301}db=1", "db=number"),
        ("redis:/\u{301}/h", "neither"),
    ])
    func `what is no URL is refused with a sentence that says why`(text: String, word: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisURL(text) }
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    }

    @Test func `a mark is a mark also before a combining character`() throws {
        let url = try RedisURL("redis://\u{301}u:\u{301}p@\u{301}h:1/2")
        let address = RedisURL.Address.tcp(host: "\u{301}h", port: 1)
        #expect(url == RedisURL(address: address, user: "\u{301}u", password: "\u{301}p", database: 2))
    }

    @Test func `the path of a unix socket has a limit`() throws {
        let longest = "/" + String(repeating: "x", count: RedisURL.unixPathBytesMax - 1)
        #expect(try RedisURL("unix://\(longest)").servers == .one(.unix(path: longest)))
        #expect(throws: RedisURLError.self) { try RedisURL("unix://\(longest)x") }
    }

    @Test func `a URL names sentinels and their master`() throws {
        let url = try RedisURL(
            "redis+sentinel://ada:pw@a,b:1,[::1]/my%2Dmaster/3?role=replica&sentinel_password=s%26&sentinel_user=su")
        let sentinels = RedisSentinels(
            addresses: [
                .tcp(host: "a", port: 26_379), .tcp(host: "b", port: 1), .tcp(host: "::1", port: 26_379),
            ], master: "my-master", user: "su", password: "s&")
        let expected = RedisURL(
            servers: .sentinel(sentinels), user: "ada", password: "pw", database: 3, role: .replica)
        #expect(url == expected)
        #expect("\(url)" == "redis+sentinel://ada:***@a:26379,b:1,[::1]:26379/my-master/3?role=replica")
    }

    @Test func `a URL names nodes of a cluster, and how they are encrypted`() throws {
        let url = try RedisURL(
            "rediss+cluster://pw@a:7000,b?ca_file=/etc/ca.pem&cert_file=c&key_file=k&server_name=redis&verify=ca")
        let tls = RedisTLS(
            caFile: "/etc/ca.pem", certificateFile: "c", keyFile: "k", serverName: "redis", verification: .ca)
        let nodes = [RedisURL.Address.tcp(host: "a", port: 7000), .tcp(host: "b", port: 6379)]
        #expect(url == RedisURL(servers: .cluster(nodes), password: "pw", tls: tls))
        #expect(url.isCluster)
        #expect(try RedisURL("rediss://h").tls == RedisTLS())
        #expect(try RedisURL("rediss+sentinel://h/m?verify=none").tls?.verification == RedisTLS.Verification.none)
        #expect(try RedisURL("redis+sentinel://h/m").tls == nil)
    }

    @Test func `files of TLS that are of no use are refused before anything connects`() throws {
        let error = #expect(throws: RedisURLError.self) {
            try RedisURL("rediss://h?ca_file=/nowhere").tls?.checkFiles()
        }
        #expect(error?.description.contains("/nowhere") == true)
    }

    @Test(arguments: ["redis://ada:geheim@h:1/2", "unix://ada:geheim@/s?db=1", "redis://:geheim@[::1]"])
    func `no description shows the password`(text: String) throws {
        let url = try RedisURL(text)
        var dumped = ""
        dump(url, to: &dumped)
        for shown in ["\(url)", String(reflecting: url), dumped] {
            #expect(!shown.contains("geheim"))
            #expect(shown.contains("***"))
        }
    }

    @Test func `no description shows the password of the sentinels`() throws {
        let url = try RedisURL("redis+sentinel://h/m?sentinel_password=geheim")
        var dumped = ""
        dump(url, to: &dumped)
        #expect(!"\(url) \(String(reflecting: url)) \(dumped)".contains("geheim"))
    }

    @Test(arguments: [
        "redis+sentinel://h/m?sentinel_password=%zzgeheim", "redis+sentinel://h/m?geheim=geheim",
        "redis://:geheim@h:x", "redis://geheim@", "redis://u:geheim%zz@h", "unix://u:geheim@h/s", "xx://geheim",
    ])
    func `no error shows the password`(text: String) {
        let error = #expect(throws: RedisURLError.self) { try RedisURL(text) }
        #expect(error?.description.contains("geheim") == false)
    }

    @Test(arguments: ["redis://h:6379/0", "redis://[::1]:1/2", "unix:///run/s?db=3"])
    func `a description without login is a URL of the same Redis`(text: String) throws {
        #expect("\(try RedisURL(text))" == text)
    }
}
