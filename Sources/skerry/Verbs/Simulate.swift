import ArgumentParser
import Client
import Foundation
import Host
import Model
import Simulation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Rehearse an outage with your own manifests, on virtual time.",
        discussion: """
            skerry simulate -f Examples --cut rural
            skerry simulate -f shop/ --cut all --reboot rural --for 96h
            skerry simulate -f shop/ --scenario storm.yaml
            skerry simulate --from-hub --lose-node rural-1@2h --loss 45
            skerry simulate -f shop/ --lose-hub -o html > outage.html

            Runs the hub and the nodes of production against engines and links that exist only in \
            memory: 72 hours take a second. Tells what keeps running in each tier, who decides what \
            and when that changes, which limits are met, and what happens on return. It cannot tell \
            whether a workload itself bears the cut, nor how long real images and disks take.

            A scenario file holds faults with their times, and what has to hold; see: \
            skerry explain scenario. The options for single faults add to it.
            """)

    enum Form: String, ExpressibleByArgument, CaseIterable { case text, json, html }

    @Option(
        name: .shortAndLong,
        help: "Sites, workloads and policies, signed or not: a file, a directory, or -.")
    var filename: [String] = []
    @Flag(
        help:
            "Take sites, nodes, workloads and policies from the hub; -f adds to them and replaces.")
    var fromHub = false
    @Option(help: "A file that says what goes wrong, and when.")
    var scenario: String?
    @Option(help: "A site that is cut off, or all; can be repeated.")
    var cut: [String] = []
    @Flag(help: "The hub is gone.")
    var loseHub = false
    @Option(help: "A node that is lost for good: NODE or NODE@TIME; can be repeated.")
    var loseNode: [String] = []
    @Option(help: "How many messages of a hundred are lost, everywhere.")
    var loss: Double?
    @Option(help: "A site whose nodes reboot half-way, or all; can be repeated.")
    var reboot: [String] = []
    @Option(
        name: .customLong("for"),
        help: "How long the outage lasts; 72h unless a scenario says how long it lasts.")
    var length: String?
    @Option(help: "Nodes at each site that has none from the hub.")
    var nodes = 1
    @Option(help: "What chance is drawn from: equal seeds give equal runs.")
    var seed: UInt64 = 1
    @Option(name: .shortAndLong, help: "How to show it: text, json or html.")
    var output: Form = .text
    @OptionGroup var context: ContextOptions

    func run() async throws {
        let rehearsal = try await rehearsal()
        let report = rehearsal.run()
        let console = Console.standard(ProcessInfo.processInfo.environment)
        switch output {
        case .text: try console.say(report.text(of: rehearsal, version: Version.text))
        case .html: try console.say(report.page(of: rehearsal, version: Version.text))
        case .json: try console.sayJSON(report.record(of: rehearsal, version: Version.text))
        }
        if let violation = report.violation { throw Failure(.failed, violation) }
        if let first = report.disappointments.first { throw Failure(.failed, first) }
    }

    private func rehearsal() async throws -> Rehearsal {
        var fleet = fromHub ? try await LiveFleet.read(in: context.session()) : LiveFleet()
        if !filename.isEmpty || !fromHub { try addFiles(to: &fleet) }
        guard !fleet.sites.isEmpty else {
            let place = fromHub ? "on the hub" : "in \(filename.joined(separator: ", "))"
            throw Failure(
                .usage, "there is no Site \(place); add one with -f, such as Examples/sites.yaml")
        }
        let members = try members(of: fleet)
        return Rehearsal(
            sites: fleet.sites, nodes: members, workloads: fleet.workloads,
            policies: fleet.policies, plan: try plan(for: fleet, members), seed: seed)
    }

    /// What files hold takes the place of what is called the same on the hub.
    private func addFiles(to fleet: inout LiveFleet) throws {
        let objects = try ManifestFiles(filename).objects().map { object in
            guard case .policy(let policy) = object else { return object }
            return .policy(try Rehearsal.written(policy))
        }
        let known: [Object] =
            fleet.sites.map { .site($0) } + fleet.workloads.map { .workload($0) }
            + fleet.policies.map { .policy($0) }
        let named = Set(objects.map(\.reference))
        let all = known.filter { !named.contains($0.reference) } + objects
        if let refusal = Rehearsal.refusal(of: all) { throw Failure(refusal, objects: all) }
        fleet.sites = []
        fleet.workloads = []
        fleet.policies = []
        for object in all {
            switch object {
            case .site(let site): fleet.sites.append(site)
            case .workload(let workload): fleet.workloads.append(workload)
            case .policy(let policy): fleet.policies.append(policy)
            // A rehearsal runs nothing that could read one.
            case .node, .instance, .secret: break
            }
        }
    }

    private func members(of fleet: LiveFleet) throws -> [Cast.Member] {
        let live = fleet.nodes.map {
            Cast.Member(
                node: NodeID($0.metadata.name), site: $0.spec.site, labels: $0.metadata.labels,
                cordoned: $0.spec.cordoned)
        }
        let nodesMax = 2_000
        let empty = fleet.sites.filter { site in
            !live.contains { $0.site.text == site.metadata.name }
        }
        guard nodes > 0, live.count + empty.count * nodes <= nodesMax else {
            throw Failure(
                .usage, "--nodes is at least 1, and all sites together have at most \(nodesMax)")
        }
        return live + Rehearsal.members(of: empty, each: nodes)
    }

    // MARK: - What goes wrong

    private func plan(for fleet: LiveFleet, _ members: [Cast.Member]) throws -> FaultPlan {
        let sites = fleet.sites.map(\.metadata.name)
        let nodes = members.map(\.node.text)
        var plan = FaultPlan(steps: [])
        if let scenario {
            plan = try ManifestFiles.scenario(
                scenario, sites: sites, nodes: nodes,
                workloads: fleet.workloads.map(\.metadata.name))
        }
        let told = try length.map { try span($0, for: "--for") }
        let length = told ?? (scenario == nil ? .hours(72) : plan.length ?? plan.end)
        plan.length = length
        let half = Interval(length.duration / 2)
        plan.steps += try targets(cut, among: sites, by: "--cut").map {
            FaultPlan.Step(.cut($0, .both), for: length)
        }
        if loseHub { plan.steps.append(FaultPlan.Step(.loseHub, for: length)) }
        if let loss {
            guard (0...100).contains(loss) else { throw Failure(.usage, "--loss is from 0 to 100") }
            plan.steps.append(FaultPlan.Step(.loss(.everywhere, percent: loss), for: length))
        }
        plan.steps += try loseNode.map { try lost($0, among: nodes) }
        plan.steps += try targets(reboot, among: sites, by: "--reboot").map {
            FaultPlan.Step(.reboot($0), at: half)
        }
        return plan
    }

    private func span(_ text: String, for option: String) throws -> Interval {
        let span = try interval(text, for: option)
        guard (Interval.seconds(1)...Interval.hours(24 * 31)).contains(span) else {
            throw Failure(.usage, "\(option) is from 1s to 744h")
        }
        return span
    }

    private func lost(_ word: String, among nodes: [String]) throws -> FaultPlan.Step {
        let parts = word.split(separator: "@", maxSplits: 1).map(String.init)
        guard let name = parts.first, nodes.contains(name) else {
            let known = nodes.sorted().prefix(10).joined(separator: ", ")
            throw Failure(.usage, "--lose-node '\(word)' is none of the nodes: \(known)")
        }
        let at = parts.count > 1 ? try interval(parts[1], for: "--lose-node \(name)@") : .seconds(0)
        return FaultPlan.Step(.loseNode(NodeID(name)), at: at)
    }

    private func targets(
        _ words: [String], among sites: [String], by option: String
    ) throws -> [FaultPlan.Target] {
        if words.contains("all") { return [.everywhere] }
        if let stranger = words.first(where: { !sites.contains($0) }) {
            throw Failure(
                .usage,
                "\(option) '\(stranger)' is none of the sites: \(sites.sorted().joined(separator: ", "))"
            )
        }
        return words.map { .site(SiteID($0)) }
    }
}
