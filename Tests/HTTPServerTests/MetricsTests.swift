import DMSMetrics
import NIOCore
import TestSupport
import Testing

/// `GET /metrics`.
@Suite struct MetricsTests {
    @Test func `what is asked for is counted by route and status, whatever the path says`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("a")
            try await server.submit("b", priority: "high")
            #expect(try await server.post("/tasks", submission("a")).status == 409)
            for path in ["/tasks/a", "/tasks/nobody", "/tasks/x%22%0Ay"] { _ = try await server.get(path) }
            #expect(try await server.call("HEAD", "/tasks/a").status == 200)
            _ = try await server.get("/nowhere")
            _ = try await server.post("/metrics", "")
            let figures = try await server.figures()
            #expect(figures[#"dms_http_requests_total{method="POST",route="/tasks",status="201"}"#] == 2)
            #expect(figures[#"dms_http_requests_total{method="POST",route="/tasks",status="409"}"#] == 1)
            #expect(figures[#"dms_http_requests_total{method="GET",route="/tasks/{task_id}",status="200"}"#] == 2)
            #expect(figures[#"dms_http_requests_total{method="GET",route="/tasks/{task_id}",status="404"}"#] == 2)
            #expect(figures[#"dms_http_requests_total{method="other",route="other",status="404"}"#] == 1)
            #expect(figures[#"dms_http_requests_total{method="other",route="other",status="405"}"#] == 1)
            let again = try await server.figures()
            #expect(again[#"dms_http_requests_total{method="GET",route="/metrics",status="200"}"#] == 1)
        }
    }

    @Test func `times are counted but for those of calls that waited for a task`() async throws {
        try await withScheduler { server, _ in
            let labels = #"method="POST",route="/submitter/next""#
            #expect(try await server.next().status == 204)
            #expect(try await server.figures()["dms_http_request_duration_seconds_count{\(labels)}"] == 1)
            let waiting = try await server.connect()
            try await waiting.send(HTTPConnection.request("POST", "/submitter/next?wait_ms=60000"))
            try await eventually { try await server.figures()["dms_waiting_calls"] == 1 }
            try await server.submit("a")
            #expect(try await waiting.answer().status == 200)
            try await waiting.close()
            let figures = try await server.figures()
            #expect(figures["dms_http_requests_total{\(labels),status=\"200\"}"] == 1)
            #expect(figures["dms_http_request_duration_seconds_count{\(labels)}"] == 1)
            #expect(figures["dms_http_request_duration_seconds_bucket{\(labels),le=\"+Inf\"}"] == 1)
            #expect(try #require(figures["dms_http_request_duration_seconds_sum{\(labels)}"]) > 0)
        }
    }

    @Test func `the queues, the leases and what became of tasks are shown`() async throws {
        try await withScheduler { server, _ in
            for (id, priority) in [("h", "high"), ("m", "mid"), ("l1", "low"), ("l2", "low")] {
                try await server.submit(id, priority: priority)
            }
            #expect(try await server.post("/submitter/next?lease_ms=60000", "").status == 200)
            _ = try await server.post("/tasks/cancel", #"{"task_id":"l2","service":"s","user_id":"u"}"#)
            _ = try await server.post("/admin/block", #"{"blocked":true}"#, token: "sesame")
            let figures = try await server.figures()
            #expect(figures["dms_redis_up"] == 1)
            #expect(try #require(figures["dms_redis_round_trip_seconds"]) > 0)
            #expect(figures[#"dms_tasks_queued{priority="high"}"#] == 0)
            #expect(figures[#"dms_tasks_queued{priority="mid"}"#] == 1)
            #expect(figures[#"dms_tasks_queued{priority="low"}"#] == 1)
            #expect(figures["dms_tasks_leased"] == 1)
            #expect(figures["dms_tasks_set_aside"] == 0)
            let age = try #require(figures["dms_oldest_queued_task_age_seconds"])
            #expect(age > 0 && age < 600)
            #expect(figures["dms_submissions_blocked"] == 1)
            for (event, count) in [
                ("queued", 4), ("dispatched", 1), ("canceled", 1), ("completed", 0), ("failed", 0), ("requeued", 0),
            ] {
                #expect(figures["dms_task_events_total{event=\"\(event)\"}"] == Double(count))
            }
        }
    }

    @Test func `what Redis does with what it is given is shown`() async throws {
        try await withScheduler { server, redis in
            let figures = try await server.figures()
            #expect(figures[#"dms_redis_evicts{keys="all"}"#] == 0)
            #expect(figures[#"dms_redis_evicts{keys="expiring"}"#] == 0)
            #expect(figures[#"dms_redis_persistence{kind="aof"}"#] == 0)
            #expect(figures[#"dms_redis_persistence{kind="rdb"}"#] == 0)
            #expect(figures["dms_undelivered_tasks"] == 0)
            #expect(figures["dms_redis_reader_is_replica"] == nil)
            try await redis.call("CONFIG", "SET", "appendonly", "yes", "save", "3600 1")
            try await redis.evictTasks()
            try await eventually { try await server.figures()[#"dms_redis_evicts{keys="all"}"#] == 1 }
            let later = try await server.figures()
            #expect(later["dms_redis_up"] == 1)
            #expect(later[#"dms_redis_persistence{kind="aof"}"#] == 1)
            #expect(later[#"dms_redis_persistence{kind="rdb"}"#] == 1)
        }
    }

    @Test func `calls that wait, connections and wrong tokens are shown`() async throws {
        try await withScheduler { server, _ in
            let waiting = try await server.connect()
            try await waiting.send(HTTPConnection.request("POST", "/submitter/next?wait_ms=60000"))
            // The other connection is the one that asks for the figures.
            try await eventually {
                let figures = try await server.figures()
                return figures["dms_waiting_calls"] == 1 && figures[#"dms_connections{door="http"}"#] == 2
            }
            try await waiting.close()
            try await eventually { try await server.figures()["dms_waiting_calls"] == 0 }
            _ = try await server.post("/admin/block", #"{"blocked":true}"#, token: "wrong")
            let figures = try await server.figures()
            #expect(figures["dms_wrong_tokens_total"] == 1)
            let route = #"method="POST",route="/admin/block""#
            #expect(figures["dms_http_requests_total{\(route),status=\"403\"}"] == 1)
            // It was held back.
            #expect(figures["dms_http_request_duration_seconds_count{\(route)}"] == 0)
            #expect(figures[#"dms_connections_refused_total{door="http"}"#] == 0)
        }
    }

    @Test func `while Redis is away there is what is known without it`() async throws {
        try await withServer { server in
            let answer = try await server.get("/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            let figures = try MetricsText(answer.text)
            #expect(figures["dms_redis_up"] == 0)
            #expect(figures["dms_waiting_calls"] == 0)
            #expect(figures["dms_undelivered_tasks"] == 0)
            #expect(figures["dms_tasks_leased"] == nil)
            #expect(figures[#"dms_redis_evicts{keys="all"}"#] == nil)
        }
    }

    @Test func `a distribution counts upwards, bounds included`() throws {
        var durations = DurationHistogram()
        for duration in [TimeAmount.zero, .microseconds(100), .microseconds(101), .seconds(10), .seconds(11)] {
            durations.add(duration)
        }
        var twice = durations
        twice.add(durations)
        var page = MetricsPage()
        let metric = Metric("took_seconds", .histogram, "How long it took.")
        page.add(metric, twice, ["door": "a"])
        let figures = try MetricsText(String(buffer: page.text))
        #expect(figures.samples.count == DurationHistogram.bounds.count + 3)
        #expect(figures[#"took_seconds_bucket{door="a",le="0.0001"}"#] == 4)
        #expect(figures[#"took_seconds_bucket{door="a",le="0.00025"}"#] == 6)
        #expect(figures[#"took_seconds_bucket{door="a",le="5.0"}"#] == 6)
        #expect(figures[#"took_seconds_bucket{door="a",le="10.0"}"#] == 8)
        #expect(figures[#"took_seconds_bucket{door="a",le="+Inf"}"#] == 10)
        #expect(figures[#"took_seconds_count{door="a"}"#] == 10)
        #expect(figures[#"took_seconds_sum{door="a"}"#] == 42.000402)
    }

    @Test func `the samples of one name stand together, whoever adds them`() throws {
        var page = MetricsPage()
        let (open, other) = (Metric("open", .gauge, "Open."), Metric("other", .counter, "Other."))
        page.add(open, 1, ["door": "a"])
        page.add(other, 0.5)
        page.add(open, 2, ["door": "b"])
        #expect(
            String(buffer: page.text) == """
                # HELP open Open.
                # TYPE open gauge
                open{door="a"} 1
                open{door="b"} 2
                # HELP other Other.
                # TYPE other counter
                other 0.5

                """)
    }
}

extension ServerHarness {
    fileprivate func figures() async throws -> MetricsText {
        try MetricsText(try await get("/metrics").text)
    }
}
