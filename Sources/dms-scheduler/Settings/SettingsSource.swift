import Configuration

/// Where settings come from: flags before the environment, that before the `.env` file, that before the defaults.
///
/// An empty value counts as none wherever it stands, so that a variable that is set to nothing does not hide the file's token.
struct SettingsSource {
    private static let fileBytesMax = 1 << 20

    private let reader: ConfigReader
    /// Names of variables that are set and that only other programs of the project read.
    let namesOfOthers: [String]

    /// Reads the environment and the file; a file that was named must be there, the default one need not be.
    init(
        flags: [Setting: String], environment: [String: String], file: String, isFileRequired: Bool
    ) throws(SettingsError) {
        let environment = environment.filter { !SettingNames.isServiceLink($0.key, $0.value) }
        let assignments = try SettingsSource.read(file, isRequired: isFileRequired)
        var unknown: [String] = []
        for name in environment.keys.sorted() where SettingsSource.isUnknown(name) {
            unknown.append("\(name) in the environment \(SettingsSource.says(ofUnknown: name))")
        }
        for assignment in assignments where SettingsSource.isUnknown(assignment.name) {
            let name = assignment.name
            unknown.append("\(file), line \(assignment.line): \(name) \(SettingsSource.says(ofUnknown: name))")
        }
        guard unknown.isEmpty else { throw SettingsError(unknown.joined(separator: "; ")) }
        // As everywhere where .env files are read, the last of several lines of one name counts.
        let values = Dictionary(assignments.map { ($0.name, $0.value) }) { _, last in last }
        namesOfOthers = Set(environment.keys).union(values.keys).filter(SettingNames.isOfAnother).sorted()
        let flagValues = flags.filter { !$0.value.isEmpty }.map { setting, value in
            (AbsoluteConfigKey(setting.components), ConfigValue(.string(value), isSecret: setting.isSecret))
        }
        let secrets = SecretsSpecifier<String, String>.specific(
            Set(Setting.allCases.filter(\.isSecret).map(\.variable)))
        reader = ConfigReader(
            providers: [InMemoryProvider(values: Dictionary(uniqueKeysWithValues: flagValues))]
                + [environment, values].map { variables in
                    EnvironmentVariablesProvider(
                        environmentVariables: variables.filter { !$0.value.isEmpty }, secretsSpecifier: secrets)
                })
    }

    /// The value of a setting, or its default.
    subscript(_ setting: Setting) -> String? {
        reader.string(forKey: ConfigKey(setting.components), isSecret: setting.isSecret) ?? setting.defaultValue
    }

    private static func read(_ file: String, isRequired: Bool) throws(SettingsError) -> [DotEnvFile.Assignment] {
        let text: String?
        do throws(SettingsFile.Problem) {
            text = try SettingsFile.text(at: file, bytesMax: fileBytesMax)
        } catch {
            throw SettingsError("The file \(file) \(error)")
        }
        guard let text else {
            if isRequired { throw SettingsError("The file \(file) cannot be read: there is no such file") }
            return []
        }
        do throws(DotEnvFile.Mistake) {
            let assignments = try DotEnvFile(text).assignments
            for assignment in assignments { try check(assignment) }
            return assignments
        } catch {
            throw SettingsError("\(file), line \(error.line) \(error.problem)")
        }
    }

    /// Throws where a value would not be what whoever wrote it meant.
    private static func check(_ assignment: DotEnvFile.Assignment) throws(DotEnvFile.Mistake) {
        if assignment.namesVariable, Setting(rawValue: assignment.name) != nil {
            let problem = "holds ${, and variables are not replaced here; single quotes take it as it stands"
            throw DotEnvFile.Mistake(line: assignment.line, problem: problem)
        }
        // A quote that someone forgot to close may end at the next one, lines below, and swallow the settings between them.
        for line in assignment.value.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() {
            let inner = try? DotEnvFile(String(line)).assignments.first
            guard let inner, Setting(rawValue: inner.name) != nil else { continue }
            let problem = "opens a quote that is not closed before \(inner.name) is set"
            throw DotEnvFile.Mistake(line: assignment.line, problem: problem)
        }
    }

    private static func isUnknown(_ name: String) -> Bool {
        SettingNames.looksLikeSetting(name) && Setting(rawValue: name) == nil && !SettingNames.isOfAnother(name)
    }

    private static func says(ofUnknown name: String) -> String {
        let nearest = SettingNames.nearest(to: name).map(\.variable).joined(separator: " or ")
        return "is not a setting (did you mean \(nearest)?)"
    }
}

extension Setting {
    fileprivate var components: [String] { rawValue.lowercased().split(separator: "_").map(String.init) }

    /// Whether its value must not be shown: a token, or a URL that may hold a password.
    var isSecret: Bool {
        switch self {
        case .operatorToken, .operatorTokenPrevious, .submitterToken, .submitterTokenPrevious, .writerURL, .readerURL:
            true
        default: false
        }
    }
}
