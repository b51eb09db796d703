#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The file by which a unix socket is found.
enum SocketFile {
    /// Takes the file away; where it is gone already, nothing is to be done.
    static func remove(_ path: String) {
        unsafe _ = unlink(path)
    }
}
