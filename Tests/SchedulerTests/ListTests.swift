import DMSModel
import NIOCore
import Scheduler
import TestSupport
import Testing

@Suite struct ListTests {
    @Test func `a list goes from the oldest task to the newest, or the other way`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            #expect(try await harness.pages(TaskQuery()) == [[]])
            for id in ["c", "a", "b"] { try await harness.enqueue(id) }
            #expect(try await harness.pages(TaskQuery()) == [["c", "a", "b"]])
            #expect(try await harness.pages(TaskQuery(newestFirst: true)) == [["b", "a", "c"]])
            #expect(try await harness.pages(TaskQuery(pageSize: 2)) == [["c", "a"], ["b"]])
            #expect(try await harness.pages(TaskQuery(pageSize: 2, newestFirst: true)) == [["b", "a"], ["c"]])
            #expect(try await harness.pages(TaskQuery(pageSize: 3)) == [["c", "a", "b"]])
            let task = try #require(try await harness.page(TaskQuery(pageSize: 1)).tasks.first)
            let record = try await harness.get("c").record
            #expect(task == record)
        }
    }

    @Test func `a page has 100 tasks unless another size is given, and never more than 1,000`() async throws {
        try await Harness.with(prepare: { try await Foreign.fill($0, count: 2100, perSecond: 1) }) { harness in
            try await harness.built()
            for (size, counts) in [
                (UInt32(0), [100, 100]), (100, [100, 100]), (1000, [1000, 1000]), (1001, [1000, 1000]),
                (.max, [1000, 1000]),
            ] {
                let pages = try await harness.pages(TaskQuery(pageSize: size))
                #expect(pages.prefix(2).map(\.count) == counts)
            }
            #expect(try await harness.pages(TaskQuery(pageSize: .max)).map(\.count) == [1000, 1000, 100])
        }
    }

    @Test func `filters hold together, and names are compared byte for byte`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            try await harness.enqueue("low", service: "copy", user: "ada")
            try await harness.enqueue("mid", .mid, service: "copy", user: "eve \"x\" \\")
            try await harness.enqueue("high", .high, service: "caf\u{E9}", user: "ada")
            try await harness.enqueue("other", .low, parameters: #"{"service":"scan"}"#, service: "cafe\u{301}")
            _ = try await harness.cancel("low")
            _ = try await harness.next()
            for (query, ids) in [
                (TaskQuery(statuses: [.canceled]), ["low"]),
                (TaskQuery(statuses: [.dispatched, .queued]), ["mid", "high", "other"]),
                (TaskQuery(statuses: [.failed, .completed]), []),
                (TaskQuery(priorities: [.mid, .high]), ["mid", "high"]),
                (TaskQuery(service: "copy"), ["low", "mid"]), (TaskQuery(service: "caf\u{E9}"), ["high"]),
                (TaskQuery(service: "cafe\u{301}"), ["other"]), (TaskQuery(service: "scan"), []),
                (TaskQuery(service: "cop"), []), (TaskQuery(userID: "eve \"x\" \\"), ["mid"]),
                (TaskQuery(service: "copy", userID: "ada"), ["low"]),
                (TaskQuery(statuses: [.queued], priorities: [.low], userID: "ada"), ["other"]),
                (TaskQuery(statuses: [.queued], priorities: [.mid], userID: "ada"), []),
            ] {
                #expect(try await harness.listed(query) == ids, "\(query)")
            }
            let long = String(repeating: "x", count: 257)
            #expect(try await harness.badFields(TaskQuery(service: long, userID: "a\n")) == ["service", "user_id"])
            #expect(try await harness.badFields(TaskQuery(service: String(long.dropLast()))) == [])
        }
    }

    @Test func `a rare filter is looked for page by page, 1,000 tasks each`() async throws {
        try await Harness.with(prepare: { try await Foreign.fill($0, count: 2500, perSecond: 7) }) { harness in
            try await harness.built()
            try await harness.enqueue("rare")
            let queued = TaskQuery(statuses: [.queued, .dispatched])
            #expect(try await harness.pages(queued) == [[], [], ["rare"]])
            #expect(
                try await harness.pages(TaskQuery(statuses: [.queued, .failed], newestFirst: true)) == [
                    ["rare"], [], [],
                ])
        }
    }

    @Test func `queued tasks are on the first page, however many finished ones are older`() async throws {
        try await Harness.with(prepare: { try await Foreign.fill($0, count: 30_000, perSecond: 300) }) { harness in
            try await harness.built()
            var ids: [String] = []
            for number in 0..<30 {
                let priority = Priority.allCases[number % 3]
                try await harness.enqueue("q\(number)", priority)
                ids.append("q\(number)")
            }
            // Moved tasks stand elsewhere in the queues, and where they were in the order.
            _ = try await harness.setPriority("q4", .high)
            #expect(try await harness.pages(TaskQuery(statuses: [.queued])) == [ids])
            #expect(try await harness.pages(TaskQuery(pageSize: 10, statuses: [.queued])).flatMap(\.self) == ids)
            let low = try await harness.pages(TaskQuery(statuses: [.queued], priorities: [.low])).flatMap(\.self)
            #expect(low == ids.enumerated().filter { $0.offset % 3 == 0 }.map(\.element))
            let newest = try await harness.listed(TaskQuery(statuses: [.queued], newestFirst: true))
            #expect(newest == ids.reversed())
            // What something else wrote to the queues shows too.
            try await harness.redis.call("RPOPLPUSH", "dms:queue:low", "dms:queue:low")
            try await harness.redis.call("DEL", "dms:positions:high")
            #expect(try await harness.pages(TaskQuery(statuses: [.queued])) == [ids])
            #expect(try await harness.pages(TaskQuery(statuses: [.queued], userID: "bob")).allSatisfy(\.isEmpty))
        }
    }

    @Test func `records of 1 MiB share pages as far as they fit a frame`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            let large = #"{"x":"\#(String(repeating: "x", count: Limits.parametersBytesMax - 8))"}"#
            for number in 0..<8 { try await harness.enqueue("large-\(number)", parameters: large) }
            for newestFirst in [false, true] {
                let pages = try await harness.pages(TaskQuery(newestFirst: newestFirst))
                #expect(pages.map(\.count) == [3, 3, 2])
                let ids = (0..<8).map { "large-\($0)" }
                #expect(pages.flatMap(\.self) == (newestFirst ? ids.reversed() : ids))
            }
            // What does not match is read all the same.
            #expect(try await harness.pages(TaskQuery(statuses: [.failed])) == [[], [], []])
            // A record that no frame can carry holds nobody up.
            let larger = String(repeating: "x", count: Limits.frameDataBytesMax)
            try await Foreign.add(
                "larger", at: "2001-01-01T00:00:00", parameters: #"{"x":"\#(larger)"}"#, to: harness.redis)
            try await eventually {
                _ = try await harness.listed()
                return try await harness.text("ZSCORE", "dms:enqueued", "larger") != nil
            }
            #expect(try await harness.listed().count == 8)
        }
    }

    @Test func `a token that is not ours, or is another query's, is refused`() async throws {
        try await Harness.with { harness in
            try await harness.built()
            for id in ["a", "b", "c"] { try await harness.enqueue(id) }
            let query = TaskQuery(pageSize: 1, statuses: [.queued, .failed], service: "copy")
            let token = try await harness.page(query).nextPageToken
            #expect(!token.isEmpty)
            func fields(_ token: String, _ change: (inout TaskQuery) -> Void = { _ in }) async throws -> [String] {
                var query = query
                query.pageToken = token
                change(&query)
                return try await harness.badFields(query)
            }
            #expect(try await fields(token) == [])
            #expect(try await fields(token) { $0.pageSize = 7 } == [])
            #expect(try await fields(token) { $0.statuses = [.failed, .queued, .failed] } == [])
            #expect(try await fields(token) { $0.statuses = [.queued] } == ["page_token"])
            #expect(try await fields(token) { $0.priorities = [.low] } == ["page_token"])
            #expect(try await fields(token) { $0.service = "" } == ["page_token"])
            #expect(try await fields(token) { $0.userID = "ada" } == ["page_token"])
            #expect(try await fields(token) { $0.newestFirst = true } == ["page_token"])
            for bad in [
                "x", "1", token + "A", String(token.dropLast()), token + "=", " " + token, String(token.reversed()),
                "é",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", String(repeating: "A", count: 2 << 20),
            ] {
                #expect(try await fields(bad) == ["page_token"])
            }
            for index in token.indices {
                var other = token
                other.replaceSubrange(index...index, with: token[index] == "A" ? "B" : "A")
                #expect(try await fields(other) == ["page_token"])
            }
        }
    }
}

@Suite struct ListTieTests {
    @Test func `tasks of one moment are walked by the bytes of their ids`() async throws {
        let ids = [
            "a", "Z", "z", "\u{E9}", "e\u{301}", "\u{1F600}", "ab", "aB", "a b", "\u{FF5E}", "~", "0", "10", "9",
        ]
        let sorted = ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        try await Harness.with(prepare: { for id in ids { try await Foreign.add(id, to: $0) } }) { harness in
            try await harness.built()
            for size in [UInt32(1), 2, 5, 100] {
                let oldestFirst = try await harness.listed(TaskQuery(pageSize: size))
                #expect(oldestFirst == sorted)
                let newestFirst = try await harness.listed(TaskQuery(pageSize: size, newestFirst: true))
                #expect(newestFirst == sorted.reversed())
            }
        }
    }

    @Test(arguments: [false, true])
    func `a page goes on where its token says, also when that task is gone`(newestFirst: Bool) async throws {
        let ids = ["a", "Z", "z", "\u{E9}", "\u{1F600}", "ab", "a b", "\u{FF5E}", "~", "0", "10", "9"]
        let sorted = ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let order = newestFirst ? sorted.reversed() : sorted
        try await Harness.with(prepare: { for id in ids { try await Foreign.add(id, to: $0) } }) { harness in
            try await harness.built()
            // Tasks of other moments stand on both sides.
            try await Foreign.add("before", at: "2025-11-23T10:11:11", to: harness.redis)
            try await Foreign.add("after", at: "2025-11-23T10:11:13", to: harness.redis)
            try await eventually { try await harness.listed().count == ids.count + 2 }
            var seen: [String] = []
            var query = TaskQuery(pageSize: 1, newestFirst: newestFirst)
            repeat {
                let page = try await harness.page(query)
                for id in page.tasks.map(\.taskID.text) {
                    seen.append(id)
                    try await harness.redis.call("ZREM", "dms:enqueued", id)
                    try await harness.redis.call("SREM", "dms:task:index", id)
                }
                query.pageToken = page.nextPageToken
            } while !query.pageToken.isEmpty
            let ends = newestFirst ? ["after", "before"] : ["before", "after"]
            #expect(seen == [ends[0]] + order + [ends[1]])
        }
    }

    @Test func `30,000 tasks of one second are each listed once`() async throws {
        let count = 30_000
        try await Harness.with(prepare: { try await Foreign.fill($0, count: count, perSecond: count) }) { harness in
            try await harness.built()
            for newestFirst in [false, true] {
                let ids = try await harness.listed(TaskQuery(pageSize: 1000, newestFirst: newestFirst))
                #expect(ids.count == count)
                #expect(Set(ids).count == count)
            }
        }
    }
}

@Suite struct ListRaceTests {
    @Test func `what is there from the first page to the last is listed exactly once, whatever comes and goes`()
        async throws
    {
        try await Harness.with { harness in
            try await harness.built()
            let there = (0..<300).map { "there-\($0)" }
            for id in there { try await harness.enqueue(id) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<6 {
                    group.addTask {
                        for number in 0..<150 {
                            let id = "new-\(client)-\(number)"
                            try await harness.enqueue(id, Priority.allCases[number % 3])
                            if number % 2 == 0 { _ = try await harness.cancel(id) }
                            if number % 5 == 0 { _ = try await harness.cancel(there[client * 50 + number / 5]) }
                            if number % 7 == 0 { _ = try await harness.next() }
                        }
                    }
                }
                for newestFirst in [false, true] {
                    group.addTask {
                        for _ in 0..<5 {
                            let ids = try await harness.listed(TaskQuery(pageSize: 7, newestFirst: newestFirst))
                            #expect(Set(ids).count == ids.count)
                            #expect(ids.filter { $0.hasPrefix("there-") }.count == there.count)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await harness.listed().count == 300 + 6 * 150)
        }
    }
}
