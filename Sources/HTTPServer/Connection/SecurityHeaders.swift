import NIOHTTP1

/// What every answer tells browsers: that its JSON is nothing to guess at, to keep, to run, to frame or to refer from.
enum SecurityHeaders {
    static let plain: HTTPHeaders = [
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
    ]

    /// The same, and that the host is to be spoken to inside TLS for a year; said inside TLS only, since it counts there only.
    static let insideTLS = {
        var headers = plain
        headers.add(name: "strict-transport-security", value: "max-age=31536000")
        return headers
    }()
}
