import Audit
import Foundation
import Model

/// Fetches what ties one record to signatures, and checks it here. Ends with 1 where it does not hold.
package struct ProveAudit: Sendable {
    private let record: UInt64
    private let format: Format

    package init(record: String, format: Format) throws(Failure) {
        guard let number = UInt64(record), number > 0 else {
            throw Failure(
                .usage, "'\(record)' is no record: their numbers show in: skerry audit tail")
        }
        self.record = number
        self.format = format
    }

    package func run(in session: Session) async throws {
        let proof = try await session.connection.auditProof(of: record)
        let console = session.console
        let flaw = flaw(of: proof)
        switch format {
        case .json: try console.sayJSON(proof)
        case .table: if flaw == nil { try console.say(sentences(proof).map { visible($0) }) }
        case .yaml, .name, .wide:
            throw Failure(.usage, "a proof is shown as sentences or as json")
        }
        if let flaw { throw Failure(.failed, "record \(record) is not proved: \(flaw)") }
    }

    private func flaw(of proof: AuditProof) -> String? {
        guard proof.entries.first?.index == record else { return "the answer is about another one" }
        return proof.flaw
    }

    private func sentences(_ proof: AuditProof) -> [String] {
        let checkpoint = proof.checkpoint
        var lines = [
            AuditLine(proof.entries[0]).sentence,
            "is record \(record) of the audit log \(proof.log): \(proof.entries.count) records lead "
                + "from it to the checkpoint at record \(checkpoint.index), signed at "
                + "\(checkpoint.at) with key \(proof.key)",
        ]
        if let receipt = proof.receipt, let witnessed = proof.witnessed {
            let tie =
                witnessed == checkpoint
                ? "that checkpoint is" : "the checkpoint at record \(witnessed.index) is"
            lines.append(
                "\(tie) number \(receipt.leaf + 1) of \(receipt.head.size) in the log of "
                    + "\(receipt.head.log), signed at \(receipt.head.at) with key \(receipt.key)")
        } else {
            lines.append("nobody else has witnessed it yet")
        }
        return lines
    }
}
