import Machines
package import Model

extension Rehearsal {
    /// What a hub would say to these objects: nil where it would take them. Every mistake is named.
    package static func refusal(of objects: [Object]) -> Refusal? {
        var hub = Hub(snapshot: HubSnapshot())
        var effects: [Hub.Effect] = []
        let now = Moment(monotonic: .seconds(0), wall: WallTime(milliseconds: 0))
        let request = RequestID(number: 1)
        hub.handle(.request(request, .apply(objects, dryRun: true)), at: now, into: &effects)
        for case .reply(request, .refused(let refusal)) in effects { return refusal }
        return nil
    }
}
