import Crypto
import Foundation
package import Model
import X509

extension IssuingAuthority {
    /// Signs a plan for those who trust the root that this authority is below.
    package func sign(_ plan: SitePlan) throws(CredentialError) -> SignedPlan {
        do {
            let lines = [
                SignedPlan.heading,
                String(decoding: try JSONEncoder.settled.encode(plan), as: UTF8.self),
            ]
            guard lines[1].utf8.count <= SignedPlan.bytesMax else {
                throw CredentialError.certificate(
                    reason: "\(lines[1].utf8.count) bytes are more than \(SignedPlan.bytesMax)")
            }
            let (signature, chain) = try seal(lines)
            return SignedPlan(lines: lines, signature: signature, chain: chain)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

extension SignedPlan {
    /// The plan, where an authority signed it that one of these roots made for signing. As with a
    /// roster, that this authority has ended since does not count.
    package func opened(trusting roots: String) throws(CredentialError) -> SitePlan {
        guard lines.count == 2, lines[0] == SignedPlan.heading,
            lines[1].utf8.count <= SignedPlan.bytesMax
        else { throw .certificate(reason: "it is no plan") }
        // Nothing of it is read before it is known who wrote it.
        try verify(lines, signature, by: chain, trusting: roots)
        do {
            return try JSONDecoder().decode(SitePlan.self, from: Data(lines[1].utf8))
        } catch {
            throw .certificate(reason: "the plan in it cannot be read: \(error)")
        }
    }

    /// As it travels between nodes: the same bytes at each, so that a digest names it.
    package var bytes: [UInt8] {
        get throws(CredentialError) {
            do {
                return Array(try JSONEncoder.settled.encode(self))
            } catch {
                throw .certificate(reason: "\(error)")
            }
        }
    }

    package init(bytes: [UInt8]) throws(CredentialError) {
        do {
            self = try JSONDecoder().decode(SignedPlan.self, from: Data(bytes))
        } catch {
            throw .certificate(reason: "it is no plan: \(error)")
        }
    }
}

extension JSONEncoder {
    /// Equal values have equal bytes.
    fileprivate static var settled: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
