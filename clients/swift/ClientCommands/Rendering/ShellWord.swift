/// Writes text as one word of a shell's command line, to be copied there.
enum ShellWord {
    private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,:/@%+=".utf8)

    /// The text as it is, where a shell sees nothing but letters in it, else in quotes; fit for a terminal too.
    static func quoted(_ text: String) -> String {
        let line = PrintableText.line(text)
        guard line.isEmpty || !line.utf8.allSatisfy(plain.contains) else { return line }
        return "'\(line.replacing("'", with: #"'\''"#))'"
    }
}
