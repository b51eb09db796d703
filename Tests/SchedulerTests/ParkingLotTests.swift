import DMSModel
import NIOConcurrencyHelpers
import Testing

@testable import Scheduler

@Suite struct ParkingLotTests {
    /// Parks a call that notes how it ended.
    private func park(_ lot: ParkingLot, _ ended: @escaping @Sendable (ParkedCall.Ending) -> Void = { _ in }) throws
        -> UInt64
    {
        let id = lot.makeID()
        let caller = HandOutScript.Caller(wanted: 1, lease: nil, submitterID: "", kept: nil)
        _ = try lot.park(ParkedCall(id: id, caller: caller, end: ended), since: lot.wakes)
        return id
    }

    @Test func `as many calls wait as may, one more is refused, and has a place when another has gone`() throws {
        let lot = ParkingLot(callsMax: 3)
        let ids = [try park(lot), try park(lot), try park(lot)]
        let error = #expect(throws: SchedulerError.self) { _ = try park(lot) }
        #expect(error?.reason == .limitWaiters)
        #expect(error?.retryAfter != nil)
        #expect(lot.count == 3)
        // Who is being served keeps a place: there may be nothing for it.
        let served = lot.take(tasks: 1)
        #expect(served.map(\.id) == [ids[0]])
        #expect(throws: SchedulerError.self) { _ = try park(lot) }
        #expect(lot.parkAgain(served) == 0)
        #expect(lot.take(tasks: 1).map(\.id) == [ids[0]])
        lot.leave(served)
        _ = try park(lot)
        #expect(lot.count == 3)
    }

    @Test func `a server has places for 100,000 calls that wait`() throws {
        let lot = ParkingLot()
        for _ in 0..<100_000 { _ = try park(lot) }
        #expect(throws: SchedulerError.self) { _ = try park(lot) }
    }

    @Test func `a lot that is closed tells all who wait, and takes nobody`() throws {
        let lot = ParkingLot()
        let told = NIOLockedValueBox(0)
        for _ in 0..<3 {
            _ = try park(lot) { ending in
                if case .failed(let error) = ending, error.reason == .draining { told.withLockedValue { $0 += 1 } }
            }
        }
        lot.close()
        #expect(told.withLockedValue { $0 } == 3)
        #expect(lot.isEmpty)
        let error = #expect(throws: SchedulerError.self) { _ = try park(lot) }
        #expect(error?.reason == .draining)
    }
}
