import Scheduler
import Testing

@Suite struct KeyPrefixTests {
    @Test(
        arguments: [
            ("dms", nil), ("{dms}", nil), ("task", nil), ("answer:x", nil), ("a:tasks", nil), ("a:mytask:b", nil),
            ("a:queue", nil),
            ("a:", nil), ("dms:task", "dms"), ("dms:task:", "dms"), ("dms:task:x:y", "dms"), ("{a:b}:task", "{a:b}"),
            ("dms:answer:3:abc", "dms"), ("a:task:b:task", "a"), ("task:task", "task"),
        ] as [(String, String?)])
    func `a prefix whose keys could be another's tasks or answers is known`(_ prefix: String, _ other: String?) {
        #expect(SchedulerConfiguration.keyPrefix(inConflictWith: prefix) == other)
    }
}
