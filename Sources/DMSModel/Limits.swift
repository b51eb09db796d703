/// What a peer may ask for at most: every limit that both doors and the clients share, with its unit in its name.
public enum Limits {
    /// A task id, a service or a user id.
    public static let nameBytesMax = 256
    /// The text of a task's `parameters`.
    public static let parametersBytesMax = 1 << 20
    /// How deep `parameters` may nest; the object itself is level 1.
    public static let parametersNestingMax = 512
    /// The reason of a block.
    public static let reasonBytesMax = 4096
    /// Tasks that one `Next` may ask for.
    public static let nextTasksMax = 1000
    /// How long one `Next` may wait.
    public static let nextWaitMillisecondsMax = 600_000
    /// The shortest lease.
    public static let leaseMillisecondsMin = 1000
    /// The longest lease: a day.
    public static let leaseMillisecondsMax = 86_400_000
    /// Leases that one call may name.
    public static let leasesPerCallMax = 1000
    /// How long an answer is kept for a repetition of its request: ten minutes.
    public static let answerKeptMilliseconds = 600_000
    /// The text of a task's result.
    public static let resultBytesMax = 1 << 20
    /// The text of a failed task's error.
    public static let errorBytesMax = 64 << 10
    /// Calls of one server that wait for a task.
    public static let waitersMax = 100_000
    /// The data of one frame of the binary protocol.
    public static let frameDataBytesMax = 4 << 20
    /// A body of the REST door: parameters at their limit, and the names with every byte escaped.
    public static let bodyBytesMax = parametersBytesMax + (64 << 10)
    /// Bytes of records that one hand-out may carry, so that every answer fits a frame, with the outcomes of as many
    /// acknowledgements as a call may bring.
    public static let handOutBytesMax = frameDataBytesMax - (768 << 10)
    /// Tasks of a page where its size is not given.
    public static let listTasksDefault = 100
    /// Tasks of a page at most.
    public static let listTasksMax = 1000
    /// Tasks that are looked at for one page, whether they fit its filters or not.
    public static let listExaminedMax = 1000
}
