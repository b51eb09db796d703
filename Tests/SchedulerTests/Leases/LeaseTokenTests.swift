import Testing

@testable import Scheduler

/// The text that proves who holds a lease.
struct LeaseTokenTests {
    @Test func `a token is never taken for an option on a command line`() {
        let tokens = (0..<10_000).map { _ in LeaseTerms(milliseconds: 1000).secret }
        #expect(tokens.allSatisfy { $0.first.map { "A"..."P" ~= $0 } == true })
        #expect(Set(tokens).count == tokens.count)
    }

    @Test func `each of the bits counts`() {
        let texts = (0..<64).map { LeaseTerms.text(1 << UInt64($0)) } + [LeaseTerms.text(0), LeaseTerms.text(.max)]
        #expect(Set(texts).count == 66)
        #expect(texts.allSatisfy { $0.utf8.count == 11 })
        #expect(texts.suffix(2) == ["AAAAAAAAAAA", "P__________"])
    }
}
