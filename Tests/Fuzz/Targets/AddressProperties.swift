import DMSClient
import NIOCore
import RedisLink

/// Addresses: what is read is written, and read as the same; a password is in no description.
enum AddressProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        let kind = input.choice(of: 2)
        guard let text = input.text else { return }
        if kind == 0 { try checkRedis(text) } else { try checkServer(text) }
    }

    private static func checkRedis(_ text: String) throws {
        guard let url = try? RedisURL(text) else { return }
        switch url.servers {
        case .one(let address):
            // What else a URL says of TLS has files in it, which are not written here.
            if url.tls == nil { try checkWriting(url, address) }
        case .sentinel(let sentinels):
            try hold(!sentinels.addresses.isEmpty && !sentinels.master.isEmpty, "Sentinel without a name or a host")
            for address in sentinels.addresses { try checkAddress(address) }
        case .cluster(let addresses):
            try hold(!addresses.isEmpty && url.database == 0, "a cluster without a host, or with a database")
            for address in addresses { try checkAddress(address) }
        }
        if let password = url.password, password.utf8.count > 3, !"redis://:***@".contains(password) {
            var bare = url
            bare.password = "x"
            try hold(url.description == bare.description, "a description depends on the password")
        }
    }

    private static func checkWriting(_ url: RedisURL, _ address: RedisURL.Address) throws {
        try checkAddress(address)
        let login = url.password.map { (url.user.map(encoded) ?? "") + ":" + encoded($0) + "@" } ?? ""
        let again: String
        switch address {
        case .tcp(let host, let port):
            let host = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
            again = "redis://\(login)\(host):\(port)/\(url.database)"
        case .unix(let path):
            again = "unix://\(login)/\(encoded(path, from: 1))?db=\(url.database)"
        }
        try hold(try RedisURL(again) == url, "a URL is not read as it was written: \(again)")
    }

    private static func checkAddress(_ address: RedisURL.Address) throws {
        switch address {
        case .tcp(let host, let port):
            try hold((1...65_535).contains(port) && !host.isEmpty, "a port or a host is none")
        case .unix(let path):
            try hold((2...107).contains(path.utf8.count), "a path is longer than the system takes")
        }
    }

    private static func checkServer(_ text: String) throws {
        guard let addresses = try? ServerAddress.list(text) else { return }
        try hold(!addresses.isEmpty, "a list of addresses is empty")
        for address in addresses {
            let again = try ServerAddress(address.description)
            try hold(again == address, "an address is not read as it was written: \(address)")
        }
    }

    private static func encoded(_ text: String) -> String { encoded(text, from: 0) }

    private static func encoded(_ text: String, from start: Int) -> String {
        text.utf8.dropFirst(start).map { byte in
            let digits = String(byte, radix: 16)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
