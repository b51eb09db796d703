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
    /// Bytes of records that are read for a page in one go, which holds Redis for less than a millisecond.
    public static let sliceBytesMax = 128 << 10
    /// Tasks that are looked at for a page in one go.
    public static let sliceTasksMax = 50
    /// Answers up to this size, in bytes, are not counted one by one.
    public static let smallAnswerBytesMax = 64 << 10
    /// Bytes of large answers that one process has in memory, from their reading until their clients have taken them.
    public static let answerBytesMax = 128 << 20
    /// Bytes that a page may need in memory while it is read and written: its records, and their text.
    public static let pageRoomBytes = 8 << 20
    /// About what a task takes in memory beside its parameters and what came of it.
    public static let recordBytesBesides = 1 << 10
    /// A client that takes less of a large answer in a second counts as taking nothing.
    public static let roomBytesPerSecondMin = 64 << 10
    /// A client that takes nothing of a large answer for so long is cut off where others wait for its room.
    public static let roomStallTime = Duration.seconds(5)
    /// How many pages may be looked through for one of queued tasks only, to find the first; those that are not queued count little.
    public static let listQueuedLooksMax = 100
}

// MARK: - Connections

extension Limits {
    /// What a client's connection may do at a door: the defaults of what both doors are configured with.
    ///
    /// Sizes are in bytes. `docs/limits.md` says which of them can be set, and what happens past each.
    public enum Connections {
        /// Connections of the binary door at a time.
        public static let rpcMax = 16_384
        /// Connections of the REST door at a time.
        public static let httpMax = 10_000
        /// Refused connections of a door that are told why at a time; further ones are closed as they come.
        public static let toldMax = 64
        /// How long a refused connection is given to ask for something, so that it can be told.
        public static let tellingTime = Duration.seconds(1)
        /// How often the log says at most that connections are refused.
        public static let refusalLogPause = Duration.seconds(1)
        /// Refused connections of a listener that are not closed yet; past it nothing more is accepted meanwhile.
        public static let closingMax = 8
        /// How long a door accepts nothing after an accept that failed, as with no descriptor left.
        public static let acceptPauseMilliseconds: Int64 = 100

        /// How long a new connection may take until its first frame, or its first request's head, is there.
        public static let firstRequestTime = Duration.seconds(10)
        /// How long the rest of a frame or of a request's body may take.
        public static let requestTime = Duration.seconds(60)
        /// How long a client may take nothing of what is sent to it.
        public static let unreadTime = Duration.seconds(60)
        /// How long a connection of the binary door may ask for nothing, with no call in flight.
        public static let rpcIdleTime = Duration.seconds(3600)
        /// How long a connection of the REST door may ask for nothing.
        public static let httpIdleTime = Duration.seconds(75)
        /// After so long without a byte the kernel asks whether the client is there.
        public static let keepAliveIdleSeconds = 30...60
        /// The kernel asks again after so long without an answer.
        public static let keepAliveIntervalSeconds = 10
        /// After so many questions without an answer the client is gone.
        public static let keepAliveProbes = 3
        /// A client whose kernel takes nothing of what is sent for so long is gone too.
        public static let unacknowledgedMilliseconds = 60_000
    }

    /// What one connection of the binary door may do.
    public enum RPC {
        /// Calls in flight that do not wait for a task.
        public static let openStreamsMax = 1024
        /// Calls in flight whose answers may be of any size.
        public static let bulkStreamsMax = 16
        /// Calls that wait for a task.
        public static let parkedStreamsMax = 4096
        /// Answers that wait to be sent.
        public static let unsentBytesMax = 64 << 10
        /// Data of calls that have no answer yet; past it the server does not read on.
        public static let openRequestBytesMax = 8 << 20
        /// A ping's data.
        public static let pingBytesMax = 64
        /// Pings in a second.
        public static let pingsPerSecondMax = 100
        /// How many seconds in a row there may be more.
        public static let pingSecondsMax = 10
        /// How long calls in flight may go on where the server closes a connection.
        public static let finishingTime = Duration.seconds(5)
        /// How long the client of such a connection may take to read its answers.
        public static let flushingTime = Duration.seconds(10)
        /// How long such a client may take to close its side.
        public static let lingeringTime = Duration.seconds(1)
        /// Entries of a call's metadata.
        public static let metadataEntriesMax = 64
        /// Keys and values of a call's metadata together.
        public static let metadataBytesMax = 16 << 10
    }

    /// What one connection of the REST door may do.
    public enum HTTP {
        /// A request's target: path and query.
        public static let targetBytesMax = 8 << 10
        /// A header field's name, or its value.
        public static let fieldBytesMax = 16 << 10
        /// A request's target and all its header fields together.
        public static let fieldsBytesMax = 32 << 10
        /// Header fields of a request.
        public static let fieldsMax = 100
        /// What is still read of a request that was answered already.
        public static let discardedBytesMax = 16 << 20
        /// How long a client may take to close its side after a closing answer.
        public static let lingeringTime = Duration.seconds(2)
    }
}
