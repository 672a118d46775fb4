/// What a person is to the fleet. Each role but `viewer` may also do what a viewer may.
package enum Role: String, Codable, CaseIterable, Sendable {
    case viewer
    case `operator`
    case approver
    case security
    case admin
}

/// Gives people a role, at some sites or at all.
package struct RoleBinding: Hashable, Codable, Sendable {
    package var role: Role
    /// By the names in their certificates.
    package var users: [String]
    /// Empty stands for every site in the scope of the policy.
    package var sites: [SiteID]

    package init(role: Role, users: [String], sites: [SiteID] = []) {
        self.role = role
        self.users = users
        self.sites = sites
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        role = try fields.decode(Role.self, forKey: .role)
        users = try fields.decode([String].self, forKey: .users)
        sites = try fields.decodeIfPresent([SiteID].self, forKey: .sites) ?? []
    }
}

/// What somebody may want to do, as policies name it: `Action::"exec"`.
package enum Verb: String, Codable, CaseIterable, Sendable {
    /// Whether the process answers, and who it is.
    case status
    case get
    case logs
    case exec
    case apply
    case delete
    case label
    case cordon
    case resolve
    case approve
    /// Make a token with which a node joins.
    case enrol
    /// Make a token that speaks for a person: whoever may do this may become anybody.
    case vouch
    /// End the tokens of others, and say that an identity is no longer good.
    case revoke
    /// Ask what somebody else may do.
    case review
    /// Act at the console of a node as if no policy forbade it, for a while and on record.
    case breakGlass
    /// What nodes and workloads do: a node keeps its link to the hub, speaks with a node of its site,
    /// runs a workload; one workload asks another for something.
    case connect, peer, run, call

    /// What people may want to do.
    package static let ofPeople = allCases.filter {
        ![.breakGlass, .connect, .peer, .run, .call].contains($0)
    }
}

/// Who asks.
package enum Principal: Hashable, Sendable, CustomStringConvertible {
    /// Somebody with a certificate of the fleet's authority.
    case user(String)
    /// Whoever may open the socket of a node: its owner.
    case console
    case node(NodeID, site: SiteID)
    /// Whoever answers for a workload, at the site where it asks.
    case workload(WorkloadID, site: SiteID)

    package var description: String {
        switch self {
        case .user(let name): "user '\(name)'"
        case .console: "the local console"
        case .node(let node, let site): "node '\(node)' of site '\(site)'"
        case .workload(let workload, _): "workload '\(workload)'"
        }
    }
}

/// By what whoever asks was known.
package enum Credential: Hashable, Sendable {
    case socket
    case certificate
    /// Of the hub; named by its id.
    case token(id: String)

    /// As policies name it: `context.credential`.
    package var word: String {
        switch self {
        case .socket: "socket"
        case .certificate: "certificate"
        case .token: "token"
        }
    }
}

/// Who asks, and what proves it.
package struct Requester: Hashable, Sendable {
    package var principal: Principal
    package var credential: Credential

    package init(_ principal: Principal, by credential: Credential) {
        self.principal = principal
        self.credential = credential
    }

    package static let console = Requester(.console, by: .socket)

    /// As records name it: `ann`, or `console`.
    package var name: String {
        switch principal {
        case .user(let name): name
        case .console: "console"
        case .node(let node, _): "node/\(node)"
        case .workload(let workload, _): "workload/\(workload)"
        }
    }
}

/// What somebody wants to do something with.
package struct AccessTarget: Hashable, Sendable {
    /// Nil for the fleet as a whole.
    package var kind: Kind?
    package var name: String
    /// Where it is; empty where it may be anywhere, so that only those may touch it who may everywhere.
    package var sites: [SiteID]
    package var tier: Tier?
    /// What a workload asks of its node; nil for anything else.
    package var demands: Demands?
    /// Who asked for what is to be approved; nil where nobody did, or it is not known.
    package var requestedBy: Principal?
    /// Whether somebody else approved that this is done.
    package var isApproved = false
    /// Whether data could be lost with it: it may write on its node, or such a workload runs there.
    package var keepsData = false
    /// Whether what is done could lose data though nothing is deleted, or takes much of the fleet at
    /// once: a workload is taken from what it wrote, more is revoked than one hand may, a root goes.
    package var isGrave = false

    /// What a workload asks of the node that runs it, as policies name it.
    package struct Demands: Hashable, Sendable {
        /// As they are written.
        package var images: [String] = []
        /// Whose word there is for each of them, in their order. Not checked yet.
        package var signatures: [[ImageSignature]] = []
        /// Whether every image is named by its digest, so that nobody can put another in its place.
        package var isPinned = true
        /// What of the node it is shown, and what of that it may write.
        package var hostMounts: [String] = []
        package var writableMounts: [String] = []
        /// Those with a number of their own.
        package var ports: [Int] = []
        /// Whether some container is a plain process of the node, without an image.
        package var runsCommands = false
    }

    package init(
        _ kind: Kind, _ name: String, sites: [SiteID] = [], tier: Tier? = nil,
        demands: Demands? = nil
    ) {
        self.kind = kind
        self.name = name
        self.sites = sites
        self.tier = tier
        self.demands = demands
        keepsData = demands?.writableMounts.isEmpty == false
    }

    private init() {
        kind = nil
        name = "fleet"
        sites = []
    }

    package static let fleet = AccessTarget()

    package var reference: String { kind.map { "\($0.rawValue)/\(name)" } ?? "the fleet" }
}

extension AccessTarget {
    /// - Parameter place: the site of a node, where it is known.
    package init(_ object: Object, place: (NodeID) -> SiteID?) {
        let name = object.metadata.name
        switch object {
        case .site: self.init(.site, name, sites: [SiteID(name)])
        case .node(let node): self.init(.node, name, sites: [node.spec.site])
        case .workload(let workload):
            // One that names no site may be placed at any.
            let site = workload.spec.selector["site"].map { SiteID($0) }
            self.init(
                .workload, name, sites: site.map { [$0] } ?? [], tier: workload.spec.tier,
                demands: Demands(workload.spec.containers))
        case .instance(let instance):
            let site = place(instance.status.node)
            self.init(.instance, name, sites: site.map { [$0] } ?? [])
        case .policy: self.init(.policy, name)
        case .secret: self.init(.secret, name)
        }
    }
}

extension AccessTarget.Demands {
    package init(_ containers: [ContainerSpec]) {
        for container in containers {
            if let image = container.image {
                images.append(image)
                signatures.append(container.signatures)
                isPinned = isPinned && ImageSignature.digest(of: image) != nil
            } else {
                runsCommands = true
            }
            for mount in container.mounts {
                hostMounts.append(mount.source)
                if !mount.readOnly { writableMounts.append(mount.source) }
            }
            ports += container.ports.flatMap { [$0.port, $0.front].compactMap { $0 } }
        }
    }
}

/// Whether somebody may do something, and which policies say so.
package struct AccessReport: Hashable, Codable, Sendable {
    package var isAllowed: Bool
    /// The ids of the policies that decided; empty where none said anything, which denies.
    package var reasons: [String]
    /// Policies that could not be worked out, each with why.
    package var errors: [String]
    /// The versions that it was decided by.
    package var policies: [PolicyReference]
    /// True where all that lacks is that another person approves it; nil otherwise.
    package var needsApproval: Bool?

    package init(
        isAllowed: Bool, reasons: [String], errors: [String] = [],
        policies: [PolicyReference] = [], needsApproval: Bool? = nil
    ) {
        self.needsApproval = needsApproval
        self.isAllowed = isAllowed
        self.reasons = reasons
        self.errors = errors
        self.policies = policies
    }
}

extension WorkloadSpec {
    /// Whether something that this one wrote on its node could be out of reach of `next`: a place that is
    /// not shown any more, other nodes, fewer copies.
    package func losesData(becoming next: WorkloadSpec) -> Bool {
        let written = Set(AccessTarget.Demands(containers).writableMounts)
        guard !written.isEmpty else { return false }
        return selector != next.selector
            || !written.isSubset(of: AccessTarget.Demands(next.containers).writableMounts)
            || replicas.isMore(than: next.replicas)
    }
}

extension Replicas {
    fileprivate func isMore(than other: Replicas) -> Bool {
        switch (self, other) {
        case (.count(let count), .count(let next)): count > next
        case (.perNode, .count): true
        case (_, .perNode): false
        }
    }
}
