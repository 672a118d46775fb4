import Foundation
import Manifest
package import Model

/// The files behind `-f`: a file, every manifest of a directory, or `-` for standard input.
package struct ManifestFiles: Sendable {
    private let paths: [String]

    package init(_ paths: [String]) { self.paths = paths }

    /// Beyond what the reader takes, so that the reader is the one to say what is too large.
    private static let bytesMax = 16 << 20
    private static let filesMax = 1000
    private static let endings = [".yaml", ".yml", ".json"]

    /// All objects, or a failure that holds every mistake of every file.
    package func objects() throws(Failure) -> [Object] { try read().objects }

    /// The objects, and the files that a mistake found later can be shown in.
    func read() throws(Failure) -> (objects: [Object], sources: [ManifestSource]) {
        let sources = try sources()
        switch ManifestReader.read(sources) {
        case .objects(let objects): return (objects, sources)
        case .mistakes(let mistakes, let omitted):
            throw ManifestFiles.failure(mistakes, omitted: omitted)
        }
    }

    /// Mistakes in what the files mean, with their place in them.
    func failure(_ mistakes: [Mistake], so outcome: String) throws(Failure) -> Failure {
        ManifestFiles.failure(ManifestReader.placed(mistakes, in: try sources()), so: outcome)
    }

    static func failure(
        _ mistakes: [ManifestMistake], omitted: Int = 0, in what: String = "the manifest",
        so outcome: String = "nothing was applied"
    ) -> Failure {
        let count = mistakes.count + omitted
        var text = mistakes.map(\.rendered)
        if omitted > 0 { text.append("and \(omitted) more") }
        text.append(
            "\(count) mistake\(count == 1 ? "" : "s") in \(what); \(outcome)")
        return Failure(.usage, text.joined(separator: "\n\n"))
    }

    /// What shall go wrong, from one file; it may speak of these names only.
    package static func scenario(
        _ path: String, sites: [String], nodes: [String], workloads: [String]
    ) throws(Failure) -> FaultPlan {
        let files = ManifestFiles([path])
        let source =
            path == "-"
            ? ManifestSource(
                name: "(standard input)",
                bytes: try bytes(
                    from: STDIN_FILENO, named: "standard input", bytesMax: ManifestFiles.bytesMax))
            : try files.source(path)
        let fleet = ScenarioFile.Fleet(sites: sites, nodes: nodes, workloads: workloads)
        switch ScenarioFile.read(source, for: fleet) {
        case .plan(let plan): return plan
        case .mistakes(let mistakes, let omitted):
            throw failure(
                mistakes, omitted: omitted, in: "the scenario", so: "nothing was rehearsed")
        }
    }

    private func sources() throws(Failure) -> [ManifestSource] {
        guard !paths.isEmpty else {
            throw Failure(.usage, "say what to read: -f FILE, -f DIRECTORY or -f -")
        }
        var sources: [ManifestSource] = []
        for path in paths {
            if path == "-" {
                sources.append(
                    ManifestSource(
                        name: "(standard input)",
                        bytes: try bytes(
                            from: STDIN_FILENO, named: "standard input",
                            bytesMax: ManifestFiles.bytesMax)))
                continue
            }
            for file in try files(at: path) { sources.append(try source(file)) }
        }
        return sources
    }

    private func source(_ file: String) throws(Failure) -> ManifestSource {
        ManifestSource(
            name: file, bytes: try bytes(of: file, bytesMax: ManifestFiles.bytesMax) ?? [])
    }

    private func files(at path: String) throws(Failure) -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw Failure(.usage, "\(path) does not exist")
        }
        guard isDirectory.boolValue else { return [path] }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw Failure(.usage, "\(path) cannot be read: \(error.localizedDescription)")
        }
        let files = names.sorted()
            .filter { name in ManifestFiles.endings.contains { name.hasSuffix($0) } }
            .map { path + "/" + $0 }
        guard !files.isEmpty, files.count <= ManifestFiles.filesMax else {
            throw Failure(
                .usage,
                files.isEmpty
                    ? "\(path) holds no .yaml, .yml or .json file"
                    : "\(path) holds more than \(ManifestFiles.filesMax) manifests; name a part of it"
            )
        }
        return files
    }
}
