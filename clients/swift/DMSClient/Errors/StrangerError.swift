/// What answered is no scheduler.
struct StrangerError: Error {
    /// What it did instead of what a scheduler does; half a sentence for people.
    var cause: String
}
