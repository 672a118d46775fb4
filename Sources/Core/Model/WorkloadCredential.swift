/// What a workload is told of itself on its own socket: who it is, by what it proves that, and whom it
/// shall trust.
package struct WorkloadCredential: Codable, Equatable, Sendable {
    /// `spiffe://NODE.SITE.skerry/wl/NAME`
    package var id: String
    /// PEM, the leaf first, its authorities behind it.
    package var certificate: String
    /// PEM; the key of that leaf.
    package var privateKey: String
    /// PEM; the roots of the fleet.
    package var trustBundle: String
    /// When the leaf ends.
    package var expiresAt: WallTime
    /// From when on a new one can be had here.
    package var renewedAt: WallTime

    package init(
        id: String, certificate: String, privateKey: String, trustBundle: String,
        expiresAt: WallTime, renewedAt: WallTime
    ) {
        self.id = id
        self.certificate = certificate
        self.privateKey = privateKey
        self.trustBundle = trustBundle
        self.expiresAt = expiresAt
        self.renewedAt = renewedAt
    }
}
