package import Containers
package import Model

/// What an agent is told at start. Everything else comes from its own store and from the hub.
package struct AgentSettings: Hashable, Sendable {
    /// Holds the store, the identity, and what the process engine keeps.
    package var state: String
    /// The node's name, for enrolment.
    package var node: NodeID?
    /// Needed once, to enrol.
    package var token: String?
    package var engine: EngineChoice
    /// Where people on the node reach the agent.
    package var socket: String
    package var portRange: ClosedRange<Int>
    /// Directories searched for commands before the system's.
    package var searchPath: [String]
    /// Stop every workload when the agent is asked to stop. Off, an agent can be replaced while
    /// what it runs goes on.
    package var stopsWorkloads: Bool
    /// Records of the audit log that are kept, give or take a sixteenth.
    package var auditRecords: Int
    /// Stop when standard input ends: whoever holds its other end is gone.
    package var endsWithInput: Bool
    /// Replaces the hub's address from the enrolment, for a hub that moved.
    package var hub: String?
    /// Files of the keys that may sign policy, in place of those from the enrolment.
    package var policyKeys: [String]?
    /// How many identities its hub may revoke at once without a second key.
    package var brake = RevocationBrake()
    /// Where it asks to become a node, if it has no token.
    package var join: JoinSettings?
    /// By what keys and secrets on disk are sealed, and what that was before, to change over.
    package var seal: SealingChoice
    package var sealBefore: SealingChoice?
    /// Facts that the operator states rather than measures.
    package var capacity: Capacity?
    /// Where datagrams of the mesh are taken, and where others are told to send them; nil for no mesh.
    package var mesh: MeshPlace?
    /// `address:port` on loopback where names of services are answered; nil for nowhere.
    package var names: String?
    /// The address of the ports in front of workloads.
    package var frontBind = "127.0.0.1"

    package init(
        state: String, node: NodeID? = nil, token: String? = nil, engine: EngineChoice = .auto,
        socket: String, portRange: ClosedRange<Int> = 20_000...29_999, searchPath: [String] = [],
        stopsWorkloads: Bool = false, endsWithInput: Bool = false, hub: String? = nil,
        policyKeys: [String]? = nil, capacity: Capacity? = nil,
        seal: SealingChoice = .auto, sealBefore: SealingChoice? = nil,
        auditRecords: Int = 50_000, mesh: MeshPlace? = MeshPlace(), names: String? = nil
    ) {
        self.state = state
        self.node = node
        self.token = token
        self.engine = engine
        self.socket = socket
        self.portRange = portRange
        self.searchPath = searchPath
        self.stopsWorkloads = stopsWorkloads
        self.endsWithInput = endsWithInput
        self.auditRecords = auditRecords
        self.hub = hub
        self.policyKeys = policyKeys
        self.capacity = capacity
        self.seal = seal
        self.sealBefore = sealBefore
        self.mesh = mesh
        self.names = names
    }
}
