package import Model

/// What a hub is told at start.
package struct HubSettings: Hashable, Sendable {
    package var state: String
    package var name: String
    /// The address that listeners bind to; loopback unless told otherwise.
    package var bind: String
    /// Names and addresses under which nodes and people reach this hub; the first is handed out.
    package var advertise: [String]
    package var managementPort: Int
    package var controlPort: Int
    package var enrolmentPort: Int
    /// Files of the keys that may sign policy; nil has the hub make one for its operator.
    package var policyKeys: [String]?
    /// How many identities may be revoked without a second key.
    package var brake = RevocationBrake()
    /// By what keys and secrets on disk are sealed, and what that was before, to change over.
    package var seal: SealingChoice
    package var sealBefore: SealingChoice?
    /// Records of the audit log that are kept, give or take a sixteenth.
    package var auditRecords: Int
    /// Stop when standard input ends: whoever holds its other end is gone.
    package var endsWithInput: Bool
    /// The store is a backup that was put in place. Said once, by hand: no file may hold it.
    package var isRestored = false

    package init(
        state: String, name: String = "hub", bind: String = "127.0.0.1",
        advertise: [String] = ["127.0.0.1"], managementPort: Int = 7440, controlPort: Int = 7441,
        enrolmentPort: Int = 7442, policyKeys: [String]? = nil, endsWithInput: Bool = false,
        seal: SealingChoice = .auto, sealBefore: SealingChoice? = nil,
        auditRecords: Int = 50_000
    ) {
        self.state = state
        self.name = name
        self.bind = bind
        self.advertise = advertise
        self.managementPort = managementPort
        self.controlPort = controlPort
        self.enrolmentPort = enrolmentPort
        self.policyKeys = policyKeys
        self.endsWithInput = endsWithInput
        self.seal = seal
        self.sealBefore = sealBefore
        self.auditRecords = auditRecords
    }
}
