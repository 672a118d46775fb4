import Foundation
import Glibc
import Model
import Transport

/// The hub's authority and the certificates made from it, kept under `identity/`.
struct HubIdentity: Sendable {
    let authority: CertificateAuthority
    let server: TLSIdentity
    /// The authority's certificate: PEM for those who trust it, DER for join tokens.
    let trustRoots: String
    let certificateDER: [UInt8]
    /// Who may sign policy, for this hub and for every node that enrols here.
    let policyKeys: [TrustedKey]

    /// How long each kind of certificate lives. They are replaced by 15-minute ones once nodes can
    /// renew on their own.
    static let authorityLife = Duration.seconds(10 * 365 * 86_400)
    static let certificateLife = Duration.seconds(365 * 86_400)

    /// Loads the authority, or makes one where there is none. A server certificate is made at each
    /// start, so a change of address needs nothing else.
    static func open(_ settings: HubSettings) throws(HostError) -> HubIdentity {
        let directory = settings.state + "/identity"
        try PrivateFile.makeDirectory(directory)
        do {
            let now = SystemClock.now().wall
            let authority = try CertificateAuthority(
                file: directory + "/authority.pem", name: settings.name, validity: authorityLife,
                now: now)
            let server = try authority.issueHub(
                names: settings.advertise, validity: certificateLife, now: now)
            return HubIdentity(
                authority: authority, server: server, trustRoots: try authority.trustRoots,
                certificateDER: try authority.certificateDER,
                policyKeys: try PolicyKeys.hub(settings))
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the hub's authority in \(directory): \(error)")
        }
    }

    /// What a person's client needs to reach the hub. Written once, next to the authority.
    func writeOperator(in settings: HubSettings) throws(HostError) -> OperatorFiles {
        let files = OperatorFiles(directory: settings.state + "/operator")
        try PrivateFile.makeDirectory(files.directory)
        if try PrivateFile.read(files.certificate) == nil {
            do {
                let identity = try authority.issueOperator(
                    "admin", validity: HubIdentity.certificateLife, now: SystemClock.now().wall)
                try PrivateFile.write(identity.privateKey, to: files.key)
                try PrivateFile.write(trustRoots, to: files.authority)
                try PrivateFile.write(identity.certificateChain, to: files.certificate)
            } catch let error as HostError {
                throw error
            } catch {
                throw .identity("the operator's certificate: \(error)")
            }
        }
        return files
    }
}

/// Where the operator's certificate, its key and the hub's authority lie.
package struct OperatorFiles: Hashable, Sendable {
    package let directory: String
    package var certificate: String { directory + "/operator.crt" }
    package var key: String { directory + "/operator.key" }
    package var authority: String { directory + "/authority.crt" }
}
