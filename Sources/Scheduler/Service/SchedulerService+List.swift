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
    /// the order of tasks that were in Redis before is still being built, or with `limitReads` where too much is read.
    /// The answer keeps its room at the origin; see ``CallOrigin/takeRoom()``.
    public func list(_ query: TaskQuery, from origin: CallOrigin? = nil) -> EventLoopFuture<TaskPage> {
        refusing { () throws(SchedulerError) in
            try check(
                FieldRules.optionalName(query.service, field: "service"),
                FieldRules.optionalName(query.userID, field: "user_id"))
            let token = try PageToken.of(query)
            return reads.room(for: origin, bytes: Limits.pageRoomBytes).flatOnLoop { room in
                self.read(query, after: token, from: origin, atWriter: token?.isAtWriter ?? false).onLoop { page in
                    // Its records, and their text.
                    room.shrink(to: 2 * page.bytes)
                    origin?.keep(room)
                    return page
                }
            }
        }
    }

    private func read(
        _ query: TaskQuery, after token: PageToken?, from origin: CallOrigin?, atWriter: Bool, looks: Int = 1
    ) -> EventLoopFuture<TaskPage> {
        slices(of: query, after: token?.position, from: origin, atWriter: atWriter).flatOnLoop { outcome in
            switch outcome {
            case .notBuilt where self.store.hasSeparateReader && !atWriter:
                return self.read(query, after: token, from: origin, atWriter: true)
            case .notBuilt: return self.readAfterLook(query, after: token, from: origin, isUrgent: true)
            case .page(let page) where token == nil && page.missing != 0:
                // Another program added or removed tasks.
                return self.readAfterLook(query, after: token, from: origin, isUrgent: false)
            case .page(let page):
                if token == nil, page.leftOut > 0 { self.order.look() }
                return self.goOn(page, of: query, from: origin, atWriter: atWriter, looks: looks)
            }
        }
    }

    /// Answers with the page, or looks further where there is nothing to show yet.
    ///
    /// Those who ask for queued tasks only need not page through all that was finished before them: that costs Redis little.
    private func goOn(
        _ page: ListScript.Page, of query: TaskQuery, from origin: CallOrigin?, atWriter: Bool, looks: Int
    ) -> EventLoopFuture<TaskPage> {
        guard Set(query.statuses) == [.queued], page.records.isEmpty, let next = page.next,
            looks < Limits.listQueuedLooksMax
        else { return eventLoop.makeSucceededFuture(self.page(page, of: query, atWriter: atWriter)) }
        return read(
            query, after: PageToken(position: next, isAtWriter: atWriter), from: origin, atWriter: atWriter,
            looks: looks + 1)
    }

    private func readAfterLook(
        _ query: TaskQuery, after token: PageToken?, from origin: CallOrigin?, isUrgent: Bool
    ) -> EventLoopFuture<TaskPage> {
        order.look(isUrgent: isUrgent, within: SchedulerService.orderWait, on: eventLoop)
            .flatOnLoop { self.slices(of: query, after: token?.position, from: origin, atWriter: true) }
            .flatOnLoop { outcome in
                guard case .page(let page) = outcome else {
                    return self.eventLoop.makeFailedFuture(
                        SchedulerError(
                            .storeUnavailable,
                            "The order of the tasks in Redis is still being built; lists have to wait",
                            retryAfter: .seconds(1)))
                }
                return self.goOn(
                    page, of: query, from: origin, atWriter: self.store.hasSeparateReader, looks: 1)
            }
    }

    /// Reads a page in slices, between which others have their turns.
    private func slices(
        of query: TaskQuery, after position: ListPosition?, from origin: CallOrigin?, atWriter: Bool
    ) -> EventLoopFuture<ListScript.Outcome> {
        let pageSize = query.pageSize == 0 ? Limits.listTasksDefault : Int(query.pageSize)
        return slices(
            of: query, tasks: min(pageSize, Limits.listTasksMax), behind: nil, after: position, from: origin,
            atWriter: atWriter)
    }

    private func slices(
        of query: TaskQuery, tasks: Int, behind read: ListScript.Page?, after position: ListPosition?,
        from origin: CallOrigin?, atWriter: Bool
    ) -> EventLoopFuture<ListScript.Outcome> {
        let bounds = ListScript.Bounds(
            tasks: tasks - (read?.records.count ?? 0),
            looks: min(Limits.sliceTasksMax, Limits.listExaminedMax - (read?.looked ?? 0)),
            bytes: Limits.sliceBytesMax, pageBytes: Limits.handOutBytesMax - (read?.bytes ?? 0))
        return reads.read(for: origin, .slice) {
            self.store.list(query, after: position, bounds, atWriter: atWriter)
        }.flatOnLoop { outcome in
            guard case .page(let slice) = outcome else { return self.eventLoop.makeSucceededFuture(outcome) }
            let page = read?.joined(with: slice) ?? slice
            let isWhole = slice.next == nil || page.records.count >= tasks || page.looked >= Limits.listExaminedMax
            guard !isWhole, let next = page.next else { return self.eventLoop.makeSucceededFuture(.page(page)) }
            return self.slices(
                of: query, tasks: tasks, behind: page, after: next, from: origin, atWriter: atWriter)
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

extension ListScript.Page {
    /// What was read before, and a slice behind it.
    fileprivate func joined(with slice: ListScript.Page) -> ListScript.Page {
        var page = self
        page.records += slice.records
        // The slice looked at nothing where the page had no room for more: then it goes on from where it did.
        if slice.looked > 0 { page.next = slice.next }
        page.looked += slice.looked
        page.bytes += slice.bytes
        page.unreadable += slice.unreadable
        return page
    }
}

extension TaskPage {
    /// About how many bytes its tasks have in memory.
    fileprivate var bytes: Int {
        tasks.reduce(0) { sum, task in
            sum + task.parameters.readableBytes + (task.result?.readableBytes ?? 0) + (task.error?.utf8.count ?? 0)
                + Limits.recordBytesBesides
        }
    }
}
