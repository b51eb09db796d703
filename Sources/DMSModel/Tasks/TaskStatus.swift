/// Where a task is in its life.
public enum TaskStatus: String, Sendable, CaseIterable {
    case queued
    case dispatched
    case canceled
    case completed
    case failed
}
