/// A part of the house, and the modules that its code may import.
struct Room: Sendable {
    /// The directory, from the root.
    let path: String
    let imports: Set<String>
    /// Pure rooms hold values: no clock, chance, concurrency or operating system.
    let isPure: Bool
}

extension Room {
    private static let core = [
        "Replication", "Authority", "Membership", "Placement", "Caching", "Insight", "Recovery",
    ]

    private static func pure(_ name: String, sees rooms: [String] = ["Model"]) -> Room {
        Room(path: "Sources/Core/\(name)/", imports: Set(rooms), isPure: true)
    }

    /// The standard library's neighbours: whoever touches the world may use them.
    private static let system: Set<String> = [
        "Foundation", "FoundationEssentials", "Glibc", "Musl", "Dispatch", "Synchronization",
    ]

    private static func rim(_ path: String, sees modules: Set<String>) -> Room {
        Room(path: "Sources/\(path)/", imports: modules.union(system), isPure: false)
    }

    /// The table in `docs/style.md`. A new arrow is a decision: write it down there first.
    static let all: [Room] =
        [pure("Model", sees: [])]
        + core.map { pure($0) }
        + [
            pure("Cedar", sees: []),
            pure("Trust", sees: ["Model", "Cedar", "Crypto", "CryptoExtras"]),
            pure("Audit", sees: ["Model", "Crypto"]),
            pure("Machines", sees: ["Model", "Cedar", "Trust", "Audit"] + core),
            rim("Adapters/Storage", sees: ["Model", "GRDB"]),
            rim(
                "Adapters/Containers",
                sees: ["Model", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix"]),
            rim(
                "Adapters/Transport",
                sees: [
                    "Model", "GRPCCore", "GRPCNIOTransportHTTP2Posix", "GRPCProtobuf",
                    "SwiftProtobuf", "X509", "SwiftASN1", "Crypto", "NIOCore", "NIOPosix", "NIOSSL",
                    "NIOTLS", "NIOHTTP2", "NIOHPACK",
                ]),
            rim(
                "Adapters/Management",
                sees: [
                    "Model", "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "Logging",
                    "NIOCore", "NIOPosix", "NIOSSL",
                ]),
            rim("Adapters/Tokens", sees: ["Model", "JWTKit", "Crypto"]),
            rim("Adapters/Manifest", sees: ["Model", "Yams"]),
            rim(
                "Host",
                sees: [
                    "Model", "Authority", "Trust", "Audit", "Membership", "Machines", "Manifest",
                    "Storage", "Containers", "Transport", "Management", "Tokens", "Logging",
                ]),
            rim(
                "Client",
                sees: [
                    "Model", "Manifest", "Authority", "Trust", "Audit", "Transport",
                    "AsyncHTTPClient",
                    "NIOCore",
                    "NIOPosix", "NIOHTTP1",
                    "NIOSSL", "NIOTLS",
                ]),
            rim("Simulation", sees: Set(["Model", "Machines", "Trust"] + core)),
            rim("skerry", sees: ["Model", "Host", "Client", "Simulation", "ArgumentParser"]),
        ]

    static func of(_ path: String) -> Room? { all.first { path.hasPrefix($0.path) } }
}
