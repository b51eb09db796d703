import FaultLedger
import Synchronization
import TestSupport

/// What clients and faults share: the record, the doors, and what time of the run it is.
final class Stage: Sendable {
    /// Tasks that wait in a phase in which there is little, and in one in which there is much.
    private static let backlogs = (little: 4, much: 450)
    private static let phaseSeconds = 7.0
    /// Of every so many seconds the last few are without faults, so that what needs peace to be seen is seen.
    private static let peace = (everySeconds: 12.0, forSeconds: 2.5)

    let plan: RunPlan
    let recorder: Recorder
    let doors: [DoorPorts]
    private let backlog = Atomic(0)
    private let isHealed = Atomic(false)

    init(plan: RunPlan, recorder: Recorder, doors: [DoorPorts]) {
        self.plan = plan
        self.recorder = recorder
        self.doors = doors
    }

    /// Where the doors of one scheduler are, each behind a proxy.
    struct DoorPorts: Sendable {
        var binary: Int
        var rest: Int
    }

    var seconds: Double { recorder.clock.seconds }

    /// Whether the time of load and faults is over.
    var isOver: Bool { seconds >= plan.seconds }

    /// Whether faults may be made now.
    var isRough: Bool {
        !isOver && !isHealed.load(ordering: .relaxed)
            && seconds.truncatingRemainder(dividingBy: Stage.peace.everySeconds)
                < Stage.peace.everySeconds - Stage.peace.forSeconds
    }

    /// Whether more tasks are wanted than there are.
    var wantsTasks: Bool {
        let isLittle = Int(seconds / Stage.phaseSeconds).isMultiple(of: 2)
        return backlog.load(ordering: .relaxed) < (isLittle ? Stage.backlogs.little : Stage.backlogs.much)
    }

    func tasksCame(_ count: Int) { backlog.wrappingAdd(count, ordering: .relaxed) }

    func tasksAre(_ count: Int) { backlog.store(count, ordering: .relaxed) }

    /// No more faults from now on.
    func heal() { isHealed.store(true, ordering: .relaxed) }

    /// A generator of its own for everybody.
    func random(for name: Int) -> SplitMix {
        SplitMix(state: plan.seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(bitPattern: Int64(name)) &* 0xBF58_476D_1CE4_E5B9)
    }
}

extension SplitMix {
    /// True so many times out of a hundred.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// A number of a range of many sizes, small ones as often as large ones.
    mutating func magnitude(_ range: ClosedRange<Int>) -> Int {
        let top = Int.random(in: 0...(range.upperBound.bitWidth - range.upperBound.leadingZeroBitCount), using: &self)
        return min(max(range.lowerBound, Int.random(in: 0...(1 << top), using: &self)), range.upperBound)
    }
}
