package import Model

/// Who belongs to a mesh, and where it is reached. Whether it answers is another matter.
package struct Member: Hashable, Sendable {
    package let id: NodeID
    /// Where its datagrams go, in words that only the driver understands.
    package let address: String

    package init(id: NodeID, address: String) {
        self.id = id
        self.address = address
    }
}

/// One life of a node's process. The incarnation is durable and rises with every start; the nonce is
/// drawn by chance, so that two machines with the same disk do not look like one.
package struct Run: Hashable, Comparable, Sendable {
    package let incarnation: UInt32
    package let nonce: UInt16

    package init(incarnation: UInt32, nonce: UInt16) {
        self.incarnation = incarnation
        self.nonce = nonce
    }

    /// A start a second for half a year.
    static let incarnationMax: UInt32 = 1 << 24

    /// Whether a member may have started so often since a run before this.
    func isReachable(from run: Run) -> Bool { incarnation - run.incarnation <= 65_536 }

    package static func < (left: Run, right: Run) -> Bool {
        left.incarnation == right.incarnation
            ? left.nonce < right.nonce : left.incarnation < right.incarnation
    }
}

/// What a node says of itself with every pulse; the feed of load sharing.
package struct Condition: Hashable, Sendable {
    /// 0 is dead on its feet, 255 is well.
    package var health: UInt8
    /// 0 is idle, 255 is full.
    package var load: UInt8

    package init(health: UInt8, load: UInt8) {
        self.health = health
        self.load = load
    }
}
