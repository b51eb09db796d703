import Foundation
import Scheduler

/// The tokens of one kind: from the environment, or from a file that may change.
struct TokenSettings: Sendable {
    private static let fileBytesMax = 64 << 10

    /// The tokens as they were at the start; none where none is set.
    let atStart: [String]
    /// The file that they stand in, and the setting that names it.
    let file: (setting: Setting, path: String)?

    init(
        _ source: SettingsSource, _ token: Setting, _ previous: Setting, _ fileSetting: Setting
    ) throws(SettingsError) {
        if source[previous] != nil, source[token] == nil {
            throw SettingsError(previous, "needs \(token.variable) beside it")
        }
        guard let path = source[fileSetting] else {
            file = nil
            atStart = [source[token], source[previous]].compactMap(\.self)
            return
        }
        guard source[token] == nil else {
            throw SettingsError(fileSetting, "only one of \(token.variable) and \(fileSetting.variable) may be set")
        }
        file = (fileSetting, path)
        atStart = try TokenSettings.read(fileSetting, path)
    }

    /// The file's tokens as they are now, one a line, without the white space around them.
    static func read(_ setting: Setting, _ path: String) throws(SettingsError) -> [String] {
        guard let handle = FileHandle(forReadingAtPath: path), let data = try? handle.read(upToCount: fileBytesMax + 1),
            let text = String(validating: data, as: UTF8.self)
        else { throw SettingsError(setting, "the file '\(path)' cannot be read as UTF-8") }
        guard data.count <= fileBytesMax else {
            throw SettingsError(setting, "the file '\(path)' has more than \(fileBytesMax) bytes")
        }
        let tokens = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard !tokens.isEmpty else { throw SettingsError(setting, "the file '\(path)' is empty") }
        guard tokens.count <= Tokens.countMax else {
            throw SettingsError(setting, "the file '\(path)' holds more than \(Tokens.countMax) tokens")
        }
        return tokens
    }
}
