/// What holds in every fleet, beneath its own policies. Whoever forbids here cannot be outvoted.
enum StockPolicies {
    static let text = """
        // Whoever gets through to the process may know that it is there.
        @id("stock/status")
        permit(principal, action == Action::"status", resource);

        // The owner of a node's socket owns the node.
        @id("stock/console")
        permit(principal is Console, action, resource);

        // What nodes do all day. A policy may forbid any of it.
        @id("stock/link")
        permit(principal is Node, action == Action::"connect", resource is Site)
        when { principal in resource };
        @id("stock/peers")
        permit(principal is Node, action == Action::"peer", resource is Node)
        when { principal has site && resource has site && principal.site == resource.site };
        @id("stock/run")
        permit(principal is Node, action == Action::"run", resource is Workload);

        // An identity that a node issued while it was cut off speaks for less.
        @id("stock/offline-identity")
        forbid(principal is User, action in [Action::"approve", Action::"exec", Action::"enrol", Action::"revoke"], resource)
        when { context.issuance == "offline" };

        // What is lent may not lend: no token outlives the ones that were made with it.
        @id("stock/token-makes-no-token")
        forbid(principal, action == Action::"vouch", resource)
        when { context.credential == "token" };

        // Two pairs of eyes: nobody approves what they asked for, whatever their roles.
        @id("stock/own-request")
        forbid(principal, action == Action::"approve", resource)
        when { resource has requestedBy && resource.requestedBy == principal };

        // What could lose data takes a second person, as soon as there is one who could say yes.
        @id("stock/second-person")
        forbid(principal is User, action == Action::"delete", resource)
        when { context.hasApprover && resource has keepsData && resource.keepsData }
        unless { context.isApproved };

        @id("stock/second-person-grave")
        forbid(principal is User, action in [Action::"apply", Action::"revoke"], resource)
        when { context.hasApprover && context.isGrave }
        unless { context.isApproved };

        // On an old policy nobody gets into workloads or takes Tier 1 away.
        @id("stock/stale-exec")
        forbid(principal is User, action == Action::"exec", resource)
        when { context.staleness != "fresh" };
        @id("stock/stale-tier-1")
        forbid(principal is User, action == Action::"delete", resource)
        when { context.staleness != "fresh" && resource has tier && resource.tier == 1 };

        // Beyond the autonomy window the console is left, once somebody has broken the glass.
        @id("stock/expired")
        forbid(principal is User, action, resource)
        when { context.staleness == "expired" }
        unless { action in [Action::"status", Action::"get", Action::"logs"] };
        @id("stock/expired-console")
        forbid(principal is Console, action, resource)
        when { context.staleness == "expired" }
        unless { action in [
            Action::"status", Action::"get", Action::"logs", Action::"review", Action::"breakGlass"] };

        """

    /// As long as no binding names anybody: who holds the operator's certificate may do everything, as
    /// there is nobody else who could say otherwise. Who was lent a token may look.
    static let nobodyBound = """
        @id("stock/nobody-is-bound")
        permit(principal is User, action, resource)
        when { context.credential == "certificate" };
        @id("stock/nobody-is-bound/token")
        permit(principal is User, action in [Action::"get", Action::"logs"], resource)
        when { context.credential == "token" };

        """

    /// All that holds where a policy cannot be read. What makes policy is signed, and a hub that took
    /// none could never be mended; nor could a node without its link.
    static let broken = """
        @id("stock/status")
        permit(principal, action == Action::"status", resource);
        @id("stock/mend")
        permit(principal is User, action == Action::"apply", resource is Policy)
        when { context.credential == "certificate" };
        @id("stock/mend-link")
        permit(principal is Node, action == Action::"connect", resource is Site)
        when { principal in resource };
        @id("stock/break-glass")
        permit(principal is Console, action == Action::"breakGlass", resource);

        """

    /// All that holds at the console of a node where somebody broke the glass.
    static let brokenGlass = """
        @id("stock/glass-is-broken")
        permit(principal is Console, action, resource);

        """
}
