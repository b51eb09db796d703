import Configuration
import SystemPackage

/// Where settings come from: flags before the environment, that before the `.env` file, that before the defaults.
struct SettingsSource {
    private let reader: ConfigReader

    /// Reads the environment and the file; a file that was named must be there, the default one need not be.
    init(
        flags: [Setting: String], environment: [String: String], file: String, isFileRequired: Bool
    ) async throws(SettingsError) {
        let flagValues = Dictionary(
            uniqueKeysWithValues: flags.map { setting, value in
                (AbsoluteConfigKey(setting.components), ConfigValue(.string(value), isSecret: setting.isSecret))
            })
        let secrets = SecretsSpecifier<String, String>.specific(
            Set(Setting.allCases.filter(\.isSecret).map(\.variable)))
        do {
            let file = try await EnvironmentVariablesProvider(
                environmentFilePath: FilePath(file), allowMissing: !isFileRequired, secretsSpecifier: secrets)
            reader = ConfigReader(providers: [
                InMemoryProvider(values: flagValues),
                EnvironmentVariablesProvider(environmentVariables: environment, secretsSpecifier: secrets), file,
            ])
        } catch {
            throw SettingsError("The file \(file) cannot be read: \(error)")
        }
    }

    /// The value of a setting; an empty one counts as none.
    subscript(_ setting: Setting) -> String? {
        let value = reader.string(forKey: ConfigKey(setting.components), isSecret: setting.isSecret)
        return value.flatMap { $0.isEmpty ? nil : $0 } ?? setting.defaultValue
    }
}

extension Setting {
    fileprivate var components: [String] { rawValue.lowercased().split(separator: "_").map(String.init) }

    fileprivate var isSecret: Bool {
        switch self {
        case .operatorToken, .operatorTokenPrevious, .submitterToken, .submitterTokenPrevious: true
        default: false
        }
    }
}
