import Host
import Model
import Testing

@Suite struct LinkStoryTests {
    private let now = WallTime(milliseconds: 1_760_000_000_000)

    private func trouble(
        _ kind: LinkStory.Kind, _ topic: String, _ reason: String
    ) -> LinkStory.Trouble {
        LinkStory.Trouble(kind, topic: topic, reason: reason)
    }

    @Test func `a link that comes, goes and stays away is three lines, however often it is tried`()
    {
        var story = LinkStory(hub: "hub:1")
        var lines: [String?] = [story.noteContact()]
        lines.append(story.noteEnd(trouble(.unreachable, "gone", "it broke"), at: now))
        for _ in 0..<100 {
            lines.append(story.noteEnd(trouble(.unreachable, "gone", "no answer"), at: now))
            lines.append(story.noteEnd(trouble(.refused, "unknown", "not known here"), at: now))
        }
        let told = lines.compactMap { $0 }
        #expect(told.count == 3)
        #expect(told[0] == "in contact with the hub at hub:1")
        #expect(told[1].hasPrefix("lost the hub at hub:1: it broke; workloads go on"))
        #expect(told[2].hasPrefix("no link to the hub at hub:1: not known here; workloads go on"))
    }

    @Test func `a trouble keeps its first words while it lasts, and is told anew after a contact`()
    {
        var story = LinkStory(hub: "hub:1")
        #expect(story.noteEnd(trouble(.refused, "clock", "it is 10:00"), at: now) != nil)
        #expect(story.noteEnd(trouble(.refused, "clock", "it is 10:01"), at: now) == nil)
        #expect(story.current?.trouble.reason == "it is 10:00")
        _ = story.noteContact()
        #expect(story.current == nil)
        #expect(story.noteEnd(trouble(.refused, "clock", "it is 10:02"), at: now) != nil)
        #expect(story.current?.trouble.reason == "it is 10:02")
    }
}
