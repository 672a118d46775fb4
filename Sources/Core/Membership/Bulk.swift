package import Model

/// Large content in datagrams: pieces of 1,120 bytes in blocks, repair pieces instead of repeats, and
/// acknowledgements that only count.
///
/// Any as many pieces of a block as it is long bring it back, so it never matters which were lost.
package enum Bulk {
    package static let pieceBytes = 1120
    /// 16 MiB; what is longer is sent in parts.
    package static let contentBytesMax = 16 << 20

    static let piece: UInt8 = 0x42
    static let acknowledgement: UInt8 = 0x43

    /// How content of a size is cut. The same at both ends, from its size alone.
    struct Cut: Hashable, Sendable {
        let size: Int
        let blocks: Int

        init(size: Int) {
            self.size = size
            let pieces = max(1, (size + pieceBytes - 1) / pieceBytes)
            blocks = (pieces + ErasureCode.piecesMax - 1) / ErasureCode.piecesMax
        }

        private var pieces: Int { max(1, (size + pieceBytes - 1) / pieceBytes) }

        /// The pieces of a block, as evenly as they go.
        func pieces(of block: Int) -> Range<Int> {
            (block * pieces / blocks)..<((block + 1) * pieces / blocks)
        }
    }
}

/// Sends one content to one peer at a pace.
package struct BulkSender: Sendable {
    package enum Step: Hashable, Sendable {
        case send([UInt8])
        case wait(until: Instant)
        case done
    }

    private let id: UInt32
    private let cut: Bulk.Cut
    private let pieces: [[UInt8]]
    private let gap: Duration
    /// Per block: the next piece to send, beyond its length a repair piece; and how many have arrived.
    private var next: [Int]
    private var arrived: [Int]
    /// What may still go out before the peer has to say something.
    private var allowance: [Int]
    private var dueAt: Instant
    private var saidAt: Instant
    package private(set) var sentPieces = 0
    private var loss: Double

    /// `loss` is what the mesh measured on the way to the peer; the acknowledgements correct it.
    package init(
        id: UInt32, content: [UInt8], bytesPerSecond: Int, loss: Double, at now: Instant
    ) {
        precondition(content.count <= Bulk.contentBytesMax, "longer content is sent in parts")
        self.id = id
        self.loss = min(max(loss, 0), 0.9)
        cut = Bulk.Cut(size: content.count)
        pieces = (0..<cut.pieces(of: cut.blocks - 1).upperBound).map { index in
            let start = index * Bulk.pieceBytes
            let piece = Array(content[start..<min(start + Bulk.pieceBytes, content.count)])
            return piece + [UInt8](repeating: 0, count: Bulk.pieceBytes - piece.count)
        }
        // What a datagram takes on the link, with its own header and what lies below.
        let cost = Bulk.pieceBytes + 13 + Limits.production.overheadBytes
        gap = .nanoseconds(Int64(cost) * 1_000_000_000 / Int64(bytesPerSecond))
        next = Array(repeating: 0, count: cut.blocks)
        arrived = next
        allowance = next
        dueAt = now
        saidAt = now
        for block in allowance.indices { allow(block) }
    }

    package var isDone: Bool {
        arrived.indices.allSatisfy { arrived[$0] >= cut.pieces(of: $0).count }
    }

    package mutating func step(at now: Instant) -> Step {
        if isDone { return .done }
        guard now >= dueAt else { return .wait(until: dueAt) }
        if now - saidAt > .milliseconds(200) {
            // Nothing was heard: the acknowledgements may be what is lost.
            saidAt = now
            for block in allowance.indices where allowance[block] <= 0 { allow(block) }
        }
        guard let block = allowance.indices.first(where: { allowance[$0] > 0 }) else {
            return .wait(until: min(saidAt + .milliseconds(201), now + .milliseconds(20)))
        }
        allowance[block] -= 1
        // A pause is not made up for by a burst.
        dueAt = max(dueAt + gap, now + .nanoseconds(-5_000_000))
        return .send(frame(of: block))
    }

    private mutating func frame(of block: Int) -> [UInt8] {
        let range = cut.pieces(of: block)
        let number = next[block]
        // Repair pieces come round again after 128: by then a good part of them was lost.
        next[block] = number + 1 < range.count + ErasureCode.piecesMax ? number + 1 : range.count
        sentPieces += 1
        var writer = WireWriter(capacity: Bulk.pieceBytes + 13)
        writer.byte(Bulk.piece)
        writer.word(id)
        writer.word(UInt32(cut.size))
        writer.short(UInt16(block))
        writer.short(UInt16(number))
        writer.raw(
            number < range.count
                ? pieces[range.lowerBound + number]
                : ErasureCode.repair(number - range.count, of: pieces[range]))
        return writer.bytes
    }

    /// What an acknowledgement says; anything else is not one.
    package mutating func receive(_ bytes: [UInt8], at now: Instant) throws(FrameError) {
        var reader = WireReader(bytes[...])
        guard try reader.byte() == Bulk.acknowledgement, try reader.word() == id else { return }
        let received = Int(try reader.word())
        var counts: [Int] = []
        while !reader.isAtEnd { counts.append(Int(try reader.byte())) }
        guard counts.count == cut.blocks else { throw .outOfRange }
        saidAt = now
        if sentPieces > 16 {
            let measured = 1 - Double(min(received, sentPieces)) / Double(sentPieces)
            loss = min(max(measured, 0), 0.9)
        }
        for block in counts.indices where counts[block] > arrived[block] {
            arrived[block] = counts[block]
            if allowance[block] <= 0 { allow(block) }
        }
    }

    /// As many as should bring what is missing, and a little more.
    private mutating func allow(_ block: Int) {
        let missing = cut.pieces(of: block).count - arrived[block]
        guard missing > 0 else {
            allowance[block] = 0
            return
        }
        allowance[block] = Int((Double(missing) / (1 - loss) * 1.1).rounded(.up)) + 1
    }
}

/// Receives one content from one peer.
package struct BulkReceiver: Sendable {
    private struct Block: Sendable {
        var pieces: [[UInt8]?]
        var repairs: [(number: Int, bytes: [UInt8])] = []
        var isWhole = false

        var count: Int {
            isWhole ? pieces.count : pieces.count { $0 != nil } + repairs.count
        }
    }

    package let id: UInt32
    private let cut: Bulk.Cut
    private var blocks: [Int: Block] = [:]
    private var received: UInt32 = 0
    private var saidAt: Instant?

    /// Begins with the first piece of a content that arrives, which says how long it is.
    package init(_ frame: [UInt8]) throws(FrameError) {
        var reader = WireReader(frame[...])
        guard try reader.byte() == Bulk.piece else { throw .unknownVersion(frame.first ?? 0) }
        id = try reader.word()
        let size = Int(try reader.word())
        guard size <= Bulk.contentBytesMax else { throw .outOfRange }
        cut = Bulk.Cut(size: size)
    }

    package mutating func receive(_ frame: [UInt8]) throws(FrameError) {
        var reader = WireReader(frame[...])
        guard try reader.byte() == Bulk.piece, try reader.word() == id,
            Int(try reader.word()) == cut.size
        else { throw .outOfRange }
        let block = Int(try reader.short())
        let number = Int(try reader.short())
        guard block < cut.blocks, reader.remaining == Bulk.pieceBytes else { throw .outOfRange }
        let length = cut.pieces(of: block).count
        guard number < length + ErasureCode.piecesMax else { throw .outOfRange }
        received &+= 1
        let piece = Array(try reader.raw(Bulk.pieceBytes))
        take(piece, number: number, of: block, length: length)
    }

    private mutating func take(_ piece: [UInt8], number: Int, of index: Int, length: Int) {
        var block = blocks[index] ?? Block(pieces: Array(repeating: nil, count: length))
        guard !block.isWhole else { return }
        if number < length {
            block.pieces[number] = piece
        } else if !block.repairs.contains(where: { $0.number == number - length }) {
            block.repairs.append((number - length, piece))
        }
        if block.count >= length {
            block.isWhole = ErasureCode.restore(&block.pieces, from: block.repairs)
            block.repairs = []
        }
        blocks[index] = block
    }

    /// The whole content, once every block is there.
    package var content: [UInt8]? {
        var all: [UInt8] = []
        all.reserveCapacity(cut.size + Bulk.pieceBytes)
        for index in 0..<cut.blocks {
            guard let block = blocks[index], block.isWhole else { return nil }
            for piece in block.pieces { all += piece ?? [] }
        }
        return Array(all.prefix(cut.size))
    }

    package var isWhole: Bool {
        blocks.count == cut.blocks && blocks.values.allSatisfy(\.isWhole)
    }

    /// An acknowledgement, where one is due: every 20 ms while pieces come.
    package mutating func acknowledgement(at now: Instant) -> [UInt8]? {
        if let said = saidAt, now - said < .milliseconds(20) { return nil }
        saidAt = now
        var writer = WireWriter(capacity: 16 + cut.blocks)
        writer.byte(Bulk.acknowledgement)
        writer.word(id)
        writer.word(received)
        for index in 0..<cut.blocks { writer.byte(UInt8(blocks[index]?.count ?? 0)) }
        return writer.bytes
    }
}
