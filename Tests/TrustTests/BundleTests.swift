import Model
import Testing
import Trust

@Suite struct BundleTests {
    @Test func `bindings and rules are signed line by line and read back the same`() throws {
        let spec = PolicySpec(
            roleBindings: [
                RoleBinding(role: .operator, users: ["ann", "bob"], sites: ["rural"]),
                RoleBinding(role: .admin, users: ["eve"]),
            ], cedar: "permit(principal,\n\n  action, resource);\n")
        let bundle = try Samples.bundle(spec: spec)
        #expect(bundle.payload.contains("role-binding role=operator user=ann user=bob site=rural"))
        #expect(bundle.payload.contains("cedar   action, resource);"))
        #expect(try bundle.read().spec == spec)
    }

    @Test func `what was signed is what is read, on every side`() throws {
        let bundle = try Samples.bundle()
        let keys = [try Samples.key().trusted]
        for audience: Audience in [
            .reader, .hub(sites: ["urban", "rural", "other"]), .node("urban-3", site: "urban"),
        ] {
            let read = try bundle.admitted(
                to: audience, trusting: keys, holding: { _ in nil }, at: Samples.issuedAt)
            #expect(read == Samples.payload())
        }
        #expect(try bundle.read() == Samples.payload())
    }

    @Test func `the text that is signed is as it was when the first bundle was made`() throws {
        #expect(
            Samples.payload().lines == [
                "skerry.dev/v1 PolicyBundle", "role policy", "name night-freeze", "version 7",
                "issued 2027-01-15T08:00:00.000Z", "expires 2027-01-16T08:00:00.000Z", "site rural",
                "site urban",
                "digest sha256:"
                    + "42763c77c16d2ea347cf451d01d23d7b903a588b00966751d90801ec8cc5a9a1",
                "pattern mesh", "staleness-bound 10m", "autonomy-window 48h",
                "authority domain=update staleness=stale tier=1 reach=alone verdict=hold by=central",
                "authority domain=scaling verdict=restrict",
            ])
    }

    @Test func `keys and signatures are as they were when the first bundle was made`() throws {
        let key = try Samples.key()
        #expect(
            key.trusted.text == "skerry-public-key policy ed25519 "
                + "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664")
        #expect(key.trusted.id == "dbb766cc058914f0")
        // Computed by the reference code of RFC 8032, section 6.
        #expect(
            try Samples.bundle().signature
                == "d411bc6aac4a73175583a94e9c60622f5956e95293a8a777284d1d2dfc557168"
                + "76fca0897d74ffbe3b685b99c8eb03d1df7aead2a747cf8dbf028e7f36e48703")
    }

    @Test func `a signature of RFC 8032 is made and taken`() throws {
        // Section 7.1, TEST 1: the seed and the public key that belongs to it.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
        let key = try SigningKey(text: "skerry-secret-key policy ed25519 \(seed)")
        #expect(
            key.trusted.text == "skerry-public-key policy ed25519 "
                + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        #expect(try TrustedKey(text: key.trusted.text) == key.trusted)
        #expect(try SigningKey(text: key.text).trusted == key.trusted)
    }

    @Test func `a key is told apart from its other half and from anything else`() throws {
        let key = try Samples.key()
        #expect(throws: KeyFault.otherHalf(needsSecret: true)) {
            try SigningKey(text: key.trusted.text)
        }
        #expect(throws: KeyFault.otherHalf(needsSecret: false)) {
            try TrustedKey(text: key.text)
        }
        for text in ["", "skerry-public-key policy ed25519 zz", "-----BEGIN PRIVATE KEY-----"] {
            #expect(throws: KeyFault.notAKey) { try TrustedKey(text: text) }
        }
        #expect(throws: KeyFault.length(2)) {
            try TrustedKey(text: "skerry-public-key policy ed25519 abcd")
        }
    }

    // MARK: - Refusals

    @Test func `without a trusted key nothing is taken`() throws {
        let bundle = try Samples.bundle()
        let other = try Samples.key(9).trusted
        #expect(try refusal(of: bundle, trusting: []) == .noKeys)
        #expect(try refusal(of: bundle, trusting: [other]) == .unknownKey(bundle.key))
    }

    @Test func `another key cannot sign in the name of a trusted one`() throws {
        var forged = try Samples.key(9).sign(Samples.payload())
        forged.key = try Samples.key().trusted.id
        #expect(try refusal(of: forged) == .brokenSignature(key: forged.key))
    }

    @Test func `each half-written bundle is refused`() throws {
        let whole = try Samples.bundle()
        for count in 0..<whole.payload.count {
            var half = whole
            half.payload = Array(whole.payload.prefix(count))
            #expect(try refusal(of: half) == .brokenSignature(key: whole.key))
        }
        for count in 0..<128 {
            var half = whole
            half.signature = String(whole.signature.prefix(count))
            #expect(try refusal(of: half) == .brokenSignature(key: whole.key))
        }
    }

    @Test func `a line cannot be split into two, nor two made one`() throws {
        var joined = try Samples.bundle()
        joined.payload[1...2] = [joined.payload[1] + "\n" + joined.payload[2]]
        #expect(try refusal(of: joined) == .brokenSignature(key: joined.key))
    }

    @Test func `a key of another role signs no policy, nor does a policy key sign something else`()
        throws
    {
        let key = try Samples.key(1, role: "artifact")
        let bundle = try key.sign(Samples.payload())
        #expect(
            try refusal(of: bundle, trusting: [key.trusted])
                == .role(key: key.trusted.id, keyRole: "artifact", says: "policy"))
        let other = try Samples.key().sign(Samples.payload(role: "artifact"))
        #expect(
            try refusal(of: other)
                == .role(key: other.key, keyRole: "policy", says: "artifact"))
    }

    @Test
    func `a bundle for other sites is refused by a node, and one for unknown sites by the hub`()
        throws
    {
        let bundle = try Samples.bundle()
        let refused = BundleRefusal.scope(
            PolicyReference(name: "night-freeze", version: 7), sites: ["rural", "urban"],
            canary: false)
        #expect(try refusal(of: bundle, to: .node("x", site: "suburban")) == refused)
        #expect(try refusal(of: bundle, to: .hub(sites: ["rural"])) == refused)
    }

    @Test func `a canary is refused by the other nodes of its sites`() throws {
        var spec = Samples.spec
        spec.scope.canary = Canary(nodes: ["rural-2"])
        let bundle = try Samples.bundle(spec: spec)
        #expect(try refusal(of: bundle, to: .node("rural-2", site: "rural")) == nil)
        #expect(
            try refusal(of: bundle)
                == .scope(
                    PolicyReference(name: "night-freeze", version: 7), sites: ["rural", "urban"],
                    canary: true))
    }

    @Test func `a version that is held, or an older one, is refused`() throws {
        let bundle = try Samples.bundle(version: 6)
        let reference = PolicyReference(name: "night-freeze", version: 6)
        #expect(try refusal(of: bundle, holding: 5) == nil)
        #expect(try refusal(of: bundle, holding: 6) == .version(reference, holds: 6))
        #expect(try refusal(of: bundle, holding: 7) == .version(reference, holds: 7))
    }

    @Test func `a bundle is taken until it expires, and by a clock that begins in 1970`() throws {
        let bundle = try Samples.bundle()
        let late = Samples.notAfter + .milliseconds(1)
        #expect(try refusal(of: bundle, at: WallTime(milliseconds: 0)) == nil)
        #expect(try refusal(of: bundle, at: Samples.notAfter) == nil)
        #expect(
            try refusal(of: bundle, at: late)
                == .expired(
                    PolicyReference(name: "night-freeze", version: 7), at: Samples.notAfter,
                    now: late))
    }

    @Test func `the order is signature, role, scope, version, expiry`() throws {
        let artifact = try Samples.key(1, role: "artifact")
        // Wrong in everything: each mistake that is mended shows the next.
        var bundle = try artifact.sign(Samples.payload(version: 3))
        let late = Samples.notAfter + .seconds(1)
        func word(_ node: NodeID, _ site: SiteID, _ held: UInt64?, _ now: WallTime) throws
            -> String?
        {
            try refusal(
                of: bundle, to: .node(node, site: site),
                trusting: [artifact.trusted, try Samples.key().trusted], holding: held, at: now
            )?.word
        }
        let signature = bundle.signature
        bundle.signature = String(signature.reversed())
        #expect(try word("a", "moon", 9, late) == "BrokenSignature")
        bundle.signature = signature
        #expect(try word("a", "moon", 9, late) == "WrongRole")
        bundle = try Samples.key().sign(Samples.payload(version: 3))
        #expect(try word("a", "moon", 9, late) == "OutOfScope")
        #expect(try word("a", "rural", 9, late) == "OldVersion")
        #expect(try word("a", "rural", 2, late) == "Expired")
        #expect(try word("a", "rural", 2, Samples.issuedAt) == nil)
    }

    @Test func `signed lines that a later version made are refused with their place`() throws {
        let later = try Samples.key().sign(lines: Samples.payload().lines + ["learner trusted"])
        #expect(try refusal(of: later)?.word == "WrongDigest")
    }

    @Test(arguments: ["0", "-1", "9223372036854775808", "seven", ""])
    func `a version that no store could hold is refused`(_ text: String) throws {
        var lines = Samples.payload().lines
        lines[3] = "version " + text
        let bundle = try Samples.key().sign(lines: lines)
        #expect(try refusal(of: bundle)?.word == "Unreadable")
    }

    @Test func `an unknown line is told by its number, whoever signed it`() throws {
        var lines = Samples.payload().lines
        lines.insert("priority 3", at: 4)
        let bundle = try Samples.key().sign(lines: lines)
        #expect(try refusal(of: bundle) == .unreadable(line: 5, what: "'priority 3'"))
    }

    // MARK: - Hostile input

    @Test func `no change of a byte passes, and none crashes`() throws {
        let whole = try Samples.bundle()
        var random = Random(seed: 20_261_123)
        for _ in 0..<1_500 {
            var bundle = whole
            let line = Int(random.next() % UInt64(whole.payload.count))
            var bytes = Array(whole.payload[line].utf8)
            let place = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 3 {
            case 0: bytes[place] ^= UInt8(1 << (random.next() % 8))
            case 1: bytes.remove(at: place)
            default: bytes.insert(UInt8(random.next() % 256), at: place)
            }
            bundle.payload[line] = String(decoding: bytes, as: UTF8.self)
            guard bundle != whole else { continue }
            #expect(try refusal(of: bundle) != nil)
        }
    }

    @Test func `whatever is signed with the right key is read or refused, and never crashes`()
        throws
    {
        var random = Random(seed: 7)
        let key = try Samples.key()
        let lines = Samples.payload().lines
        for _ in 0..<1_500 {
            var changed = lines
            for _ in 0...random.next() % 3 {
                let line = Int(random.next() % UInt64(changed.count))
                switch random.next() % 4 {
                case 0: changed.remove(at: line)
                case 1: changed.swapAt(0, line)
                case 2: changed.insert(changed[line], at: line)
                default:
                    changed[line] = String(changed[line].prefix(Int(random.next() % 40)))
                }
                if changed.isEmpty { changed = lines }
            }
            let bundle = try key.sign(lines: changed)
            // What is taken is written exactly as it was read: one text for one meaning.
            if try refusal(of: bundle) == nil { #expect(try bundle.read().lines == changed) }
        }
    }

    @Test func `a text that is too large is refused before anything is made of it`() throws {
        var bundle = try Samples.bundle()
        bundle.payload = [String](repeating: String(repeating: "x", count: 1023), count: 513)
        #expect(try refusal(of: bundle) == .tooLarge(bytes: 513 * 1024))
    }
}
