import HTTPTypes
import Testing

@testable import HTTPServer

@Suite struct EndpointTests {
    @Test(arguments: Endpoint.allCases)
    func `every route leads to its endpoint, and HEAD goes where GET goes`(endpoint: Endpoint) {
        let path = endpoint.route.path.map { $0 ?? "some id" }
        #expect(Endpoint.resolve(endpoint.route.method, path: path) == .endpoint(endpoint))
        if endpoint.route.method == .get {
            #expect(Endpoint.resolve(.head, path: path) == .endpoint(endpoint))
        }
    }

    @Test(arguments: [
        (["tasks"], "GET, HEAD, POST"), (["tasks", "x"], "GET, HEAD"), (["tasks", "cancel"], "GET, HEAD, POST"),
        (["admin", "block"], "GET, HEAD, POST"), (["admin", "resume"], "POST"), (["stats"], "GET, HEAD"),
    ])
    func `another method is not allowed, and Allow names the ones that are`(path: [String], allow: String) {
        for method in [HTTPRequest.Method.delete, .put, .patch, .options, .trace] {
            #expect(Endpoint.resolve(method, path: path) == .methodNotAllowed(allow: allow))
        }
    }

    @Test func `the task whose id is cancel can be read`() {
        #expect(Endpoint.resolve(.get, path: ["tasks", "cancel"]) == .endpoint(.getTask))
        #expect(Endpoint.resolve(.post, path: ["tasks", "cancel"]) == .endpoint(.cancelTask))
    }

    @Test(arguments: [
        [""], ["tasks", ""], ["", "tasks"], ["tasks", "a", "b"], ["Tasks"], ["stats", ""], ["queues"], ["admin"],
        ["healthz", "x"], ["nothing"],
    ])
    func `any other path is unknown`(path: [String]) {
        #expect(Endpoint.resolve(.get, path: path) == .unknownPath)
        #expect(Endpoint.resolve(.post, path: path) == .unknownPath)
    }

    @Test func `a template spells the route as documents do`() {
        #expect(Endpoint.getTask.template == "/tasks/{task_id}")
        #expect(Endpoint.setBlock.template == "/admin/block")
    }
}
