import DMSModel
import Testing

/// Ids as Redis sees them, and the order of priorities.
@Suite struct TaskIDTests {
    @Test func `ids are equal byte for byte, not as Unicode sees them`() {
        let (composed, decomposed) = ("\u{E9}", "e\u{301}")
        #expect(composed == decomposed)
        #expect(TaskID(composed) != TaskID(decomposed))
        #expect(TaskID(composed) == TaskID(composed))
        #expect(TaskID("\u{212B}") != TaskID("\u{C5}"))
        #expect(TaskID("a") != TaskID("A"))
        #expect(TaskID("a") != TaskID("ab"))
        #expect(TaskID("") == TaskID(""))
    }

    @Test func `a set and a dictionary keep two spellings of one character apart`() {
        let ids = [TaskID("\u{E9}"), TaskID("e\u{301}"), TaskID("\u{E9}")]
        #expect(Set(ids).count == 2)
        let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts[TaskID("\u{E9}")] == 2)
        #expect(counts[TaskID("e\u{301}")] == 1)
    }

    @Test func `an id keeps its text`() {
        for text in ["a", "e\u{301}", "\u{0}", "😀"] {
            #expect(Array(TaskID(text).text.utf8) == Array(text.utf8))
            #expect(Array(TaskID(text).description.utf8) == Array(text.utf8))
        }
    }

    @Test func `priorities are ordered from low to high, and handed out from high to low`() {
        #expect(Priority.low < .mid)
        #expect(Priority.mid < .high)
        #expect(Priority.allCases.sorted() == [.low, .mid, .high])
        #expect(Priority.handOutOrder == [.high, .mid, .low])
        #expect(Priority.allCases.map(\.rawValue) == ["low", "mid", "high"])
        let statuses = ["queued", "dispatched", "canceled", "completed", "failed"]
        #expect(TaskStatus.allCases.map(\.rawValue) == statuses)
    }
}
