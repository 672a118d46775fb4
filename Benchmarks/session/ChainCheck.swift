import Crypto
import Foundation
import X509

/// What it costs to check a peer's chain with swift-certificates: NIOSSL's own check lets names through
/// that Skerry refuses, so its connections use this one.
struct ChainCheck {
    private let identities: Identities

    init() throws { identities = try Identities(.leafUnderIssuerUnderRoot) }

    /// Microseconds of processor time, the median of as many rounds.
    func microseconds(rounds: Int) async throws -> Double {
        var times: [Double] = []
        for _ in 0..<rounds {
            // Of all threads: the check may go on at any.
            let start = processorTime(CLOCK_PROCESS_CPUTIME_ID)
            for _ in 0..<20 { try await check() }
            times.append((processorTime(CLOCK_PROCESS_CPUTIME_ID) - start) / 20 / 1000)
        }
        return times.sorted()[rounds / 2]
    }

    private func check() async throws {
        var verifier = Verifier(rootCertificates: CertificateStore([identities.root])) {
            RFC5280Policy()
        }
        let result = await verifier.validate(
            leaf: identities.leaf, intermediates: CertificateStore(identities.between))
        guard case .validCertificate = result else { throw Failure("the chain is refused") }
    }
}
