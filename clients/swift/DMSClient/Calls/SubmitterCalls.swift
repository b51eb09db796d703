public import DMSModel
import DMSWire

/// What submitters ask for: the service `dms.v1.Submitter`.
public struct SubmitterCalls: Sendable {
    let client: DMSClient

    /// Fetches the next tasks; an answer without any is none queued.
    ///
    /// Where the options set no deadline, the time that the request itself allows for waiting is added to the client's.
    public func next(
        _ request: NextRequest = NextRequest(), options: CallOptions = CallOptions()
    ) async throws(DMSClientError) -> NextAnswer {
        try await client.call(
            Methods.Submitter.next, request, retry: .unsentOnly, options: options,
            extraTime: .milliseconds(Int64(request.waitMilliseconds)))
    }
}
