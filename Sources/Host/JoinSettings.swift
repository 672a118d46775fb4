package import Model

/// How a machine without a token asks to become a node.
package struct JoinSettings: Hashable, Sendable {
    /// `host:port` where the hub enrols.
    package var hub: String
    package var site: SiteID
    /// The file of the hub's root, or `sha256:` and the digest of that.
    package var authority: String

    package init(hub: String, site: SiteID, authority: String) {
        self.hub = hub
        self.site = site
        self.authority = authority
    }
}
