package import Model
package import Transport
package import Trust

/// What carries messages between this node and its peers, to names and from names. It may lose them.
package protocol PeerPlane: Actor {
    /// What peers said. For one reader.
    nonisolated var messages: AsyncStream<DataPlane.Message> { get }
    nonisolated var notices: AsyncStream<DataPlane.Notice> { get }
    /// Receives until the port is closed or the task is cancelled.
    func run() async
    func send(_ messages: [[UInt8]], to peer: NodeID)
    /// Says where a peer is.
    func meet(_ peer: NodeID, at place: DatagramPort.Place)
    /// Ends everything with a peer that is no longer to be trusted.
    func forget(_ peer: NodeID)
    func insert(_ keys: [PairKey])
    var keys: [PairKey] { get }
    var losses: DataPlane.Losses { get }
}

extension DataPlane: PeerPlane {}
