import ArgumentParser

/// The load generator: measures a running scheduler, next to plain Redis in the same run.
@main
struct DMSBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dms-bench",
        abstract: "Measure a scheduler next to plain Redis, in one run.",
        discussion: """
            The floor is Redis itself: a script that pops a task off three lists and marks it, one call a task, over the \
            same kind of connection. Use a scheduler and a Redis that nobody needs: tasks are submitted and taken.
            """,
        subcommands: [
            LoadCommand.self, ReadsCommand.self, WakeCommand.self, GrowthCommand.self, MemoryCommand.self,
            WorkCommand.self,
            SoakCommand.self,
        ])
}
