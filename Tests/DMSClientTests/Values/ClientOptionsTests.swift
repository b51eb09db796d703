import NIOCore
import Testing

@testable import DMSClient

@Suite struct ClientOptionsTests {
    @Test func `tokens show in no text of the options`() {
        let options = ClientOptions(operatorToken: "hush-1", submitterToken: "hush-2")
        var dumped = ""
        dump(options, to: &dumped)
        for text in ["\(options)", String(reflecting: options), dumped] {
            #expect(!text.contains("hush"))
            #expect(text.contains("operator, submitter"))
        }
    }

    @Test func `durations of any size become amounts of time`() {
        #expect(TimeAmount(clamping: .milliseconds(1500)) == .milliseconds(1500))
        #expect(TimeAmount(clamping: .nanoseconds(1)) == .nanoseconds(1))
        #expect(TimeAmount(clamping: .seconds(-1)) == .zero)
        #expect(TimeAmount(clamping: .seconds(Int64.max)) == .hours(24 * 365 * 100))
    }
}
