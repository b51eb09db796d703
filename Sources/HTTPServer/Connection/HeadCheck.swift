import DMSModel
import NIOHTTP1

/// What the framework's decoder lets pass and HTTP does not: the hosts and the transfer coding of a request's head.
enum HeadCheck {
    /// The last answer on the connection where the head is none that may be served; nil where it is one.
    static func refusal(of head: HTTPRequestHead) -> Answer? {
        var host: String?
        var codings: [Substring] = []
        var hasCoding = false
        for (name, value) in head.headers {
            switch name.utf8.count {
            case 4 where name.lowercased() == "host":
                guard host == nil else { return malformed("A request has one Host header") }
                host = value
            case 17 where name.lowercased() == "transfer-encoding":
                hasCoding = true
                codings += value.split { $0 == "," || $0 == " " || $0 == "\t" }
            default: break
            }
        }
        if let host {
            guard HostName(host) != nil else { return malformed("The Host header holds no host") }
        } else if isCurrent(head.version) {
            return malformed("A request needs a Host header")
        }
        return hasCoding ? refusal(of: codings, isCurrent(head.version)) : nil
    }

    private static func refusal(of codings: [Substring], _ isCurrentVersion: Bool) -> Answer? {
        guard isCurrentVersion else { return malformed("HTTP/1.0 has no Transfer-Encoding") }
        guard codings.allSatisfy({ $0.lowercased() == "chunked" }) else {
            return Answer(
                SchedulerError(.codingUnknown, "No transfer coding but chunked is understood"), part: "body")
        }
        return codings.count == 1 ? nil : malformed("A body is chunked once")
    }

    private static func isCurrent(_ version: HTTPVersion) -> Bool { (version.major, version.minor) >= (1, 1) }

    private static func malformed(_ sentence: String) -> Answer {
        Answer(status: 400, detail: sentence, reason: .malformed)
    }
}
