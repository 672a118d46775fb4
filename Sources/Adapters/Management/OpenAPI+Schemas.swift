import Model

/// What the bodies look like. ManagementTests hold these against the coded form of Model's records.
let schemas: [String: Schema] = [
    "ServerInfo": .fields([
        ("role", .choice(["hub", "node"])), ("name", .string), ("version", .string),
        ("hubInContact?", .boolean), ("since?", .string),
        ("disk?", .named("DiskProtection")),
    ]),
    "ServiceQuestion": .fields([
        ("principal", .string), ("action?", .choice(Verb.allCases.map(\.rawValue))),
        ("resource", .string), ("context?", .object),
    ]),
    "WorkloadCredential": .fields([
        ("id", .string), ("certificate", .string), ("privateKey", .string),
        ("trustBundle", .string), ("expiresAt", .string), ("renewedAt", .string),
    ]),
    "GlassRequest": .fields([("reason", .string), ("validFor", .string)]),
    "BrokenGlass": .fields([("until", .string)]),
    "DiskProtection": .fields([("sealedBy?", .string), ("stolenDisk", .array(.string))]),
    "AccessRecord": .fields([
        ("request", .string), ("at", .string), ("who", .string),
        ("credential", .choice(["certificate", "token", "socket"])),
        ("verb", .choice(Verb.allCases.map(\.rawValue))), ("target", .string),
        ("report", .named("AccessReport")),
    ]),
    "PolicyExcerpt": .fields([("id", .string), ("place", .string), ("text", .string)]),
    "AccessExplanation": .fields([
        ("items", .array(.named("AccessRecord"))), ("excerpts", .array(.named("PolicyExcerpt"))),
    ]),
    "Right": .fields([
        ("verb", .choice(Verb.allCases.map(\.rawValue))), ("target", .string),
        ("isAllowed", .boolean), ("reasons", .array(.string)),
    ]),
    "Rights": .fields([
        ("who", .string), ("items", .array(.named("Right"))), ("policies", .array(.string)),
    ]),
    "WhoAmI": .fields([
        ("user?", .string), ("credential", .choice(["certificate", "token", "socket"])),
        ("token?", .string), ("expiresAt?", .string),
    ]),
    "UserToken": .fields([
        ("id", .string), ("user", .string), ("issuedBy", .string), ("issuedAt", .string),
        ("expiresAt", .string), ("revokedAt?", .string), ("revokedBy?", .string),
    ]),
    "UserTokenList": .fields([
        ("items", .array(.named("UserToken"))), ("continue?", .string), ("asOf", .string),
    ]),
    "UserTokenRequest": .fields([("user", .string), ("validFor", .string)]),
    "IssuedUserToken": .fields([("text", .string), ("token", .named("UserToken"))]),
    "Metadata": .fields([
        ("name", .string), ("labels?", .map(.string)), ("annotations?", .map(.string)),
        ("generation?", .integer), ("createdAt?", .string),
    ]),
    "Object": .fields([
        ("apiVersion", .choice([apiVersion])), ("kind", .choice(Kind.allCases.map(\.rawValue))),
        ("metadata", .named("Metadata")), ("spec?", .object), ("status?", .object),
        ("signed?", .named("PolicyBundle")),
    ]),
    "PolicyBundle": .fields([
        ("key", .string), ("signature", .string), ("payload", .array(.string)),
    ]),
    "ObjectList": .fields([
        ("items", .array(.named("Object"))), ("continue?", .string), ("asOf", .string),
    ]),
    "Event": .fields([
        ("at", .string), ("node?", .string), ("severity", .choice(["Normal", "Warning"])),
        ("reason", .string), ("kind", .choice(Kind.allCases.map(\.rawValue))), ("name", .string),
        ("message", .string),
    ]),
    "EventList": .fields([("items", .array(.named("Event"))), ("asOf", .string)]),
    "Decision": .fields([
        ("id", .named("DecisionID")), ("at", .string), ("site?", .string),
        ("domain", .choice(Domain.allCases.map(\.rawValue))),
        ("action", .choice(["place", "update", "start", "stop", "pull"])),
        ("subject", .string), ("tier", .integer),
        ("basis", .choice(["intent", "person", "change", "judgement"])), ("cause", .string),
        ("passed", .boolean), ("ruling", .named("Ruling")),
        ("staleness", .choice(Staleness.allCases.map(\.rawValue))),
        ("reach", .choice(Reach.allCases.map(\.rawValue))), ("policyVersion", .integer),
        ("policies?", .array(.string)), ("policyAge", .string),
        ("alternatives", .array(.named("Alternative"))), ("claim?", .named("DecisionClaim")),
    ]),
    "DecisionClaim": .fields([
        ("epoch", .integer), ("holder", .string), ("predecessor?", .string),
        ("witnesses", .array(.string)),
    ]),
    "DecisionID": .fields([("origin", .string), ("number", .integer)]),
    "Alternative": .fields([
        ("node", .string), ("own", .integer), ("others", .integer), ("isChosen", .boolean),
        ("obstacle", .string),
    ]),
    "Ruling": .fields([
        ("verdict", .choice(Verdict.allCases.map(\.rawValue))),
        ("by", .choice(Authority.allCases.map(\.rawValue))),
    ]),
    "DecisionList": .fields([("items", .array(.named("Decision"))), ("asOf", .string)]),
    "AuthorityCell": .fields([
        ("domain", .choice(Domain.allCases.map(\.rawValue))), ("tier", .integer),
        ("staleness", .choice(Staleness.allCases.map(\.rawValue))),
        ("reach", .choice(Reach.allCases.map(\.rawValue))), ("ruling", .named("Ruling")),
        ("source?", .string),
    ]),
    "AuthorityStanding": .fields([
        ("node", .string), ("staleness", .choice(Staleness.allCases.map(\.rawValue))),
        ("reach", .choice(Reach.allCases.map(\.rawValue))), ("policyVersion", .integer),
        ("policyAge", .string), ("policies?", .array(.string)),
    ]),
    "AuthorityVariant": .fields([
        ("nodes", .array(.string)), ("policies", .array(.string)),
        ("pattern", .choice(Pattern.allCases.map(\.rawValue))), ("stalenessBound", .string),
        ("autonomyWindow", .string), ("cells", .array(.named("AuthorityCell"))),
    ]),
    "AuthorityReport": .fields([
        ("site", .string), ("pattern", .choice(Pattern.allCases.map(\.rawValue))),
        ("policyVersion", .integer), ("stalenessBound", .string), ("autonomyWindow", .string),
        ("cells", .array(.named("AuthorityCell"))), ("nodes", .array(.named("AuthorityStanding"))),
        ("policies?", .array(.string)), ("variants?", .array(.named("AuthorityVariant"))),
        ("asOf", .string),
    ]),
    "LocalChange": .fields([
        ("workload", .string), ("at", .string), ("sequence", .integer),
        ("decision", .named("DecisionID")), ("base?", .object), ("spec?", .object),
        ("ordinals", .array(.integer)),
    ]),
    "LocalChangeReport": .fields([
        ("node", .string), ("site", .string), ("change", .named("LocalChange")),
        ("fields", .array(.string)), ("conflicts", .array(.string)),
        ("standing", .choice(Side.allCases.map(\.rawValue))), ("hub?", .object),
        ("isHandedOver", .boolean),
    ]),
    "LocalChangeList": .fields([
        ("items", .array(.named("LocalChangeReport"))), ("continue?", .string), ("asOf", .string),
    ]),
    "Resolution": .fields([
        ("node", .string), ("workload", .string),
        ("keep", .choice(Side.allCases.map(\.rawValue))),
    ]),
    "ApplyRequest": .fields([("objects", .array(.named("Object")))]),
    "ApplyResult": .fields([
        ("kind", .choice(Kind.allCases.map(\.rawValue))), ("name", .string),
        ("outcome", .choice(["created", "configured", "unchanged"])),
    ]),
    "ApplyAnswer": .fields([("results", .array(.named("ApplyResult")))]),
    "Edit": .fields([
        ("labels?", .map(.nullable(.string))), ("cordon?", .boolean),
        ("resolve?", .choice(Side.allCases.map(\.rawValue))),
    ]),
    "AccessReport": .fields([
        ("isAllowed", .boolean), ("reasons", .array(.string)), ("errors", .array(.string)),
        ("policies", .array(.string)), ("needsApproval?", .boolean),
    ]),
    "Approval": .fields([
        ("id", .string), ("verb", .choice(Verb.allCases.map(\.rawValue))),
        ("kind?", .choice(Kind.allCases.map(\.rawValue))), ("name", .string), ("act?", .object),
        ("createdAt?", .string), ("generation", .integer), ("requestedBy", .string),
        ("credential", .choice(["certificate", "token"])), ("requestedAt", .string),
        ("expiresAt", .string), ("reasons", .array(.string)),
        ("state", .choice(Approval.State.allCases.map(\.rawValue))), ("answeredBy?", .string),
        ("answeredAt?", .string), ("note?", .string),
    ]),
    "ApprovalList": .fields([
        ("items", .array(.named("Approval"))), ("continue?", .string), ("asOf", .string),
    ]),
    "ApprovalAnswer": .fields([("isApproved", .boolean), ("note?", .string)]),
    "AuditEntry": .fields([("index", .integer), ("hash", .string), ("text", .string)]),
    "AuditPage": .fields([
        ("log", .string), ("items", .array(.named("AuditEntry"))), ("asOf", .string),
    ]),
    "AuditCheckpoint": .fields([
        ("log", .string), ("index", .integer), ("head", .string), ("at", .string),
        ("signature", .string),
    ]),
    "AuditTreeHead": .fields([
        ("log", .string), ("size", .integer), ("root", .string), ("at", .string),
        ("signature", .string),
    ]),
    "AuditReceipt": .fields([
        ("key", .string), ("head", .named("AuditTreeHead")), ("index", .integer),
        ("leaf", .integer), ("inclusion", .array(.string)), ("consistency?", .array(.string)),
    ]),
    "AuditProof": .fields([
        ("log", .string), ("key", .string), ("before", .string),
        ("entries", .array(.named("AuditEntry"))), ("checkpoint", .named("AuditCheckpoint")),
        ("receipt?", .named("AuditReceipt")), ("witnessed?", .named("AuditCheckpoint")),
    ]),
    "AuditFault": .fields([("kind", .string), ("index", .integer), ("message", .string)]),
    "AuditVerdict": .fields([
        ("log", .string), ("first", .integer), ("last", .integer), ("checkpoints", .integer),
        ("newest?", .named("AuditCheckpoint")), ("fault?", .named("AuditFault")),
        ("witnessed?", .integer), ("neighbours?", .map(.integer)),
    ]),
    "Conflict": .fields([
        ("node", .string), ("kind", .choice(Kind.allCases.map(\.rawValue))), ("name", .string),
        ("atHub?", .named("Object")), ("atNode?", .named("Object")),
        ("copiesAtHub", .array(.integer)), ("copiesAtNode", .array(.integer)),
    ]),
    "ConflictList": .fields([
        ("items", .array(.named("Conflict"))), ("continue?", .string), ("asOf", .string),
    ]),
    "Breach": .fields([("decision", .named("Decision")), ("faults", .array(.string))]),
    "SiteCompliance": .fields([
        ("site", .string), ("judged", .integer), ("breached", .integer), ("offline", .integer),
        ("superseded", .integer), ("since?", .string), ("breaches", .array(.named("Breach"))),
    ]),
    "ComplianceReport": .fields([
        ("items", .array(.named("SiteCompliance"))), ("asOf", .string),
    ]),
    "MeshSight": .fields([
        ("node", .string), ("liveness", .choice(["absent", "alive", "quiet", "failed"])),
        ("since", .string), ("age?", .string), ("lossHere?", .number), ("lossThere?", .number),
        ("votes", .integer), ("isCloned", .boolean), ("holdsAll", .boolean),
    ]),
    "MeshTraffic": .fields([
        ("sentFrames", .integer), ("sentBytes", .integer), ("payloadBytes", .integer),
        ("receivedFrames", .integer), ("dropped", .map(.integer)),
    ]),
    "RosterVersion": .fields([("epoch", .integer), ("number", .integer)]),
    "MeshView": .fields([
        ("node", .string), ("site", .string), ("address", .string),
        ("roster", .named("RosterVersion")), ("isIsolated", .boolean), ("quorum", .integer),
        ("peers", .array(.named("MeshSight"))), ("traffic", .named("MeshTraffic")),
        ("at", .string), ("claims?", .array(.named("Tenure"))),
    ]),
    "Tenure": .fields([
        ("instance", .named("InstanceID")), ("epoch", .integer), ("holder", .string),
        ("isHeld", .boolean), ("predecessor?", .string), ("plan", .named("RosterVersion")),
        ("since", .string), ("isReady", .boolean), ("load", .integer),
    ]),
    "ServiceEndpoint": .fields([
        ("service", .string), ("instance", .named("InstanceID")), ("node", .string),
        ("site", .string), ("host", .string), ("ports", .map(.integer)), ("isLocal", .boolean),
        ("load", .number), ("age", .string),
    ]),
    "InstanceID": .fields([("workload", .string), ("ordinal", .integer)]),
    "ServiceList": .fields([
        ("items", .array(.named("ServiceEndpoint"))), ("continue?", .string), ("asOf", .string),
    ]),
    "MeshHolding": .fields([
        ("node", .string), ("subject", .string), ("version", .integer),
    ]),
    "MeshHoldings": .fields([
        ("items", .array(.named("MeshHolding"))), ("continue?", .string), ("asOf", .string),
    ]),
    "MeshTrace": .fields([
        ("key", .string), ("origin", .string), ("sequence", .integer), ("writtenAt", .string),
        ("via?", .string), ("arrivedAt?", .string), ("isTombstone", .boolean),
        ("sizeBytes", .integer), ("holders", .array(.string)),
    ]),
    "MeshTraces": .fields([
        ("items", .array(.named("MeshTrace"))), ("continue?", .string), ("asOf", .string),
    ]),
    "MeshReport": .fields([
        ("items", .array(.named("MeshView"))), ("continue?", .string), ("asOf", .string),
    ]),
    "TokenRequest": .fields([("site", .string), ("validFor", .string)]),
    "IssuedToken": .fields([("text", .string), ("site", .string), ("expiresAt", .string)]),
    "CertificateFacts": .fields([
        ("subject", .string), ("issuer", .string), ("serial", .string), ("notBefore", .string),
        ("notAfter", .string), ("fingerprint", .string), ("device?", .string),
        ("mode?", .choice(["connected", "local"])),
    ]),
    "CertificateReport": .fields([
        ("name", .string),
        ("role", .choice(CertificateReport.Role.allCases.map(\.rawValue))), ("node?", .string),
        ("issuedBy", .choice(CertificateReport.Issuer.allCases.map(\.rawValue))),
        ("renewal", .choice(CertificateReport.Renewal.allCases.map(\.rawValue))),
        ("facts", .named("CertificateFacts")), ("seenAt?", .string), ("revokedAt?", .string),
    ]),
    "CertificateList": .fields([
        ("items", .array(.named("CertificateReport"))), ("continue?", .string), ("asOf", .string),
        ("clock", .string),
    ]),
    "PendingNode": .fields([
        ("node", .string), ("site", .string), ("device", .string), ("firstAsked", .string),
        ("state", .choice(PendingNode.State.allCases.map(\.rawValue))), ("answeredAt?", .string),
    ]),
    "PendingList": .fields([
        ("items", .array(.named("PendingNode"))), ("continue?", .string), ("asOf", .string),
    ]),
    "PendingAnswer": .fields([
        ("isApproved", .boolean), ("fingerprint?", .string), ("site?", .string),
    ]),
    "Revocation": .fields([
        ("subject", .string), ("device?", .string), ("at", .string), ("reason", .string),
    ]),
    "RevocationReport": .fields([
        ("version", .integer), ("issuedAt?", .string), ("expiresAt?", .string),
        ("items", .array(.named("Revocation"))), ("allowance?", .integer), ("continue?", .string),
        ("asOf", .string),
    ]),
    "RevocationRequest": .fields([
        ("subjects", .array(.string)), ("reason", .string), ("warrant?", .named("PolicyBundle")),
    ]),
    "Mistake": .fields([
        ("object", .integer), ("field", .string), ("message", .string), ("fix", .string),
    ]),
    "Refusal": .fields([
        (
            "code",
            .choice([
                "invalid", "notFound", "denied", "conflict", "unavailable", "unauthenticated",
                "throttled",
            ])
        ),
        ("message", .string), ("mistakes", .array(.named("Mistake"))),
    ]),
]
