import MeshLab
import Membership
import Model

// What the mesh does on virtual time, at a loss and for a length of time: figures for tuning, in
// seconds of real time instead of hours. See bin/rehearse-mesh.

struct Options {
    var nodes = 24
    var loss = 0.0
    var minutes = 30
    var seed: UInt64 = 1
    var kills = 6
    var darkFor = 0.0
}

func options() -> Options {
    var options = Options()
    var words = CommandLine.arguments.dropFirst()
    while let word = words.popFirst(), let value = words.popFirst().flatMap(Double.init) {
        switch word {
        case "--nodes": options.nodes = Int(value)
        case "--loss": options.loss = value / 100
        case "--minutes": options.minutes = Int(value)
        case "--seed": options.seed = UInt64(value)
        case "--kills": options.kills = Int(value)
        case "--dark": options.darkFor = value
        default: break
        }
    }
    return options
}

func seconds(_ duration: Duration?) -> String {
    duration.map { String(Double($0.nanoseconds / 10_000_000) / 100) } ?? "never"
}

func quantile(_ values: [Duration], _ part: Double) -> Duration? {
    let sorted = values.sorted()
    return sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
}

let chosen = options()
let everyone = Array(0..<chosen.nodes)
var lab = MeshLab(chosen.nodes, seed: chosen.seed, isOpen: true)
lab.loss = chosen.loss
for node in everyone.dropLast() { lab.start(node) }
let cold = lab.run(atMost: .seconds(180)) { $0.allSee(Array(everyone.dropLast())) }
lab.run(for: .seconds(5))
lab.start(chosen.nodes - 1)
let last = lab.run(atMost: .seconds(180)) { $0.allSee(everyone) }
print("cold start \(seconds(cold)) s, last join \(seconds(last)) s")

// Blackouts: each node hears for 30 s on average, then nothing for `dark`.
var chance = Random(seed: chosen.seed &+ 99)
@MainActor func exponential(_ mean: Double) -> Duration {
    .nanoseconds(Int64(mean * 1e9 * -log(Double(chance.next() >> 11 | 1) * 0x1p-53)))
}

lab.run(for: .seconds(20))
lab.forget()
let before = lab.now
if chosen.darkFor > 0 {
    var due = everyone.map { _ in lab.now + exponential(30) }
    while lab.now - before < .seconds(60 * chosen.minutes) {
        guard let next = due.indices.min(by: { due[$0] < due[$1] }) else { break }
        lab.run(until: due[next])
        if lab.deaf.remove(next) != nil {
            due[next] = lab.now + exponential(30)
        } else {
            lab.deaf.insert(next)
            due[next] = lab.now + exponential(chosen.darkFor)
        }
    }
} else {
    let end = lab.now + .seconds(60 * chosen.minutes)
    var majority: [Duration] = []
    var single: [Duration] = []
    while lab.now < end {
        lab.run(for: .milliseconds(250))
        for subject in everyone {
            let ages = everyone.filter { $0 != subject }.compactMap {
                lab.nodes[$0]!.age(of: lab.members[subject].id, at: lab.now)
            }.sorted()
            majority.append(ages[ages.count / 2])
            single.append(ages[ages.count - 1])
        }
    }
    for (name, list) in [("majority", majority), ("worst", single)] {
        let l = list.sorted()
        print("  age", name, [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].map { seconds(quantile(l, $0)) }, seconds(l.last))
    }
}
let span = Double((lab.now - before).nanoseconds) / 1e9
let rate = Double(lab.sentBytes.reduce(0, +)) / Double(chosen.nodes) / span
let quiets = lab.noticed.count { $0.change.to == .quiet }
print(
    "steady \(chosen.minutes) min: false failures \(lab.falseFailures.count), quiet \(quiets),",
    "\(Int(rate)) B/s a node, tick \(lab.nodes[0]!.pulseEvery), loss seen \(lab.nodes[0]!.loss),",
    "threshold \(seconds(lab.nodes[0]!.view(at: lab.now)[3].threshold))")
lab.deaf = []
lab.run(for: .seconds(30))

var latencies: [Duration] = []
var incomplete = 0
lab.forget()
let framesBefore = lab.datagrams
for turn in 0..<20 {
    let node = Int(chance.next() % UInt64(chosen.nodes))
    let start = lab.now
    try lab.publish("e\(turn)", at: node)
    lab.run(for: .seconds(3))
    latencies += lab.received.filter { $0.record.key == "e\(turn)" && $0.by != node }
        .map { $0.at - start }
}
print("  during records: ", lab.sentBytes.reduce(0, +) / chosen.nodes / 60, "B/s, fill", lab.nodes[0]!.bucketFill, "withheld", lab.nodes[0]!.tally.withheld)
print("  bytes a frame", lab.sentBytes.reduce(0, +) / max(1, lab.datagrams - framesBefore), "frames/s", (lab.datagrams - framesBefore) / 60 / chosen.nodes)
lab.run(for: .seconds(30))
incomplete = (0..<20).count { lab.holders(of: "e\($0)") < chosen.nodes }
print(
    "records: p50 \(seconds(quantile(latencies, 0.5))) p99 \(seconds(quantile(latencies, 0.99)))",
    "max \(seconds(latencies.max())) incomplete \(incomplete) of 20, got \(lab.received.count - 20)")

lab.forget()
for node in everyone { lab.group[node] = node < chosen.nodes / 2 ? 0 : 1 }
let split = lab.run(atMost: .seconds(180)) { lab in
    everyone.allSatisfy { o in
        everyone.allSatisfy { lab.group[o] == lab.group[$0] || lab.liveness(of: $0, at: o) == .failed }
    }
}
lab.run(for: .seconds(60))
try lab.publish("pA", at: 2)
try lab.publish("pB", at: chosen.nodes - 2)
lab.run(for: .seconds(60))
print("isolated \(lab.isolated.count) of \(chosen.nodes)")
let healed = lab.now
for node in everyone { lab.group[node] = 0 }
let heal = lab.run(atMost: .seconds(180)) { $0.allSee(everyone) }
let across = lab.run(atMost: .seconds(180)) {
    $0.holders(of: "pA") == chosen.nodes && $0.holders(of: "pB") == chosen.nodes
}
let events = lab.received.map(\.at).max().map { $0 - healed }
print("split seen \(seconds(split)) heal \(seconds(heal)), records across \(seconds(events)) \(across != nil)")

lab.run(for: .seconds(30))
var detections: [Duration] = []
for turn in 0..<chosen.kills {
    let victim = chosen.nodes - 1 - turn
    lab.run(for: .seconds(Int64(5)) + chance.duration(upTo: .seconds(2)))
    lab.forget()
    let killed = lab.now
    lab.kill(victim)
    if let took = lab.run(atMost: .seconds(120), until: { $0.nobodySees(victim) }) {
        detections.append(took)
    }
    func times(_ to: Liveness) -> String {
        let all = lab.noticed.filter { $0.change.to == to && $0.change.node == lab.members[victim].id }
            .map { $0.at - killed }
        return seconds(quantile(all, 0)) + "/" + seconds(quantile(all, 0.5)) + "/" + seconds(all.max())
    }
    print("  kill: quiet", times(.quiet), "failed", times(.failed), "withheld", lab.nodes[0]!.tally.withheld, "fill", lab.nodes[0]!.bucketFill)
}
print("kills, all know:", detections.map { seconds($0) }.joined(separator: " "))

func log(_ value: Double) -> Double {
    let exponent = Double(value.exponent)
    var (term, sum) = ((value.significand - 1) / (value.significand + 1), 0.0)
    let ratio = term
    for power in stride(from: 1.0, through: 15, by: 2) {
        sum += term / power
        term *= ratio * ratio
    }
    return exponent * 0.693_147_180_559_945 + 2 * sum
}
