import Model
import Testing
import Trust

/// Who signed an image, as rules see it.
@Suite struct ImageSealTests {
    private static let image = "registry.example/shop@sha256:" + String(repeating: "ab", count: 32)
    private static let other = "registry.example/till@sha256:" + String(repeating: "cd", count: 32)

    private let key: SigningKey
    private let second: SigningKey

    init() throws {
        key = try SigningKey(role: ImageSeal.role, seed: [UInt8](repeating: 7, count: 32))
        second = try SigningKey(role: ImageSeal.role, seed: [UInt8](repeating: 8, count: 32))
    }

    private func name(_ key: SigningKey) -> String { hexadecimal(key.trusted.publicKey) }

    /// Whether a node may run these, where a rule wants the word of the first key.
    private func mayRun(_ containers: [ContainerSpec]) -> Bool {
        let point = AccessTests.point(
            [],
            cedar: """
                @id("signed")
                forbid(principal is Node, action == Action::"run", resource is Workload)
                unless { resource.runsCommands || resource.signers.contains("\(name(key))") };
                """)
        #expect(point.faults == [])
        let target = AccessTarget(
            .workload, "shop", sites: ["rural"], demands: AccessTarget.Demands(containers))
        return point.decide(.node("n1", site: "rural"), .run, target).isAllowed
    }

    private func container(_ image: String, _ signatures: [ImageSignature]) -> ContainerSpec {
        ContainerSpec(name: "main", image: image, signatures: signatures)
    }

    @Test func `an image runs by the word of the key that the rule names, wherever it lies`() throws
    {
        let word = try ImageSeal.sign(Self.image, with: key)
        #expect(mayRun([container(Self.image, [word])]))
        let moved = Self.image.replacing("registry.example", with: "localhost:5000")
        #expect(mayRun([container(moved, [word])]))
        let others = try ImageSeal.sign(Self.image, with: second)
        #expect(mayRun([container(Self.image, [others, word])]))
        #expect(mayRun([ContainerSpec(name: "main", command: ["true"])]))
    }

    @Test func `nothing else does: no word, another's, of another image, bent, or for a tag`()
        throws
    {
        let word = try ImageSeal.sign(Self.image, with: key)
        #expect(!mayRun([container(Self.image, [])]))
        #expect(!mayRun([container(Self.image, [try ImageSeal.sign(Self.image, with: second)])]))
        #expect(!mayRun([container(Self.other, [word])]))
        #expect(!mayRun([container("registry.example/shop:1", [word])]))
        for place in [0, 63, 64, 127] {
            var bent = word
            var digits = Array(bent.signature)
            digits[place] = digits[place] == "0" ? "1" : "0"
            bent.signature = String(digits)
            #expect(!mayRun([container(Self.image, [bent])]))
        }
        var claimed = try ImageSeal.sign(Self.image, with: second)
        claimed.key = name(key)
        #expect(!mayRun([container(Self.image, [claimed])]))
        // One of two is not enough.
        #expect(!mayRun([container(Self.image, [word]), container(Self.other, [])]))
    }

    @Test func `a key for policy signs no image, and a tag is not signed`() throws {
        let policy = try SigningKey(
            role: TrustedKey.policyRole, seed: [UInt8](repeating: 7, count: 32))
        #expect(throws: ImageSealFault.role("policy")) {
            try ImageSeal.sign(Self.image, with: policy)
        }
        #expect(throws: ImageSealFault.noDigest("shop:1")) {
            try ImageSeal.sign("shop:1", with: key)
        }
    }

    @Test(arguments: ["", "a:b", String(repeating: "a", count: 193), "KEY:SIGNATURE"])
    func `what is no signature is not read as one`(text: String) {
        #expect(ImageSignature(text) == nil)
    }
}
