import DMSModel
import HTTPTypes

/// Keeps web pages of elsewhere from acting through the browser of somebody who reaches this server.
///
/// Requests that change something must not be a page's of another origin, and none may be for a host that is not known here. Programs
/// that are no browsers see no difference, as long as they use an address or a known name.
struct PageCheck {
    let hosts: KnownHosts
    /// Whether the server speaks TLS, so that no page of its own came without.
    let isTLS: Bool

    /// Why the request is refused; nil where it is not.
    func refusal(of request: HTTPRequest, to endpoint: Endpoint) -> SchedulerError? {
        // Without a host there was no browser: an HTTP/1.0 client's request.
        let host = request.authority.flatMap { HostName($0) }
        if !endpoint.isForAnyHost, let host, !hosts.contains(host) { return PageCheck.unknown(host) }
        guard endpoint.changesState else { return nil }
        return pageRefusal(request.headerFields, host)
    }

    private static func unknown(_ host: HostName) -> SchedulerError {
        SchedulerError(
            .hostUnknown,
            "The host '\(host.name)' is not known here; where it is one of this server's names, set "
                + "DMS_HTTP_HOSTS=\(host.name), or add it there with a comma")
    }

    /// The browser's own word is taken first: it also knows of ports and schemes that a proxy in between has changed.
    private func pageRefusal(_ fields: HTTPFields, _ host: HostName?) -> SchedulerError? {
        var isOwnPage = false
        var foreignOrigin: String?
        for field in fields {
            switch field.name.canonicalName {
            case "sec-fetch-site":
                switch field.value {
                case "same-origin": isOwnPage = true
                case "none": break
                default: return PageCheck.foreign("Sec-Fetch-Site", field.value)
                }
            case "origin": if !isOwn(field.value, host) { foreignOrigin = field.value }
            default: break
            }
        }
        guard let foreignOrigin, !isOwnPage else { return nil }
        return PageCheck.foreign("Origin", foreignOrigin)
    }

    private static func foreign(_ header: String, _ value: String) -> SchedulerError {
        SchedulerError(
            .crossSite, "A web page of another origin may not do this (\(header): \(QuotedText.quoted(value)))")
    }

    /// Whether a page of that origin is one of the host that the request is for.
    private func isOwn(_ origin: String, _ host: HostName?) -> Bool {
        let (scheme, port) = origin.lowercased().hasPrefix("https://") ? ("https://", 443) : ("http://", 80)
        guard let host, scheme == "https://" || !isTLS, origin.lowercased().hasPrefix(scheme),
            let page = HostName(origin.dropFirst(scheme.count))
        else { return false }
        return page.host.lowercased() == host.host.lowercased() && page.port ?? port == host.port ?? port
    }
}

extension Endpoint {
    /// Whether a request may change something that is kept; reading may at most mend indexes.
    fileprivate var changesState: Bool { route.method != .get }

    /// Whether it answers whatever host is asked for, since probes ask for any, and it tells nothing.
    fileprivate var isForAnyHost: Bool { self == .getHealth || self == .getReadiness }
}
