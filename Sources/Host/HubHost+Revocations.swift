import Machines
import Model
import Transport

/// Signing what is revoked, and obeying it.
extension HubHost {
    /// Obeyed first: who is revoked is out from here on, whatever becomes of the signature.
    func sign(_ list: RevocationList) {
        revocations.show(list)
        control.endRevoked()
        do {
            let signed = try list.signed(
                by: identity.issuing, shown: identity.authority.shownLinks,
                at: identity.time.attest(), life: Hub.revocationLife)
            mailbox.yield(.signedRevocations(signed))
        } catch {
            log("what is revoked cannot be signed, so nodes do not hear of it: \(error)")
        }
    }
}
