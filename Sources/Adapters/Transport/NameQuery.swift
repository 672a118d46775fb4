/// One question of DNS (RFC 1035) and its answer, as far as names of services need them.
///
/// Everything that arrives is hostile: a query of more than 512 bytes, with more or less than one
/// question, with a compressed or an overlong name is no query.
package struct NameQuery: Hashable, Sendable {
    package enum Kind: UInt16, Sendable {
        case address = 1
        case longAddress = 28
        case service = 33
    }

    /// What a name stands for.
    package enum Record: Hashable, Sendable {
        /// 4 or 16 bytes.
        case address(name: [String], bytes: [UInt8])
        case service(port: Int, target: [String])
    }

    package enum Outcome: UInt8, Sendable {
        case found = 0
        case noSuchName = 3
        /// Not a name that this node knows anything of.
        case refused = 5
    }

    package let id: UInt16
    /// In lower case.
    package let labels: [String]
    /// Nil for a kind of record that no name here has.
    package let kind: Kind?
    private let question: [UInt8]
    private let wantsRecursion: Bool

    package static let bytesMax = 512

    /// Reads a query; nil for anything that is none, which is not answered.
    package init?(_ bytes: [UInt8]) {
        guard (17...NameQuery.bytesMax).contains(bytes.count),
            // A query, of the ordinary kind, with one question and no answers in it.
            bytes[2] & 0xF8 == 0, bytes[4] == 0, bytes[5] == 1, bytes[6] == 0, bytes[7] == 0
        else { return nil }
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        wantsRecursion = bytes[2] & 1 == 1
        var labels: [String] = []
        var place = 12
        var length = 0
        while true {
            guard place < bytes.count else { return nil }
            let count = Int(bytes[place])
            place += 1
            if count == 0 { break }
            length += count + 1
            guard count <= 63, length <= 254, place + count <= bytes.count else { return nil }
            let label = bytes[place..<place + count].map { (65...90).contains($0) ? $0 + 32 : $0 }
            guard label.allSatisfy({ (33...126).contains($0) && $0 != 46 }) else { return nil }
            labels.append(String(decoding: label, as: UTF8.self))
            place += count
        }
        guard place + 4 <= bytes.count, bytes[place + 2] == 0, bytes[place + 3] == 1 else {
            return nil
        }
        kind = Kind(rawValue: UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]))
        question = Array(bytes[12..<place + 4])
        self.labels = labels
    }

    /// The answer, at most 512 bytes: records that do not fit are left out, the last ones first. They
    /// are good for no time at all, since whoever keeps one could reach for what is gone.
    package func answer(
        _ outcome: Outcome, _ records: [Record] = [], besides extra: [Record] = []
    ) -> [UInt8] {
        var room = NameQuery.bytesMax - 12 - question.count
        let answers = NameQuery.fitting(records, &room)
        let additional = NameQuery.fitting(extra, &room)
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(truncatingIfNeeded: id)]
        // An answer with authority; recursion is not to be had.
        bytes.append(0x84 | (wantsRecursion ? 1 : 0))
        bytes.append(outcome.rawValue)
        bytes += [0, 1, 0, UInt8(answers.count), 0, 0, 0, UInt8(additional.count)]
        bytes += question
        return bytes + answers.joined() + additional.joined()
    }

    private static func fitting(_ records: [Record], _ room: inout Int) -> [[UInt8]] {
        var chosen: [[UInt8]] = []
        for record in records.prefix(16) {
            let bytes = bytes(of: record)
            guard bytes.count <= room else { break }
            room -= bytes.count
            chosen.append(bytes)
        }
        return chosen
    }

    private static func bytes(of record: Record) -> [UInt8] {
        switch record {
        case .address(let name, let address):
            let kind: Kind = address.count == 4 ? .address : .longAddress
            return encoded(name.isEmpty ? nil : name) + head(kind, length: address.count) + address
        case .service(let port, let target):
            let name = encoded(target)
            return encoded(nil) + head(.service, length: 6 + name.count)
                + [0, 0, 0, 0, UInt8(port >> 8 & 0xFF), UInt8(port & 0xFF)] + name
        }
    }

    /// Kind, class and a time to live of zero, and how long what follows is.
    private static func head(_ kind: Kind, length: Int) -> [UInt8] {
        [0, UInt8(kind.rawValue), 0, 1, 0, 0, 0, 0, UInt8(length >> 8), UInt8(length & 0xFF)]
    }

    /// A name in full; nil stands for the name that was asked for, by where it is.
    private static func encoded(_ labels: [String]?) -> [UInt8] {
        guard let labels else { return [0xC0, 12] }
        return labels.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}
