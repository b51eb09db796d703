import DMSModel
import Foundation
import Logging
import ServerTLS

extension ServerTLS {
    /// Reads the files at the program's start; throws the setting that is wrong.
    convenience init(settings files: TLSFiles, _ logger: Logger) throws(SettingsError) {
        do throws(TLSFileError) {
            try self.init(files, logger: logger)
        } catch {
            throw SettingsError(error.setting, "\(error)")
        }
        logValidity("Both doors speak TLS", logger)
    }

    /// How the files are read anew.
    func source(_ logger: Logger) -> FileReloader.Source {
        FileReloader.Source(paths: files.paths) {
            do throws(TLSFileError) {
                guard try self.reload() else { return }
                self.logValidity("The TLS certificate was read anew", logger)
            } catch {
                logger.error(
                    "The TLS certificate could not be read anew; the earlier one stays in use",
                    metadata: ["setting": "\(error.setting.variable)", "error": "\(error)"])
            }
        }
    }

    private func logValidity(_ message: Logger.Message, _ logger: Logger) {
        let metadata: Logger.Metadata = ["certificate": "\(files.certificate)", "valid_until": "\(validUntil)"]
        logger.info(message, metadata: metadata)
        if validUntil.seconds < Int64(Date().timeIntervalSince1970) {
            logger.warning("The TLS certificate has expired", metadata: metadata)
        }
    }
}

extension TLSFileError {
    fileprivate var setting: Setting {
        switch part {
        case .certificate: .tlsCertificateFile
        case .key: .tlsKeyFile
        case .clientCA: .tlsClientCAFile
        }
    }
}
