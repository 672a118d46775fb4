import Audit
import Crypto
import Model
import Testing

/// The tree as RFC 9162 section 2.1.1 writes it down, recursion and all: slow, and obvious.
private func plainRoot(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
    guard let first = leaves.first else { return Array(SHA256.hash(data: [UInt8]())) }
    if leaves.count == 1 { return Array(SHA256.hash(data: [0] + first)) }
    var split = 1
    while split * 2 < leaves.count { split *= 2 }
    let left = plainRoot(leaves.prefix(split))
    let right = plainRoot(leaves.dropFirst(split))
    return Array(SHA256.hash(data: [1] + left + right))
}

@Suite struct MerkleTests {
    /// The leaves and roots that the reference implementation of certificate transparency is tested with.
    private let vectors: [(leaf: String, root: String)] = [
        ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
        (
            "606162636465666768696a6b6c6d6e6f",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        ),
    ]

    @Test func `the published vectors have their roots`() throws {
        var log = MerkleLog()
        #expect(
            "\(log.root)" == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        for (leaf, root) in vectors {
            log.append(try #require(bytes(hexadecimal: leaf)))
            #expect("\(log.root)" == root)
        }
    }

    @Test func `roots are those of the recursion that the RFC writes down`() {
        var log = MerkleLog()
        var leaves: [[UInt8]] = []
        for number in 0..<70 {
            leaves.append(Array("leaf \(number)".utf8))
            log.append(leaves[number])
            #expect(log.root.bytes == plainRoot(leaves[...]))
        }
        for size in 0...70 {
            #expect(log.root(of: UInt64(size)).bytes == plainRoot(leaves.prefix(size)))
        }
    }

    @Test func `every leaf is shown to be in every size, and nothing else is`() throws {
        let log = filled(40)
        for size in 1...UInt64(40) {
            let root = log.root(of: size)
            for leaf in 0..<size {
                let path = try #require(log.inclusion(of: leaf, in: size))
                let hash = MerkleLog.hash(ofLeaf: text(leaf))
                #expect(MerkleProof.includes(hash, number: leaf, in: size, root: root, path))
                let other = MerkleLog.hash(ofLeaf: text(leaf + 1))
                #expect(!MerkleProof.includes(other, number: leaf, in: size, root: root, path))
                #expect(
                    !MerkleProof.includes(hash, number: leaf, in: size, root: root, path + [hash]))
                if size > 1 {
                    #expect(
                        !MerkleProof.includes(
                            hash, number: (leaf + 1) % size, in: size, root: root, path))
                    #expect(
                        !MerkleProof.includes(
                            hash, number: leaf, in: size, root: root, path.dropLast()))
                }
            }
            #expect(log.inclusion(of: size, in: size) == nil)
        }
    }

    @Test func `every size is shown to extend every smaller one, and no other history is`() throws {
        let log = filled(40)
        var other = filled(7)
        other.append(Array("another".utf8))
        for number in 8..<UInt64(40) { other.append(text(number)) }
        for newer in 0...UInt64(40) {
            for older in 0...newer {
                let proof = try #require(log.consistency(from: older, to: newer))
                let (before, after) = (log.root(of: older), log.root(of: newer))
                #expect(MerkleProof.extends((older, before), to: (newer, after), proof))
                guard older > 0, older < newer else { continue }
                #expect(!MerkleProof.extends((older, after), to: (newer, after), proof))
                #expect(!MerkleProof.extends((older, before), to: (newer, before), proof))
                #expect(
                    !MerkleProof.extends((older, before), to: (newer, after), proof + [before]))
                if newer >= 8, older >= 8 {
                    let rewritten = try #require(other.consistency(from: older, to: newer))
                    #expect(
                        !MerkleProof.extends(
                            (older, before), to: (newer, other.root(of: newer)), rewritten))
                }
            }
        }
    }

    @Test func `a pruned log has the same roots and proofs for what is left`() throws {
        let whole = filled(100)
        for pruned in [1, 2, 3, 7, 8, 31, 32, 33, 64, 99, 100] as [UInt64] {
            var log = filled(100)
            let roots = log.roots(pruning: pruned)
            log.prune(through: pruned)
            let kept = (pruned..<100).map { MerkleLog.hash(ofLeaf: text($0)) }
            let again = try #require(MerkleLog(pruned: pruned, roots: roots, leaves: kept))
            #expect(again == log)
            for number in 100..<UInt64(130) { log.append(text(number)) }
            var unpruned = whole
            for number in 100..<UInt64(130) { unpruned.append(text(number)) }
            for size in max(1, pruned)...130 {
                #expect(log.root(of: size) == unpruned.root(of: size))
                #expect(
                    log.consistency(from: size, to: 130)
                        == unpruned.consistency(from: size, to: 130))
                for leaf in stride(from: pruned, to: size, by: 7) {
                    #expect(
                        log.inclusion(of: leaf, in: size) == unpruned.inclusion(of: leaf, in: size))
                }
            }
            #expect(log.inclusion(of: pruned - 1, in: 130) == nil)
        }
    }

    @Test func `a log that was kept wrongly is none`() {
        #expect(MerkleLog(pruned: 3, roots: [], leaves: []) == nil)
    }

    private func filled(_ count: UInt64) -> MerkleLog {
        var log = MerkleLog()
        for number in 0..<count { log.append(text(number)) }
        return log
    }

    private func text(_ number: UInt64) -> [UInt8] { Array("leaf \(number)".utf8) }
}
