/// All that happened in a run, as its clients and its faults saw it.
public struct History: Sendable {
    /// Every attempt of every call, by its number.
    public var calls: [Call]
    /// Every life of a scheduler, by its number.
    public var lives: [Life]
    /// Tasks that were still dispatched when everything was healed, drained and finished: nobody is known to hold them.
    public var stranded: [SeenTask]
    /// When something befell Redis or a connection to it that may have cost answers, in seconds of the run.
    public var outages: [Double]
    /// What went wrong beside the calls, such as a scheduler that ended by itself; each is a violation.
    public var incidents: [String]
    /// Every change of the master, in order; none where there is one Redis.
    public var failovers: [Failover]

    /// A history; by default of calls only.
    public init(
        calls: [Call], lives: [Life] = [], stranded: [SeenTask] = [], outages: [Double] = [], incidents: [String] = [],
        failovers: [Failover] = []
    ) {
        self.calls = calls
        self.lives = lives
        self.stranded = stranded
        self.outages = outages
        self.incidents = incidents
        self.failovers = failovers
    }

    /// A replica takes over: what only the old master had is gone.
    public struct Failover: Sendable {
        /// Before it the old master was the only one for sure.
        public var began: Moment
        /// From then on the new one is, and the old one follows it; nil: not within the run.
        public var ended: Moment?

        /// A failover between two moments.
        public init(began: Moment, ended: Moment? = nil) {
            self.began = began
            self.ended = ended
        }
    }

    /// A scheduler from its start to its end.
    public struct Life: Sendable {
        /// Which of the schedulers it is.
        public var scheduler: Int
        /// When it ended, in seconds of the run; nil where it lived through the run.
        public var ended: Double?

        /// A life; without an end it lived through the run.
        public init(scheduler: Int, ended: Double? = nil) {
            self.scheduler = scheduler
            self.ended = ended
        }
    }
}

/// A promise that was broken.
public struct Violation: Sendable {
    /// Which promise, in a word or two.
    public var rule: Rule
    /// What happened.
    public var sentence: String
    /// The tasks that it happened to.
    public var tasks: [String]
    /// The numbers of the calls that show it.
    public var calls: [Int]

    /// The promises.
    public enum Rule: String, Sendable, CaseIterable {
        case acknowledged = "what was acknowledged is there"
        case notDone = "what was refused was not done"
        case oneHolder = "one holder at a time"
        case delivery = "nothing is lost on the way"
        case order = "strict order"
        case replay = "a repeated Next gets the same answer"
        case fencing = "a token that is over does nothing"
        case leaseLost = "no lease is lost without a reason"
        case finality = "what is finished stays finished"
        case answers = "answers fit their questions"
        case lists = "lists show each task once"
        case counters = "counters count what happened"
        case blocking = "a block holds, and nothing else does"
        case structure = "keys agree with each other"
        case incident = "nothing falls over"
    }
}
