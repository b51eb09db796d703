import ArgumentParser

/// Runs schedulers under faults, records every call, and checks the history (docs/reliability.md).
@main struct DMSFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dms-faults",
        abstract: "Run schedulers under faults by a seed, and check what they answered against what they promise.",
        subcommands: [RunCommand.self])
}
