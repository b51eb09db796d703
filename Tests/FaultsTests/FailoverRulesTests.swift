import DMSModel
import FaultLedger
import Testing

/// What a failover lets a history off, and what it does not.
@Suite struct FailoverRulesTests {
    /// A task that comes back to the head of its queue, is seen there, and is overtaken by a fresh one all the same.
    private static func overtaken(behindTheLook: (inout Story) -> Void) -> Story {
        var story = Story()
        story.enqueue("a")
        story.enqueue("b")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 2_000_000)], lease: 2000, at: 1)
        look(&story)
        behindTheLook(&story)
        story.next("s2", [story.seen("b", attempt: 1, by: "s2", token: "T2", end: 9_000_000)], lease: 2000)
        story.next("s3", [story.seen("a", attempt: 2, by: "s3", token: "T3", end: 9_000_000)], lease: 2000)
        story.trails = ["a": Trail(dispatched: 2, requeued: 1), "b": Trail(dispatched: 1)]
        return story
    }

    private static func look(_ story: inout Story) {
        story.call(.get(task: "a"), .done(.task(story.seen("a", status: .queued, attempt: 1, by: "s1"))))
    }

    @Test func `what was seen right before a failover may vanish, unless a write behind it was confirmed`() {
        let later: [(isViolation: Bool, (inout Story) -> Void)] = [
            (true, { _ in }),
            (false, { $0.failover() }),
            (
                false,
                { story in
                    story.enqueue("c", .unknown("OUTCOME_UNKNOWN"))
                    story.failover()
                }
            ),
            (
                false,
                { story in
                    story.next("s9", [], lease: 2000)
                    story.failover()
                }
            ),
            (
                true,
                { story in
                    story.enqueue("c")
                    story.failover()
                }
            ),
            (
                true,
                { story in
                    story.enqueue("c")
                    story.failover()
                    story.failover()
                }
            ),
        ]
        for (place, (isViolation, tell)) in later.enumerated() {
            let story = Self.overtaken(behindTheLook: tell)
            #expect(story.rules().contains(.order) == isViolation, "the \(place)th")
        }
    }

    @Test func `what is seen while a replica takes over may vanish, and what is seen behind it does not`() {
        for isMeanwhile in [true, false] {
            var story = Story()
            story.enqueue("a")
            story.enqueue("b")
            story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 2_000_000)], lease: 2000, at: 1)
            story.failover { if isMeanwhile { Self.look(&$0) } }
            if !isMeanwhile { Self.look(&story) }
            story.next("s2", [story.seen("b", attempt: 1, by: "s2", token: "T2", end: 9_000_000)], lease: 2000)
            story.next("s3", [story.seen("a", attempt: 2, by: "s3", token: "T3", end: 9_000_000)], lease: 2000)
            story.trails = ["a": Trail(dispatched: 2, requeued: 1), "b": Trail(dispatched: 1)]
            #expect(story.rules().contains(.order) == !isMeanwhile)
        }
    }

    @Test func `a failover excuses nothing that was answered`() {
        var gone = Story.ofOneTask()
        gone.failover()
        gone.snapshot = StoreSnapshot()
        #expect(gone.rules().contains(.acknowledged))

        var undone = Story.ofOneTask()
        undone.failover()
        undone.next("s9", [undone.seen("a", attempt: 2, by: "s9", token: "T9", end: 90_000_000)], lease: 2000)
        #expect(undone.rules().contains(.finality))

        var twice = Story()
        twice.enqueue("a")
        twice.next(
            "s1", [twice.seen("a", attempt: 1, by: "s1", token: "T1", end: 12_500_000)], lease: 2000, at: 8_000_000)
        twice.failover()
        twice.next(
            "s2", [twice.seen("a", attempt: 1, by: "s2", token: "T2", end: 12_600_000)], lease: 2000, at: 8_100_000)
        #expect(twice.rules().contains(.oneHolder))

        var lost = Story()
        lost.enqueue("a")
        lost.next(
            "s1", [lost.seen("a", attempt: 1, by: "s1", token: "T1", end: 3_000_000)], lease: 2000, at: 1_000_000)
        lost.failover()
        lost.ack("a", "T1", .refused(.leaseLost), at: 2_000_000)
        #expect(lost.rules().contains(.leaseLost))

        var other = Story()
        other.enqueue("a")
        other.enqueue("b")
        other.next("s1", [other.seen("a", attempt: 1, by: "s1", token: "T1", end: 9_000_000)], lease: 2000)
        other.failover()
        other.next("s1", [other.seen("b", attempt: 1, by: "s1", token: "T2", end: 9_000_000)], lease: 2000)
        #expect(other.rules().contains(.replay))
    }

    @Test func `a counter and a list that lack what was answered are violations behind a failover, too`() {
        var counted = Story.ofOneTask()
        counted.failover()
        counted.call(.statistics, .done(.counters(Counters(queued: 0, dispatched: 1, canceled: 0))))
        #expect(counted.rules() == [.counters])

        var listed = Story.ofOneTask()
        listed.failover()
        listed.call(.list(user: "ada"), .done(.ids([])))
        #expect(listed.rules() == [.lists])
    }

    @Test func `a read may show what was not answered, and that may vanish`() {
        var story = Story()
        story.enqueue("a", .unknown("OUTCOME_UNKNOWN"))
        story.call(.get(task: "a"), .done(.task(story.seen("a", status: .queued, attempt: 0))))
        story.call(.list(user: "ada"), .done(.ids(["a"])))
        story.call(.statistics, .done(.counters(Counters(queued: 1, dispatched: 0, canceled: 0))))
        story.failover()
        #expect(story.violations().isEmpty)
    }

    @Test func `a task that was said to exist is there in the end`() {
        var story = Story()
        story.enqueue("a", .unknown("OUTCOME_UNKNOWN"))
        story.enqueue("a", .refused(.taskExists))
        story.failover()
        #expect(story.rules() == [.acknowledged])
        story.cancel("a")
        story.keep("a", .canceled)
        #expect(story.violations().isEmpty)
    }

    @Test func `returns are counted only where every write was seen`() {
        for isComplete in [true, false] {
            var story = Story.ofOneTask()
            story.trails["a"] = Trail(dispatched: 2, requeued: 1)
            story.snapshot.counters.requeued = 2
            story.areTrailsComplete = isComplete
            #expect(story.rules() == (isComplete ? [.counters] : []))
        }
    }
}
