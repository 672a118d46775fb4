// swift-tools-version: 6.2

import PackageDescription

/// One setting for every target: the language as strict as it goes, and no warning survives.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A room of the house. `path` is below `Sources/`.
func room(
    _ name: String, in path: String, sees rooms: [String] = [],
    uses libraries: [Target.Dependency] = []
) -> Target {
    .target(
        name: name,
        dependencies: rooms.map { .target(name: $0) } + libraries,
        path: "Sources/\(path)",
        swiftSettings: strict)
}

/// The tests of a room. `fixtures`: they read files from `Fixtures/` beside their source.
func tests(
    _ name: String, sees rooms: [String], uses libraries: [Target.Dependency] = [],
    fixtures: Bool = false
) -> Target {
    .testTarget(
        name: name,
        dependencies: rooms.map { .target(name: $0) } + libraries,
        path: "Tests/\(name)",
        exclude: fixtures ? ["Fixtures"] : [],
        swiftSettings: strict)
}

let gRPC: [Target.Dependency] = [
    .product(name: "GRPCCore", package: "grpc-swift-2"),
    .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
    .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
    .product(name: "SwiftProtobuf", package: "swift-protobuf"),
]
let certificates: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "Crypto", package: "swift-crypto"),
]
let httpClient: [Target.Dependency] = [
    .product(name: "AsyncHTTPClient", package: "async-http-client"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let httpServer: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
/// The client speaks HTTP/1.1 over NIO itself: its streams are full duplex, and its errors are for people.
let httpConnection: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
]
let tls: [Target.Dependency] = [.product(name: "NIOSSL", package: "swift-nio-ssl")]
/// What lies under gRPC: needed to insist on TLS 1.3 and to tie a call to its peer's certificate.
let controlLink: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOHPACK", package: "swift-nio-http2"),
    .product(name: "NIOHTTP2", package: "swift-nio-http2"),
]

let package = Package(
    name: "skerry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "skerry", targets: ["skerry"]),
        .executable(name: "route-optimizer", targets: ["route-optimizer"]),
        .executable(name: "crash-images", targets: ["crash-images"]),
        .library(name: "ClockShim", type: .dynamic, targets: ["ClockShim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.40.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        // Core: values, no world.
        room("Model", in: "Core/Model"),
        room("Replication", in: "Core/Replication", sees: ["Model"]),
        room("Authority", in: "Core/Authority", sees: ["Model"]),
        room("Cedar", in: "Core/Cedar"),
        room("Membership", in: "Core/Membership", sees: ["Model"]),
        room("Claiming", in: "Core/Claiming", sees: ["Model"]),
        room(
            "Audit", in: "Core/Audit", sees: ["Model"],
            uses: [.product(name: "Crypto", package: "swift-crypto")]),
        room(
            "Trust", in: "Core/Trust", sees: ["Model", "Cedar"],
            uses: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),
        room(
            "Machines", in: "Core/Machines",
            sees: ["Model", "Replication", "Authority", "Claiming", "Trust", "Audit"]),

        // Adapters: the outside world, one library each.
        room(
            "Manifest", in: "Adapters/Manifest", sees: ["Model"],
            uses: [.product(name: "Yams", package: "Yams")]),
        room(
            "Storage", in: "Adapters/Storage", sees: ["Model"],
            uses: [.product(name: "GRDB", package: "GRDB.swift")]),
        room("Containers", in: "Adapters/Containers", sees: ["Model"], uses: httpClient),
        room(
            "Transport", in: "Adapters/Transport", sees: ["Model"],
            uses: gRPC + certificates + tls + controlLink),
        room(
            "Tokens", in: "Adapters/Tokens", sees: ["Model"],
            uses: [
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        room("Management", in: "Adapters/Management", sees: ["Model"], uses: httpServer + tls),

        // What drives the machines, and what talks to them.
        room(
            "Host", in: "Host",
            sees: [
                "Model", "Replication", "Authority", "Trust", "Audit", "Membership", "Claiming",
                "Machines", "Manifest", "Storage", "Containers", "Transport", "Management",
                "Tokens",
            ]),
        room(
            "Client", in: "Client",
            sees: ["Model", "Manifest", "Authority", "Trust", "Audit", "Transport"],
            uses: httpConnection + tls),
        room(
            "Simulation", in: "Simulation",
            sees: [
                "Model", "Replication", "Authority", "Claiming", "Membership", "Trust", "Machines",
            ]),

        .executableTarget(
            name: "skerry",
            dependencies: [
                "Host", "Client", "Simulation", "Model",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/skerry",
            swiftSettings: strict),

        // The example.
        .target(
            name: "RouteOptimizing",
            path: "Examples/route-optimizer/Sources/RouteOptimizing",
            swiftSettings: strict),
        .target(
            name: "RouteServing",
            dependencies: ["RouteOptimizing"],
            path: "Examples/route-optimizer/Sources/RouteServing",
            swiftSettings: strict),
        .executableTarget(
            name: "route-optimizer",
            dependencies: ["RouteOptimizing", "RouteServing"],
            path: "Examples/route-optimizer/Sources/route-optimizer",
            swiftSettings: strict,
            // Its image holds this one file and no libraries; see bin/image.
            linkerSettings: [.unsafeFlags(["-static-executable"], .when(platforms: [.linux]))]),

        tests(
            "ManagementTests", sees: ["Management", "Model"], uses: httpClient + tls + certificates),
        tests(
            "ClientTests", sees: ["Client", "Manifest", "Model", "Trust", "Transport"],
            uses: httpConnection + tls + certificates),
        tests("ManifestTests", sees: ["Manifest", "Model"], fixtures: true),
        tests("ModelTests", sees: ["Model"]),
        tests("ReplicationTests", sees: ["Model", "Replication"]),
        tests("AuthorityTests", sees: ["Model", "Authority"]),
        tests(
            "TrustTests", sees: ["Model", "Trust", "SessionNetwork"],
            uses: [.product(name: "Crypto", package: "swift-crypto")], fixtures: true),
        tests(
            "MachinesTests",
            sees: ["Model", "Machines", "Authority", "Claiming", "Simulation", "Trust", "Audit"]),
        // Breaks what comes from outside in drawn ways, for tests and for bin/fuzz-decoders.
        .target(
            name: "DecoderFuzz", dependencies: ["Membership", "Model", "Transport", "Trust"],
            path: "Tests/DecoderFuzz", exclude: ["Corpus"], swiftSettings: strict),
        .executableTarget(
            name: "fuzz-decoders", dependencies: ["DecoderFuzz"], path: "Benchmarks/fuzz-decoders",
            swiftSettings: strict),
        tests(
            "TransportTests", sees: ["Model", "Transport", "DecoderFuzz"],
            uses: gRPC + certificates + tls + controlLink),
        // Two ends of the data plane and what loses, changes and invents between them: for tests and fuzzing.
        .target(
            name: "SessionNetwork",
            dependencies: [
                "Trust", "Model", .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Tests/SessionNetwork", swiftSettings: strict),
        // Moves the wall clock of a process that preloads it, for tests.
        .target(name: "ClockShim", path: "Tests/ClockShim", linkerSettings: [.linkedLibrary("dl")]),
        // What a power cut leaves of a store: recorded and rebuilt, for tests and benchmarks.
        .target(
            name: "CrashRecorder", path: "Tests/CrashRecorder",
            linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "CrashImages", dependencies: ["CrashRecorder", "Storage", "Model"],
            path: "Tests/CrashImages", swiftSettings: strict),
        .executableTarget(
            name: "crash-images", dependencies: ["CrashImages", "Storage", "Model"],
            path: "Benchmarks/crash-images", swiftSettings: strict),
        tests(
            "StorageTests", sees: ["Storage", "Model", "CrashImages", "CrashRecorder"],
            uses: [.product(name: "GRDB", package: "GRDB.swift")]),
        // A fleet on virtual time, from the command line: bin/sim.
        .executableTarget(
            name: "sim", dependencies: ["Simulation", "Model"], path: "Benchmarks/sim",
            swiftSettings: strict),
        // What the gate costs: bin/bench-gate.
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "gate", dependencies: ["AllocationCounter", "Authority", "Model"],
            path: "Benchmarks/gate", swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]),
        // What a session costs beside TLS, and fuzzing: bin/bench-session.
        .executableTarget(
            name: "session",
            dependencies: [
                "SessionNetwork", "Trust", "Model",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ] + certificates + tls,
            path: "Benchmarks/session", swiftSettings: strict),
        // What it costs to prove who one is: bin/bench-identity.
        .executableTarget(
            name: "identity-bench",
            dependencies: [
                "Transport", "Trust", "Model",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
            ] + tls,
            path: "Benchmarks/identity", swiftSettings: strict),
        tests("SimulationTests", sees: ["Model", "Authority", "Machines", "Simulation", "Trust"]),
        tests("RouteOptimizerTests", sees: ["RouteOptimizing", "RouteServing"]),
        // A mesh on virtual time, for tests and for tuning: bin/rehearse-mesh.
        .target(
            name: "MeshLab", dependencies: ["Membership", "Model"], path: "Tests/MeshLab",
            swiftSettings: strict),
        // One node over UDP, for the mesh driver: bin/bench-mesh.
        .executableTarget(
            name: "mesh-node", dependencies: ["Membership", "Model"],
            path: "Benchmarks/mesh/node", swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]),
        .executableTarget(
            name: "rehearse-mesh", dependencies: ["MeshLab", "Membership", "Model"],
            path: "Benchmarks/mesh/rehearse", swiftSettings: strict,
            linkerSettings: [.linkedLibrary("m")]),
        tests("MembershipTests", sees: ["Model", "Membership", "MeshLab"]),
        tests("TidyTests", sees: []),
        tests("ContainersTests", sees: ["Containers", "Model"], uses: httpClient),
        tests(
            "HostTests",
            sees: [
                "Host", "Model", "Machines", "Transport", "Trust", "Membership", "Audit", "Storage",
            ]),
        tests("TokensTests", sees: ["Tokens", "Model"]),
        // Runs the built executables, which `swift test` builds with it.
        tests(
            "EndToEndTests", sees: ["Model"],
            uses: httpClient + tls + [.product(name: "GRDB", package: "GRDB.swift")]),
        // Breaks policies and entities in drawn ways, for tests and benchmarks.
        .target(
            name: "CedarFuzz", dependencies: ["Cedar"], path: "Tests/CedarFuzz",
            swiftSettings: strict),
        tests("CedarTests", sees: ["Cedar", "CedarFuzz"]),
        // What a decision by policy costs, and how it compares: bin/bench-cedar.
        .executableTarget(
            name: "cedar-bench", dependencies: ["Cedar", "CedarFuzz"], path: "Benchmarks/cedar",
            exclude: ["compare.py"], swiftSettings: strict),
        // What the audit log costs: bin/bench-audit.
        .executableTarget(
            name: "audit-bench",
            dependencies: [
                "Audit", "Host", "Management", "Model", "Storage",
                .product(name: "GRDB", package: "GRDB.swift"),
            ] + httpClient + tls,
            path: "Benchmarks/audit", swiftSettings: strict),
        tests(
            "AuditTests", sees: ["Audit", "Model"],
            uses: [.product(name: "Crypto", package: "swift-crypto")]),
        tests("ClaimingTests", sees: ["Claiming", "Membership", "MeshLab", "Model"]),
    ]
)
