import AllocationCounter
import Authority
import Model

// What one pass through the gate costs, record included, beside the least that any record costs: its
// copy into an array. Ends with 1 where a decision takes more than one allocation.

let rounds = 200_000
let batch = 8
let table = AuthorityTable(.hybrid)
let shop = InstanceID(workload: "route-optimizer-of-the-north", ordinal: 3)
let circumstances = Gate.Circumstances(
    site: "rural", policyVersion: 4, policyAge: .seconds(90), staleness: .stale, reach: .alone)
var gate = Gate(seat: .node("a-node-with-a-long-name-1"), nextNumber: 1)
var passed = 0

@MainActor func decide() {
    let question = Gate.Question(
        .start, .instance(shop), tier: .critical, in: .recovery, on: .judgement, because: .exited)
    guard
        let warrant = gate.ask(
            question, by: table, in: circumstances, at: WallTime(milliseconds: 1))
    else { return }
    let stop = Act.stop(ContainerID(instance: shop, name: "main"), grace: .seconds(1))
    passed += warrant.order(stop).decision.number > 0 ? 1 : 0
}

/// Nanoseconds and allocations for each call.
@MainActor func measure(_ body: () -> Void) -> (nanoseconds: Double, allocations: Double) {
    let clock = ContinuousClock()
    let before = allocations()
    let took = clock.measure { for _ in 0..<rounds { body() } }
    let made = allocations() - before
    return (Double(took.nanoseconds) / Double(rounds), Double(made) / Double(rounds))
}

/// To two places.
func rounded(_ figure: Double) -> Double { (figure * 100).rounded() / 100 }

// The array of records grows to its size once.
for _ in 0..<batch { decide() }
let sample = gate.takeRecords()

var waiting = 0
let decisions = measure {
    decide()
    waiting += 1
    if waiting == batch {
        waiting = 0
        _ = gate.takeRecords()
    }
}
var copies: [Decision] = []
copies.reserveCapacity(batch)
let copy = measure {
    if copies.count >= batch { copies.removeAll(keepingCapacity: true) }
    copies.append(sample[0])
}

print("one decision of the gate, \(passed) of \(rounds + batch) passed:")
print(
    "  with its record and its order: \(rounded(decisions.nanoseconds / 1000)) us (goal 2), "
        + "\(rounded(decisions.allocations)) allocations (goal 1)")
print(
    "  a record copied into an array: \(rounded(copy.nanoseconds / 1000)) us, "
        + "\(rounded(copy.allocations)) allocations")
precondition(decisions.allocations <= 1, "a decision takes more than one allocation")
