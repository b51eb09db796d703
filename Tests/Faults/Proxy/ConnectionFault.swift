import NIOCore
import Synchronization
import TestSupport

/// What is to befall a connection, once so many bytes have gone by in one direction.
struct ConnectionFault: Sendable {
    enum Action: Sendable {
        /// Both sides are closed, by a reset perhaps; the bytes behind are lost.
        case cut(byReset: Bool)
        /// That direction is closed and the other goes on for a while.
        case halfClose(TimeAmount)
        /// The bytes behind come later.
        case delay(TimeAmount)
        /// The bytes behind are swallowed, and then both sides are closed.
        case silence(TimeAmount)
        /// What comes that way arrives, the answers to it are swallowed, and then both sides are closed.
        case mute(TimeAmount)
    }

    var kind: FaultKind
    var action: Action
    /// Towards the server, or back.
    var isForward: Bool
    /// Whether bytes count from the first call of a script: most of what goes over a link that is new are scripts.
    var isBehindScripts: Bool
    var afterBytes: Int
}

/// Decides by the seed what befalls each connection of a proxy.
final class FaultDealer: Sendable {
    private let stage: Stage
    private let group: FaultKind.Group
    private let kinds: [FaultKind]
    /// Few bytes or many until it happens.
    private let bytesMax: Int
    private let silenceMax: Int
    private let generator: Mutex<SplitMix>

    init(_ group: FaultKind.Group, stage: Stage, name: Int) {
        self.stage = stage
        self.group = group
        kinds = FaultKind.allCases.filter { $0.group == group && stage.plan.faults.contains($0) }
        bytesMax = group == .links ? 1 << 20 : 1 << 13
        // A link that is silent is noticed after five seconds; shorter and longer ones are to happen.
        silenceMax = group == .links ? 7000 : 2000
        generator = Mutex(stage.random(for: name))
    }

    /// What befalls the next connection; nil: nothing.
    func deal() -> ConnectionFault? {
        guard !kinds.isEmpty, stage.isRough else { return nil }
        return generator.withLock { random in
            guard random.chance(85), let kind = kinds.randomElement(using: &random) else { return nil }
            let action: ConnectionFault.Action =
                switch kind {
                case .clientHalfClose, .linkHalfClose: .halfClose(.milliseconds(.random(in: 1...1500, using: &random)))
                case .clientDelay, .linkDelay: .delay(.milliseconds(.random(in: 1...600, using: &random)))
                case .clientSilence, .linkSilence:
                    .silence(.milliseconds(Int64(random.magnitude(1...silenceMax))))
                case .linkMute: .mute(.milliseconds(Int64(random.magnitude(1...silenceMax))))
                default: .cut(byReset: random.chance(50))
                }
            return ConnectionFault(
                kind: kind, action: action, isForward: kind == .linkMute || random.chance(50),
                isBehindScripts: group == .links && (kind == .linkMute || random.chance(50)),
                afterBytes: random.magnitude(0...bytesMax))
        }
    }

    /// Whether a fault may happen now; counts it.
    func happens(_ kind: FaultKind) -> Bool {
        guard stage.isRough else { return false }
        stage.recorder.count(kind)
        return true
    }
}
