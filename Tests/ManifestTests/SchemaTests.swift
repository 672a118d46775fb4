import Foundation
import Manifest
import Model
import Testing

@Suite struct SchemaTests {
    @Test func `every field of every kind is explained`() throws {
        for object in Samples.everything {
            let data = try JSONEncoder().encode(object)
            let tree = try JSONSerialization.jsonObject(with: data)
            for path in paths(in: tree, at: object.kind.rawValue.lowercased()) {
                #expect(Schema.explain(path) != nil, "\(path) is not in the schema")
            }
        }
    }

    @Test func `explain shows type, default, example and the fields below`() {
        #expect(
            Schema.explain("workload.spec.containers.probes.readiness.http") == """
                KIND:     Workload
                VERSION:  skerry.dev/v1
                FIELD:    spec.containers.probes.readiness.http <http probe>

                DESCRIPTION:
                    A GET request that passes on a status from 200 to 399.

                FIELDS:
                    port  <name of a port>  required
                        The name of one of the container's ports.
                    path  <path that starts with />  default /
                        The path to ask for.

                """)
        #expect(
            Schema.explain("site.spec.autonomyWindow") == """
                KIND:     Site
                VERSION:  skerry.dev/v1
                FIELD:    spec.autonomyWindow <duration, 1s to 87600h>

                DESCRIPTION:
                    How long the site may run on its own before its nodes count as silent.

                DEFAULT:  72h
                EXAMPLE:  autonomyWindow: 72h

                """)
    }

    @Test func `a path as a mistake prints it can be explained`() {
        #expect(Schema.explain("Workload.spec.containers[0].ports[1].port") != nil)
        #expect(Schema.explain("wl") != nil)
    }

    @Test func `a path that leads nowhere is answered with one that is near`() {
        #expect(Schema.explain("workload.spec.replica") == nil)
        #expect(Schema.suggestion(for: "workload.spec.replica") == "workload.spec.replicas")
        #expect(Schema.suggestion(for: "workload.containers") == "workload.spec.containers")
        #expect(Schema.suggestion(for: "workloda.spec") == "workload.spec")
        #expect(Schema.suggestion(for: "xyzzy") == nil)
        #expect(Schema.suggestion(for: "") == nil)
    }

    @Test func `what is left out has the default of the Model`() {
        let text = """
            apiVersion: skerry.dev/v1
            kind: Workload
            metadata: {name: minimal}
            spec: {containers: [{name: main, command: [/bin/x]}]}
            ---
            apiVersion: skerry.dev/v1
            kind: Site
            metadata: {name: bare}
            spec: {}
            """
        #expect(read(text) == .objects([.workload(Samples.minimal), Samples.bare]))
    }

    /// The paths of all fields. What is keyed by people's own words ends the path.
    private func paths(in tree: Any, at path: String) -> [String] {
        if let items = tree as? [Any] { return items.flatMap { paths(in: $0, at: path) } }
        guard let fields = tree as? [String: Any] else { return [path] }
        let isFree = [
            "labels", "annotations", "selector", "env", "ports", "secretEnv", "secret.data",
        ].contains {
            ".\(path)".hasSuffix(".\($0)")
        }
        if isFree && fields["name"] == nil { return [path] }
        return [path] + fields.flatMap { paths(in: $0.value, at: "\(path).\($0.key)") }
    }
}
