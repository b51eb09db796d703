/// What a link that subscribes does with the messages of its channels.
struct Subscription {
    var channels: [String]
    /// The channels are listened to, for the first time or again: messages may have been missed.
    var onReady: () -> Void
    var onMessage: (String) -> Void

    /// Whether the answer was a message, and is dealt with; others are answers to commands.
    func take(_ reply: borrowing RedisReply) -> Bool {
        guard reply.kind == .array, reply.count == 3, let kind = try? reply[0].text(), kind == "message" else {
            return false
        }
        if let message = try? reply[2].text() { onMessage(message) }
        return true
    }
}
