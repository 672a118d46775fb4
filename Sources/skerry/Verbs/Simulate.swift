import ArgumentParser
import Client
import Foundation
import Host
import Model
import Simulation

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Rehearse an outage with your own manifests, on virtual time.",
        discussion: """
            skerry simulate -f Examples --cut rural
            skerry simulate -f shop/ --cut all --reboot rural --for 96h
            skerry simulate -f shop/ --lose-hub -o html > outage.html

            Runs the hub and the nodes of production against engines and links that exist only in \
            memory: 72 hours take a second. Tells what keeps running in each tier, who decides what \
            and when that changes, which limits are met, and what happens on return. It cannot tell \
            whether a workload itself bears the cut, nor how long real images and disks take.
            """)

    enum Form: String, ExpressibleByArgument, CaseIterable { case text, json, html }

    @Option(name: .shortAndLong, help: "Sites and workloads: a file, a directory, or -.")
    var filename: [String]
    @Option(help: "A site that is cut off, or all; can be repeated.")
    var cut: [String] = []
    @Flag(help: "The hub is gone.")
    var loseHub = false
    @Option(help: "A site whose nodes reboot half-way, or all; can be repeated.")
    var reboot: [String] = []
    @Option(name: .customLong("for"), help: "How long the outage lasts.")
    var length = "72h"
    @Option(help: "Nodes at each site.")
    var nodes = 1
    @Option(help: "What chance is drawn from: equal seeds give equal runs.")
    var seed: UInt64 = 1
    @Option(name: .shortAndLong, help: "How to show it: text, json or html.")
    var output: Form = .text

    func run() throws {
        let rehearsal = try rehearsal()
        let report = rehearsal.run()
        let console = Console.standard(ProcessInfo.processInfo.environment)
        switch output {
        case .text: try console.say(report.text(of: rehearsal, version: Version.text))
        case .html: try console.say(report.page(of: rehearsal, version: Version.text))
        case .json: try console.sayJSON(report.record(of: rehearsal, version: Version.text))
        }
        if let violation = report.violation { throw Failure(.failed, violation) }
    }

    private func rehearsal() throws -> Rehearsal {
        let objects = try ManifestFiles(filename).objects()
        if let refusal = Rehearsal.refusal(of: objects) {
            throw Failure(refusal, objects: objects)
        }
        var sites: [Site] = []
        var workloads: [Workload] = []
        for object in objects {
            switch object {
            case .site(let site): sites.append(site)
            case .workload(let workload): workloads.append(workload)
            case .node, .instance, .policy: break
            }
        }
        guard !sites.isEmpty else {
            throw Failure(
                .usage,
                "there is no Site in \(filename.joined(separator: ", ")); add one with -f, such "
                    + "as Examples/sites.yaml")
        }
        let nodesMax = 2_000
        guard nodes > 0, sites.count * nodes <= nodesMax else {
            throw Failure(
                .usage, "--nodes is at least 1, and all sites together have at most \(nodesMax)")
        }
        let span = try interval(length, for: "--for")
        guard (Interval.seconds(1)...Interval.hours(24 * 31)).contains(span) else {
            throw Failure(.usage, "--for is from 1s to 744h")
        }
        return Rehearsal(
            sites: sites, workloads: workloads, nodesPerSite: nodes,
            outage: Rehearsal.Outage(
                cutSites: try named(cut, among: sites, by: "--cut"), losesHub: loseHub,
                rebootedSites: try named(reboot, among: sites, by: "--reboot"),
                length: span.duration),
            seed: seed)
    }

    private func named(
        _ words: [String], among sites: [Site], by option: String
    ) throws -> Set<SiteID> {
        let known = sites.map(\.metadata.name)
        if words.contains("all") { return Set(known.map { SiteID($0) }) }
        if let stranger = words.first(where: { !known.contains($0) }) {
            throw Failure(
                .usage,
                "\(option) '\(stranger)' is none of the sites: \(known.sorted().joined(separator: ", "))"
            )
        }
        return Set(words.map { SiteID($0) })
    }
}
