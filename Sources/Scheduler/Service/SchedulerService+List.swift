public import DMSModel
import Logging
public import NIOCore

/// Lists of tasks.
extension SchedulerService {
    /// How long a page waits for the order of tasks to be completed.
    private static let orderWait = TimeAmount.seconds(1)

    /// A page of tasks, oldest first unless the query turns it round.
    ///
    /// A task that is there from the first page to the last shows exactly once. A page looks at a bounded number of tasks
    /// and bytes, so it may be short, or empty, before the end. Fails with `invalidField`, or with `storeUnavailable` while
    /// the order of tasks that were in Redis before is still being built.
    public func list(_ query: TaskQuery) -> EventLoopFuture<TaskPage> {
        refusing { () throws(SchedulerError) in
            try check(
                FieldRules.optionalName(query.service, field: "service"),
                FieldRules.optionalName(query.userID, field: "user_id"))
            let token = try PageToken.of(query)
            return read(query, after: token, atWriter: token?.isAtWriter ?? false)
        }
    }

    private func read(_ query: TaskQuery, after token: PageToken?, atWriter: Bool) -> EventLoopFuture<TaskPage> {
        store.list(query, after: token?.position, atWriter: atWriter).flatOnLoop { outcome in
            switch outcome {
            case .notBuilt where self.store.hasSeparateReader && !atWriter:
                return self.read(query, after: token, atWriter: true)
            case .notBuilt: return self.readAfterLook(query, after: token, isUrgent: true)
            case .page(let page) where token == nil && page.missing != 0:
                // Another program added or removed tasks.
                return self.readAfterLook(query, after: token, isUrgent: false)
            case .page(let page):
                if token == nil, page.leftOut > 0 { self.order.look() }
                return self.eventLoop.makeSucceededFuture(self.page(page, of: query, atWriter: atWriter))
            }
        }
    }

    private func readAfterLook(
        _ query: TaskQuery, after token: PageToken?, isUrgent: Bool
    ) -> EventLoopFuture<TaskPage> {
        order.look(isUrgent: isUrgent, within: SchedulerService.orderWait, on: eventLoop)
            .flatOnLoop { self.store.list(query, after: token?.position, atWriter: true) }
            .onLoop { outcome in
                guard case .page(let page) = outcome else {
                    throw SchedulerError(
                        .storeUnavailable, "The order of the tasks in Redis is still being built; lists have to wait",
                        retryAfter: .seconds(1))
                }
                return self.page(page, of: query, atWriter: self.store.hasSeparateReader)
            }
    }

    private func page(_ page: ListScript.Page, of query: TaskQuery, atWriter: Bool) -> TaskPage {
        if page.unreadable > 0 {
            logger.debug(
                "Records that cannot be read were left out of a list", metadata: ["count": "\(page.unreadable)"])
        }
        let next = page.next.map { PageToken(position: $0, isAtWriter: atWriter).text(for: query) }
        return TaskPage(tasks: page.records, nextPageToken: next ?? "")
    }
}
