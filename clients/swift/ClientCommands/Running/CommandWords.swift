public import ArgumentParser

/// The words of a command line, put so that the parser takes each for what it is meant to be.
///
/// The parser would take every word with a dash in front for options, `-hash` for the flag `-h` among others. The programs here have no
/// options of one letter, and ids may begin with a dash: so `-h` by itself asks for help, and any other word with one dash is a value,
/// an option's or one that stands by itself.
public enum CommandWords {
    /// The options that take no value; every other takes the next word, whatever that is.
    static let flags: Set<String> = ["--failed", "--help", "--json", "--newest-first"]

    /// How help is asked for; `-h` as a long name, which the parser does not look for inside of words such as `-hash`.
    public static let helpNames: NameSpecification = [.long, .customLong("h", withSingleDash: true)]

    /// The same words: the command, options with their values, and behind `--` what stands by itself.
    ///
    /// A command that runs another program is the exception: what stands before `--` is no word of that program.
    public static func arranged(_ words: [String], for program: ClientProgram) -> [String] {
        let end = words.firstIndex(of: "--") ?? words.endIndex
        var options: [String] = []
        var values: [String] = []
        var rest = words[..<end]
        while let word = rest.popFirst() {
            if word == "-h" {
                options.append("--help")
            } else if word.hasPrefix("--") {
                options.append(word)
                if takesNext(word), let value = rest.popFirst() { options.append(value) }
            } else {
                values.append(word)
            }
        }
        let command = values.prefix(1)
        let others = values.dropFirst()
        if let runner = program.runner, command.first == runner { return command + options + others + words[end...] }
        let behind = others + words[end...].dropFirst()
        return command + options + (behind.isEmpty ? [] : ["--"]) + behind
    }

    /// Whether an option's value is the next word; to the parser an empty one behind `=` is none.
    private static func takesNext(_ option: String) -> Bool {
        let name = option.prefix { $0 != "=" }
        return option.dropFirst(name.count + 1).isEmpty && !flags.contains(String(name))
    }

    /// The words behind the program's name; throws for one that is not UTF-8.
    ///
    /// Swift's own list has U+FFFD in the place of such bytes, and what was meant would be stored as something else. Only the words of
    /// a command that is run may be anything.
    static func ofProcess(_ program: ClientProgram) throws(UsageError) -> [String] {
        let words = Array(CommandLine.arguments.dropFirst())
        let end = program.runner.flatMap { words.first == $0 ? words.firstIndex(of: "--") : nil } ?? words.endIndex
        for (index, word) in words[..<end].enumerated() {
            guard let bytes = unsafe CommandLine.unsafeArgv[index + 1] else { break }
            guard unsafe String(validatingCString: bytes) != nil else {
                throw UsageError("The word '\(PrintableText.line(word))' of the command line is not UTF-8")
            }
        }
        return words
    }
}

extension ClientProgram {
    /// Does what the command line asks for; what each program is.
    public func main(_ root: (some AsyncParsableCommand).Type) async {
        do {
            await root.main(CommandWords.arranged(try CommandWords.ofProcess(self), for: self))
        } catch {
            root.exit(withError: ValidationError("\(error)"))
        }
    }
}
