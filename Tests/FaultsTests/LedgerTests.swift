import DMSModel
import FaultLedger
import Testing

@Suite struct LedgerTests {
    @Test func `a history of one task that goes well breaks nothing`() {
        #expect(Story.ofOneTask().violations().isEmpty)
    }

    @Test func `an acknowledged task that is gone is a violation`() {
        var story = Story.ofOneTask()
        story.snapshot = StoreSnapshot()
        #expect(story.rules().contains(.acknowledged))
    }

    @Test func `a task that is still queued in the end is a violation`() {
        var story = Story()
        story.enqueue("a")
        story.keep("a", .queued)
        #expect(story.rules() == [.acknowledged])
    }

    @Test func `a submission that failed for sure must not be there`() {
        var story = Story()
        story.enqueue("a", .notDone("STORE_UNAVAILABLE"))
        story.cancel("a")
        story.keep("a", .canceled)
        #expect(story.rules().contains(.notDone))
    }

    @Test func `a submission of unknown outcome may be there and may not`() {
        var story = Story()
        story.enqueue("a", .unknown("connection lost"))
        #expect(story.violations().isEmpty)
        story.cancel("a")
        story.keep("a", .canceled)
        #expect(story.violations().isEmpty)
    }

    @Test func `an end that nobody asked for is a violation`() {
        var story = Story()
        story.enqueue("a")
        story.keep("a", .canceled)
        #expect(story.rules() == [.notDone])
        story.keep("a", .completed, text: "x")
        #expect(story.rules() == [.notDone])
    }

    @Test func `a task that ended otherwise than was answered is a violation`() {
        var story = Story.ofOneTask()
        story.keep("a", .failed, attempt: 1, text: "other")
        #expect(story.rules().contains(.finality))
    }

    @Test func `a hand-out after the end is a violation`() {
        var story = Story.ofOneTask()
        story.next("s9", [story.seen("a", attempt: 2, by: "s9", token: "T9", end: 90_000_000)], lease: 2000)
        #expect(story.rules().contains(.finality))
    }

    @Test func `two holders at once are a violation, and one after the other's end are not`() {
        for (end, isViolation) in [(Int64(12_500_000), true), (9_000_000, false)] {
            var story = Story()
            story.enqueue("a")
            story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: end)], lease: 2000, at: 8_000_000)
            story.next(
                "s2", [story.seen("a", attempt: 2, by: "s2", token: "T2", end: 12_000_000)], lease: 2000,
                at: 11_000_000)
            story.finish("a", "T2", "r")
            story.keep("a", .completed, attempt: 2, text: "r", token: "T2", by: "s2")
            #expect(story.rules().contains(.oneHolder) == isViolation)
        }
    }

    @Test func `an acknowledged task is nobody else's any more`() {
        var story = Story()
        story.enqueue("a")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 2_000_000)], lease: 2000, at: 1)
        story.ack("a", "T1", .done)
        story.next(
            "s2", [story.seen("a", attempt: 2, by: "s2", token: "T2", end: 9_000_000)], lease: 2000, at: 7_500_000)
        #expect(story.rules().contains(.oneHolder))
    }

    @Test func `a task without a lease is delivered once`() {
        var story = Story()
        story.enqueue("a")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1")], lease: 0)
        story.next("s2", [story.seen("a", attempt: 2, by: "s2")], lease: 0)
        #expect(story.rules().contains(.oneHolder))
    }

    @Test func `what was lost on the way without a lease may be stranded, and nothing else`() {
        let outcomes: [(Outcome, String, Bool)] = [
            (.unknown("connection lost"), "", false), (.notDone("STORE_UNAVAILABLE"), "", true),
            (.unknown("CANCELLED"), "", true), (.unknown("connection lost"), "T1", true),
        ]
        for (outcome, token, isViolation) in outcomes {
            var story = Story()
            story.enqueue("a")
            story.call(.next(Fetch(name: "s1", isRepeatable: false, tasksMax: 1, leaseMilliseconds: 0)), outcome)
            story.stranded = [story.seen("a", attempt: 1, by: "s1", token: token)]
            story.cancel("a")
            story.keep("a", .canceled, attempt: 1, by: "s1")
            #expect(story.rules().contains(.delivery) == isViolation, "\(outcome)")
        }
    }

    @Test func `what Redis did for a call that was given up is found again where its answer is kept, and only there`() {
        let cases: [(Bool, [Double], Bool)] = [(false, [3], false), (false, [300], true), (true, [3], true)]
        for (isRepeatable, outages, isViolation) in cases {
            var story = Story()
            story.enqueue("a")
            story.call(
                .next(Fetch(name: "s1", isRepeatable: isRepeatable, tasksMax: 1, leaseMilliseconds: 0)),
                .unknown("CANCELLED"))
            story.stranded = [story.seen("a", attempt: 1, by: "s1")]
            story.outages = outages
            story.cancel("a")
            story.keep("a", .canceled, attempt: 1, by: "s1")
            #expect(story.rules().contains(.delivery) == isViolation, "\(isRepeatable) \(outages)")
        }
    }

    @Test func `a server that died soon after it gave a call up need not have put its tasks back`() {
        var story = Story()
        story.enqueue("a")
        story.call(
            .next(Fetch(name: "s1", isRepeatable: false, tasksMax: 1, leaseMilliseconds: 0)), .unknown("CANCELLED"))
        story.stranded = [story.seen("a", attempt: 1, by: "s1")]
        story.lives = [History.Life(scheduler: 0, ended: 1)]
        story.cancel("a")
        story.keep("a", .canceled, attempt: 1, by: "s1")
        #expect(story.violations().isEmpty)
    }

    @Test func `a repetition that gets other tasks is a violation`() {
        var story = Story()
        story.enqueue("a")
        story.enqueue("b")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 9_000_000)], lease: 2000)
        story.next("s1", [story.seen("b", attempt: 1, by: "s1", token: "T2", end: 9_000_000)], lease: 2000)
        #expect(story.rules().contains(.replay))
    }

    @Test func `the token of an earlier holder, a forged one and one that is over do nothing`() {
        var story = Story()
        story.enqueue("a")
        story.next(
            "s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 3_000_000)], lease: 2000, at: 1_000_000)
        story.next(
            "s2", [story.seen("a", attempt: 2, by: "s2", token: "T2", end: 9_000_000)], lease: 2000, at: 8_000_000)
        story.ack("a", "T1", .done)
        #expect(story.rules().contains(.fencing))

        var forged = Story.ofOneTask()
        forged.ack("a", "F", .done)
        #expect(forged.rules().contains(.fencing))

        var late = Story()
        late.enqueue("a")
        late.next("s1", [late.seen("a", attempt: 1, by: "s1", token: "T1", end: 3_000_000)], lease: 2000, at: 1_000_000)
        late.ack("a", "T1", .done, at: 3_100_000)
        #expect(late.rules().contains(.fencing))
    }

    @Test func `LEASE_LOST needs a lease that is over`() {
        for (time, isViolation) in [(Int64(2_000_000), true), (3_100_000, false)] {
            var story = Story()
            story.enqueue("a")
            story.next(
                "s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 3_000_000)], lease: 2000, at: 1_000_000)
            story.ack("a", "T1", .refused(.leaseLost), at: time)
            #expect(story.rules().contains(.leaseLost) == isViolation)
        }
    }

    @Test func `first in is first out, but for what was undelivered on the way`() {
        for (trail, isViolation) in [(Trail(dispatched: 1), true), (Trail(dispatched: 2, undelivered: 1), false)] {
            var story = Story()
            story.enqueue("a")
            story.enqueue("b")
            for (task, name) in [("b", "s1"), ("a", "s2")] {
                story.next(name, [story.seen(task, attempt: 1, by: name, token: name, end: 9_000_000)], lease: 2000)
                story.finish(task, name, "r-\(task)")
                story.keep(task, .completed, attempt: 1, text: "r-\(task)", token: name, by: name)
            }
            story.trails = ["a": trail, "b": Trail(dispatched: 1)]
            #expect(story.rules() == (isViolation ? [.order] : []))
        }
    }

    @Test func `a higher priority is not overtaken`() {
        var story = Story()
        story.enqueue("a", priority: .high)
        story.enqueue("b")
        for (task, name, priority) in [("b", "s1", Priority.low), ("a", "s2", .high)] {
            story.next(
                name, [story.seen(task, priority, attempt: 1, by: name, token: name, end: 9_000_000)], lease: 2000)
        }
        story.trails = ["a": Trail(dispatched: 1), "b": Trail(dispatched: 1)]
        #expect(story.rules().contains(.order))
    }

    @Test func `who came back to the head is not overtaken by a fresh task`() {
        var story = Story()
        story.enqueue("a")
        story.enqueue("b")
        story.next("s1", [story.seen("a", attempt: 1, by: "s1", token: "T1", end: 2_000_000)], lease: 2000, at: 1)
        story.call(.get(task: "a"), .done(.task(story.seen("a", status: .queued, attempt: 1, by: "s1"))))
        story.next("s2", [story.seen("b", attempt: 1, by: "s2", token: "T2", end: 9_000_000)], lease: 2000)
        story.next("s3", [story.seen("a", attempt: 2, by: "s3", token: "T3", end: 9_000_000)], lease: 2000)
        story.trails = ["a": Trail(dispatched: 2, requeued: 1), "b": Trail(dispatched: 1)]
        #expect(story.rules().contains(.order))
    }

    @Test func `who came back is not overtaken by another that came back and belongs behind it`() {
        let cases = [
            ("a", "b", false, false), ("b", "a", true, false), ("a", "b", false, true), ("b", "a", true, true),
        ]
        for (first, second, isViolation, isReturn) in cases {
            var story = Story()
            story.enqueue("a")
            story.enqueue("b")
            for (task, token) in [("a", "T1"), ("b", "T2")] {
                story.next(token, [story.seen(task, attempt: 1, by: token, token: token, end: 2)], lease: 2000, at: 1)
            }
            for (task, token) in [("b", "T2"), ("a", "T1")] {
                let call: Question = isReturn ? .giveBack(Proof(task: task, token: token)) : .get(task: task)
                story.call(call, .done(.task(story.seen(task, status: .queued, attempt: 1, by: token))))
            }
            for (task, token) in [(first, "T3"), (second, "T4")] {
                story.next(token, [story.seen(task, attempt: 2, by: token, token: token, end: 9_000_000)], lease: 2000)
            }
            story.trails = ["a": Trail(dispatched: 2, requeued: 1), "b": Trail(dispatched: 2, requeued: 1)]
            #expect(story.rules().contains(.order) == isViolation)
        }
    }

    @Test func `an answer to somebody else's question is a violation`() {
        var story = Story()
        story.enqueue("a")
        story.next("s1", [story.seen("a", attempt: 1, by: "s2", token: "T", end: 9_000_000)], lease: 2000)
        #expect(story.rules().contains(.answers))

        var other = Story.ofOneTask()
        other.call(.get(task: "a"), .done(.task(other.seen("b", attempt: 1))))
        #expect(other.rules().contains(.answers))
    }

    @Test func `lists that lack a task or show it twice are violations`() {
        for ids in [[], ["a", "a"]] {
            var story = Story.ofOneTask()
            story.call(.list(user: "ada"), .done(.ids(ids)))
            #expect(story.rules() == [.lists])
        }
    }

    @Test func `a counter that is behind what was acknowledged is a violation`() {
        for (queued, isViolation) in [(0, true), (1, false), (2, true)] {
            var story = Story.ofOneTask()
            story.call(.statistics, .done(.counters(Counters(queued: queued, dispatched: 1, canceled: 0))))
            #expect(story.rules().contains(.counters) == isViolation)
        }
    }

    @Test func `a block that does not hold, and one that nobody set, are violations`() {
        var story = Story()
        story.call(.block(true), .done(.nothing))
        story.enqueue("a")
        #expect(story.rules().contains(.blocking))

        var other = Story()
        other.enqueue("a", .refused(.submissionsBlocked))
        #expect(other.rules() == [.blocking])
    }

    @Test func `keys that do not agree are violations`() {
        let good = Story.ofOneTask().snapshot
        #expect(good.problems().isEmpty)
        var list = good
        list.queues[.low] = ["a"]
        var positions = good
        positions.positions[.low] = ["a"]
        var index = good
        index.index = []
        var order = good
        order.enqueued = [:]
        var leases = good
        leases.leased = ["a"]
        var holders = good
        holders.records["a"]?.task.status = .dispatched
        var counters = good
        counters.counters.dispatched = 2
        var aside = good
        aside.setAside = ["a"]
        for broken in [list, positions, index, order, leases, holders, counters, aside] {
            #expect(!broken.problems().isEmpty)
        }
    }

    @Test func `an incident is a violation`() {
        var story = Story.ofOneTask()
        story.incidents = ["a scheduler ended by itself"]
        #expect(story.rules() == [.incident])
    }
}
