import Testing

@testable import DMSClient

@Suite struct StreamTableTests {
    @Test func `ids are odd, grow, and end at the limit`() {
        var table = StreamTable<String>(idMax: 6)
        #expect(table.reserveID() == 1)
        #expect(table.reserveID() == 3)
        #expect(table.reserveID() == 5)
        #expect(table.reserveID() == nil)
        #expect(table.reserveID() == nil)
    }

    @Test func `an answer finds its call once`() {
        var table = StreamTable<String>()
        table.open("a", id: 1)
        table.open("b", id: 3)
        guard case .call("b") = table.take(3) else { return #expect(Bool(false), "the call was not found") }
        guard case .unknown = table.take(3) else { return #expect(Bool(false), "the call was found twice") }
        guard case .unknown = table.take(5) else { return #expect(Bool(false), "a call was found that never was") }
        #expect(!table.isIdle)
    }

    @Test func `a call that was given up is known until its answer comes`() {
        var table = StreamTable<String>()
        table.open("a", id: 1)
        table.abandon(1)
        #expect(table.isIdle)
        #expect(table.abandonedCount == 1)
        guard case .abandoned = table.take(1) else { return #expect(Bool(false), "it was forgotten") }
        #expect(table.abandonedCount == 0)
        guard case .unknown = table.take(1) else { return #expect(Bool(false), "it was answered twice") }
    }

    @Test func `what is left comes out in the order in which it went in, without what was given up`() {
        var table = StreamTable<String>()
        for (index, name) in ["a", "b", "c", "d"].enumerated() { table.open(name, id: UInt32(2 * index + 1)) }
        table.abandon(5)
        #expect(table.takeAll() == ["a", "b", "d"])
        #expect(table.isIdle)
        #expect(table.takeAll() == [])
    }
}
