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
            for (setting, value) in [(token, source[token]), (previous, source[previous])]
            where value?.isTrimmed == false {
                throw SettingsError(setting, "the token begins or ends with white space")
            }
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
        let text: String?
        do throws(SettingsFile.Problem) {
            text = try SettingsFile.text(at: path, bytesMax: fileBytesMax)
        } catch {
            throw SettingsError(setting, "the file '\(path)' \(error)")
        }
        guard let text else { throw SettingsError(setting, "there is no file '\(path)'") }
        let tokens = text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
        guard !tokens.isEmpty else { throw SettingsError(setting, "the file '\(path)' is empty") }
        if let problem = tokens.lazy.compactMap(Settings.problem).first {
            throw SettingsError(setting, "a token in the file '\(path)' \(problem)")
        }
        guard tokens.count <= Tokens.countMax else {
            throw SettingsError(setting, "the file '\(path)' holds more than \(Tokens.countMax) tokens")
        }
        return tokens
    }
}

extension String {
    fileprivate var isTrimmed: Bool { self == trimmingCharacters(in: .whitespaces) }
}
