import DMSModel

/// How large frames may be, in bytes of data.
public enum FrameLimits {
    /// The largest frame that is taken.
    public static let dataBytesMax = Limits.frameDataBytesMax
    /// The largest frame that is skipped, so that its connection lives on; a larger one ends it.
    public static let skippedBytesMax = 16 << 20
}

/// Why a connection's bytes can be read no further.
public enum FrameError: Error, Sendable, Equatable {
    /// The frame announces more than would be skipped.
    case tooLong(FrameHeader)
}
