import NIOCore
import TestSupport
import Testing

/// `/admin/priority`, `/admin/block` and `/admin/resume`.
@Suite struct AdminRouteTests {
    @Test func `a queued task moves to the tail of another queue`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("m", priority: "mid")
            try await server.submit("t")
            let moved = try await server.post("/admin/priority", #"{"task_id":"t","priority":"mid"}"#, token: "sesame")
            #expect(moved.status == 200)
            #expect(moved.timeless == record("t", priority: "mid"))
            #expect(
                try await server.get("/tasks/t").text.contains(
                    #""queue_position":{"priority":"mid","position_in_priority":2,"global_position":2}"#))
            let same = try await server.post("/admin/priority", #"{"task_id":"m","priority":"mid"}"#, token: "sesame")
            #expect(same.status == 200)
            #expect(same.timeless == record("m", priority: "mid"))
            #expect(try await server.get("/tasks/m").text.contains(#""position_in_priority":1,"#))
        }
    }

    @Test func `a change of priority is checked for its shape, the token, the task and its status, in this order`()
        async throws
    {
        try await withScheduler { server, _ in
            let unknown = #"{"task_id":"x","priority":"high"}"#
            #expect(try await server.post("/admin/priority", #"{"task_id":"x"}"#).status == 422)
            #expect(try await server.post("/admin/priority", unknown).status == 403)
            #expect(try await server.post("/admin/priority", unknown, token: "wrong").status == 403)
            let notFound = try await server.post("/admin/priority", unknown, token: "sesame")
            #expect(notFound.status == 404)
            #expect(notFound.text == #"{"detail":"There is no task 'x'"}"#)
            try await server.submit("x", priority: "high")
            #expect(try await server.next().status == 200)
            for priority in ["low", "high"] {
                let body = #"{"task_id":"x","priority":"\#(priority)"}"#
                let answer = try await server.post("/admin/priority", body, token: "sesame")
                #expect(answer.status == 400)
                #expect(answer.text == #"{"detail":"Only a queued task can change its priority"}"#)
            }
        }
    }

    @Test func `admins can block, resume and move tasks while Redis is full`() async throws {
        try await withScheduler { server, redis in
            try await server.submit("a")
            try await redis.call("CONFIG", "SET", "maxmemory", "1")
            #expect(try await server.post("/tasks", submission("b")).status == 507)
            let body = #"{"blocked":true,"reason":"flood"}"#
            #expect(try await server.post("/admin/block", body, token: "sesame").status == 200)
            #expect(try await server.post("/tasks", submission("b")).status == 503)
            let resumed = try await server.post("/admin/resume", "{}", token: "sesame")
            #expect(resumed.status == 200)
            #expect(resumed.text.contains(#""blocked":false,"reason":"flood""#))
            let move = #"{"task_id":"a","priority":"high"}"#
            #expect(try await server.post("/admin/priority", move, token: "sesame").status == 200)
        }
    }

    @Test func `the block closes submissions and nothing else, and resuming keeps its reason`() async throws {
        try await withScheduler { server, _ in
            let before = try await server.get("/admin/block", token: "sesame")
            #expect(before.status == 200)
            #expect(before.text == #"{"blocked":false,"reason":null}"#)
            try await server.submit("t")

            let blocked = try await server.post(
                "/admin/block", #"{"blocked":true,"reason":"Umzug \u00fc \"x\""}"#, token: "sesame")
            #expect(blocked.status == 200)
            #expect(blocked.timeless == #"{"blocked":true,"reason":"Umzug ü \"x\"","updated_at":"T"}"#)
            #expect(try await server.get("/admin/block", token: "sesame").text == blocked.text)
            #expect(try await server.post("/tasks", submission("u")).status == 503)
            #expect(try await server.next().status == 200)

            let resumed = try await server.call("POST", "/admin/resume", headers: [("X-DMS-Operator-Token", "sesame")])
            #expect(resumed.status == 200)
            #expect(resumed.timeless == #"{"blocked":false,"reason":"Umzug ü \"x\"","updated_at":"T"}"#)
            #expect(try await server.post("/tasks", submission("u")).status == 201)

            let reasoned = try await server.post("/admin/resume", #"{"reason":"done"}"#, token: "sesame")
            #expect(reasoned.timeless == #"{"blocked":false,"reason":"done","updated_at":"T"}"#)
            let kept = try await server.post("/admin/resume", #"{"reason":null}"#, token: "sesame")
            #expect(kept.timeless == reasoned.timeless)
            let cleared = try await server.post("/admin/block", #"{"blocked":false}"#, token: "sesame")
            #expect(cleared.timeless == #"{"blocked":false,"reason":null,"updated_at":"T"}"#)
        }
    }

    @Test(arguments: [
        ("POST", "/admin/block", #"{"blocked":true}"#), ("POST", "/admin/resume", "{}"), ("GET", "/admin/block", ""),
        ("POST", "/admin/priority", #"{"task_id":"t","priority":"low"}"#), ("HEAD", "/admin/block", ""),
    ])
    func `every admin route needs the token`(method: String, target: String, body: String) async throws {
        for configured in ["sesame", nil] {
            try await withScheduler(operatorToken: configured) { server, _ in
                let wrong = "The operator token in X-DMS-Operator-Token is wrong"
                for (token, detail) in [
                    (nil, "The operator token is needed, in X-DMS-Operator-Token"), ("wrong", wrong),
                    ("sesam", wrong), ("sesamesesame", wrong),
                ] {
                    let headers = token.map { [("X-DMS-Operator-Token", $0)] } ?? []
                    let answer = try await server.call(method, target, headers: headers, body: .init(string: body))
                    #expect(answer.status == 403)
                    if method == "HEAD" { continue }
                    let closed =
                        "No operator token is configured (DMS_OPERATOR_TOKEN), so this is closed to everybody"
                    let expected = configured == nil ? closed : detail
                    #expect(answer.text == #"{"detail":"\#(expected)"}"#)
                }
            }
        }
    }

    @Test func `a wrong token is answered later each time, and a right one at once`() async throws {
        try await withScheduler { server, _ in
            for _ in 0..<6 { #expect(try await server.get("/admin/block", token: "wrong").status == 403) }
            let slow = try await server.connect()
            try await slow.send(
                HTTPConnection.request("GET", "/admin/block", headers: [("X-DMS-Operator-Token", "wrong")]))
            let begun = ContinuousClock.now
            let right = try await server.get("/admin/block", token: "sesame")
            #expect(right.status == 200)
            let answer = try await slow.answer()
            #expect(answer.status == 403)
            #expect(begun.duration(to: .now) > .milliseconds(300))
            try await slow.close()
        }
    }

    @Test(arguments: ["/admin/block", "/admin/resume", "/admin/priority"])
    func `a body of the wrong shape is refused before the token is looked at`(target: String) async throws {
        try await withScheduler { server, _ in
            for body in ["[]", "{", #"{"reason":1,"task_id":1}"#] {
                let answer = try await server.post(target, body, token: "wrong")
                #expect(answer.status == 422)
            }
        }
    }
}
