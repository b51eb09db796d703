import DMSModel
import NIOCore
import Testing

/// What the REST door and the command lines show, byte for byte.
@Suite struct JSONWritableTests {
    static func written(_ value: some JSONWritable) -> String {
        var buffer = ByteBuffer()
        value.writeJSON(into: &buffer)
        return String(buffer: buffer)
    }

    static let overview = QueueOverview(high: 1, mid: 2, low: .max - 3)
    static let overviewText = #"{"total":18446744073709551615,"high":1,"mid":2,"low":18446744073709551612}"#

    @Test func `an overview says the sum and each queue`() {
        #expect(JSONWritableTests.written(JSONWritableTests.overview) == JSONWritableTests.overviewText)
    }

    @Test func `a page holds its records, and the cursor or null`() {
        let record = TaskRecordJSONTests.record
        #expect(JSONWritableTests.written(TaskPage(tasks: [])) == #"{"tasks":[],"next_cursor":null}"#)
        #expect(
            JSONWritableTests.written(TaskPage(tasks: [record, record], nextPageToken: "a-_\""))
                == #"{"tasks":[\#(TaskRecordJSONTests.golden),\#(TaskRecordJSONTests.golden)],"next_cursor":"a-_\""}"#)
    }

    @Test func `a summary holds the record, its position or null, and the overview`() {
        var summary = TaskSummary(
            record: TaskRecordJSONTests.record,
            queuePosition: QueuePosition(priority: .mid, positionInPriority: 2, globalPosition: 3),
            overview: JSONWritableTests.overview)
        let head = #"{"record":"# + TaskRecordJSONTests.golden
        let tail = #","overview":"# + JSONWritableTests.overviewText + "}"
        let position = #"{"priority":"mid","position_in_priority":2,"global_position":3}"#
        #expect(JSONWritableTests.written(summary) == head + #","queue_position":"# + position + tail)
        summary.queuePosition = nil
        #expect(JSONWritableTests.written(summary) == head + #","queue_position":null"# + tail)
    }

    @Test func `statistics hold the documented counters, and null where nothing ever happened`() {
        var statistics = Statistics(
            queued: 1, dispatched: 2, canceled: 3, lastUpdated: Timestamp(microseconds: 0),
            overview: JSONWritableTests.overview, completed: 4)
        let tail = #","queue_overview":"# + JSONWritableTests.overviewText + "}"
        let head = #"{"queued":1,"dispatched":2,"canceled":3,"last_updated":"#
        #expect(JSONWritableTests.written(statistics) == head + #""1970-01-01T00:00:00.000000Z""# + tail)
        statistics.lastUpdated = nil
        #expect(JSONWritableTests.written(statistics) == head + "null" + tail)
    }

    @Test func `a block says its reason escaped, or null, and no time where it was never set`() {
        let never = BlockState(blocked: false, reason: nil, updatedAt: nil)
        #expect(JSONWritableTests.written(never) == #"{"blocked":false,"reason":null}"#)
        let set = BlockState(blocked: true, reason: "a \"b\"\n", updatedAt: Timestamp(microseconds: 1))
        let expected = #"{"blocked":true,"reason":"a \"b\"\n","updated_at":"1970-01-01T00:00:00.000001Z"}"#
        #expect(JSONWritableTests.written(set) == expected)
    }
}
