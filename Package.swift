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
    _ name: String, in path: String, sees rooms: [String] = [], uses libraries: [Target.Dependency] = []
) -> Target {
    .target(
        name: name,
        dependencies: rooms.map { .target(name: $0) } + libraries,
        path: "Sources/\(path)",
        swiftSettings: strict)
}

func tests(
    _ name: String, sees rooms: [String], uses libraries: [Target.Dependency] = []
) -> Target {
    .testTarget(
        name: name,
        dependencies: rooms.map { .target(name: $0) } + libraries,
        path: "Tests/\(name)",
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
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let tls: [Target.Dependency] = [.product(name: "NIOSSL", package: "swift-nio-ssl")]

let package = Package(
    name: "skerry",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "skerry", targets: ["skerry"]),
        .executable(name: "route-optimizer", targets: ["route-optimizer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
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
    ],
    targets: [
        // Core: values, no world.
        room("Model", in: "Core/Model"),
        room("Replication", in: "Core/Replication", sees: ["Model"]),
        room("Machines", in: "Core/Machines", sees: ["Model", "Replication"]),

        // Adapters: the outside world, one library each.
        room("Manifest", in: "Adapters/Manifest", sees: ["Model"], uses: [.product(name: "Yams", package: "Yams")]),
        room("Storage", in: "Adapters/Storage", sees: ["Model"], uses: [.product(name: "GRDB", package: "GRDB.swift")]),
        room("Containers", in: "Adapters/Containers", sees: ["Model"], uses: httpClient),
        room("Transport", in: "Adapters/Transport", sees: ["Model"], uses: gRPC + certificates),
        room("Management", in: "Adapters/Management", sees: ["Model"], uses: httpServer + tls),

        // What drives the machines, and what talks to them.
        room("Host", in: "Host", sees: ["Model", "Replication", "Machines", "Manifest", "Storage", "Containers", "Transport", "Management"]),
        room("Client", in: "Client", sees: ["Model", "Manifest"], uses: httpClient + tls),
        room("Simulation", in: "Simulation", sees: ["Model", "Replication", "Machines"]),

        .executableTarget(
            name: "skerry",
            dependencies: [
                "Host", "Client", "Simulation", "Model",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/skerry",
            swiftSettings: strict),
        .executableTarget(
            name: "route-optimizer",
            path: "Examples/route-optimizer/Sources",
            swiftSettings: strict),
        tests("ContainersTests", sees: ["Containers", "Model"], uses: httpClient),
    ]
)
