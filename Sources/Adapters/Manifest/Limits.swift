import Model

/// The bounds of what a manifest may hold. What is inside them can neither overflow a sum in hub
/// or agent nor outgrow a message between them.
enum Limits {
    static let mistakesShown = 200
    static let fileBytes = 10 * 1024 * 1024
    static let documentBytes = 1024 * 1024
    static let documents = 1000
    /// How much may be parsed again to name each repeated key of one document.
    static let rereadBytes = 4 * 1024 * 1024
    static let depth = 32
    /// Aliases are refused; so many are given to the parser, to be refused by name and place.
    static let aliases = 8
    static let textBytes = 4096
    /// What is signed may not be longer than 512 KiB.
    static let rulesBytes = 256 * 1024
    /// As Base64, of what a Secret may hold.
    static let secretBytes = Secret.bytesMax * 2
    static let roleBindings = 1000
    static let containers = 32
    static let ports = 64
    static let variables = 256
    static let mounts = 64
    static let arguments = 256
    static let labels = 64
    static let dependencies = 64
    static let authorityRows = 162
    static let policySites = 10_000
    static let payloadLines = 12_000
    /// 10,000 instances of 32 containers of 16 TiB still fit into a signed 64 bit sum.
    static let memory = ByteCount(4 << 20)...ByteCount(16 << 40)
    static let millicores = 1...1_024_000
    /// How long silence may be before it has a consequence.
    static let disconnection = Interval.hours(365 * 24)
    /// How long a rehearsal may last, and how much may go wrong in it.
    static let story = Interval.hours(31 * 24)
    static let faults = 256
    static let replicas = 0...10_000
    static let generation = 0...(1 << 53)
}
