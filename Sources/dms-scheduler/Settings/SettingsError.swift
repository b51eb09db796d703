/// A setting whose value can't be used; the program ends with ``exitCode``.
struct SettingsError: Error, CustomStringConvertible {
    /// EX_CONFIG of sysexits.h.
    static let exitCode: Int32 = 78

    var description: String

    init(_ description: String) { self.description = description }

    init(_ setting: Setting, _ problem: String) {
        description = "\(setting.variable) (--\(setting.flag)): \(problem)"
    }
}
