import Containers
import Machines
import Model
import Synchronization
import Transport

/// The link to the hub, and what is shown on it.
extension AgentHost {
    /// One session from connect to end. The greeting waits in it until the link stands.
    func holdSession() async {
        let session = link.open()
        mailbox.yield(.linkUp)
        await conclude(session, await trouble(of: session))
    }

    /// A session that is to follow the one that stands.
    func holdSuccessor() async {
        let session = link.openSuccessor()
        mailbox.yield(.linkUp)
        await conclude(session, await trouble(of: session))
    }

    /// Why the session ended; nil where this side is stopping.
    private func trouble(of session: LinkSlot.Session) async -> TransportError? {
        do {
            try await talkWithRemedies(session)
            return .closed(reason: "the session ended")
        } catch {
            return error
        }
    }

    /// Where what this node shows is the trouble, something else may be had: a certificate of the time
    /// that the hub's own told, or a new authority by the device key.
    private func talkWithRemedies(_ session: LinkSlot.Session) async throws(TransportError) {
        do {
            return try await talk(session)
        } catch {
            guard error.isOfOwnIdentity, isRefreshed() else {
                return try await talkAnew(session, after: error)
            }
        }
        do {
            return try await talk(session)
        } catch {
            return try await talkAnew(session, after: error)
        }
    }

    private func talkAnew(
        _ session: LinkSlot.Session, after error: TransportError
    ) async throws(TransportError) {
        guard error.isOfOwnIdentity, await hasComeBack() else { throw error }
        try await talk(session)
    }

    private func conclude(_ session: LinkSlot.Session, _ error: TransportError?) async {
        switch link.end(session) {
        case .left: return
        case .successor:
            mailbox.yield(.redialFailed(reason: error.map { "\($0)" } ?? "it ended"))
        case .link:
            // Not only a lost link: the hub said when to come back.
            if case .refused(let retryAfter, let reason)? = error {
                mailbox.yield(.received(.retry(after: retryAfter, reason: reason)))
            }
            var isSilent = false
            if case .silent? = error { isSilent = true }
            let trouble = error.flatMap { LinkStory.Trouble($0) }
            mailbox.yield(
                .linkDown(
                    reason: trouble.map(tell) ?? "this node is stopping", isSilent: isSilent))
        }
    }

    /// Writes it down for people, unless they know, and answers the words that they know it by.
    private func tell(_ trouble: LinkStory.Trouble) -> String {
        let (line, reason) = story.withLock { story in
            let line = story.noteEnd(trouble, at: SystemClock.now().wall)
            return (line, story.current?.trouble.reason ?? trouble.reason)
        }
        if let line { log(line) }
        return reason
    }

    private func talk(_ session: LinkSlot.Session) async throws(TransportError) {
        let credentials = identity.credentials
        let shown: TLSIdentity
        do {
            shown = try credentials.shown()
        } catch {
            throw .identity(.certificate(reason: "\(error)"))
        }
        let client = try ControlClient(
            hub: settings.hub ?? identity.enrolment.controlAddress, identity: shown,
            trustRoots: credentials.trustRoots, clock: credentials.time.forHandshakes,
            admitsOld: credentials.isOld, notice: { _ in })
        try await client.session(
            outgoing: session.outgoing,
            incoming: { [self] message in
                Failpoint.reach("agent.receive.\(message.failpoint)")
                guard link.isLive(session) else { return }
                mailbox.yield(.received(message))
                if case .welcome(let welcome) = message { learn(welcome.time) }
            },
            streams: streams)
    }

    /// Logs and commands for people at the hub, for as long as the agent runs.
    func serveStreams() async {
        await streams.run { [self] request, input, output in
            try await keepRelayed(request)
            do {
                try await engine.run(request, input: input, output: output)
            } catch let failure as EngineFailure where failure.isAbsence {
                try await output(.missing(failure.message))
            }
        }
    }

    // MARK: - What is shown

    func issue(_ mode: IssuanceMode) -> Agent.Input {
        do {
            let now = SystemClock.now().monotonic
            return .issued(life: try identity.credentials.issue(mode).life, at: now)
        } catch {
            return .issueFailed(reason: "\(error)")
        }
    }

    func install(_ certification: Certification) async {
        do {
            mailbox.yield(
                .certified(isFirst: try await identity.credentials.install(certification)))
        } catch {
            log("the authority that the hub sent is not used: \(error)")
        }
    }

    func keep(_ deal: KeyDeal) async {
        do {
            let now = identity.credentials.time.now
            let hand = try await pairKeys.take(deal, at: now)
            if let seat {
                await seat.mesh.take(await pairKeys.ring)
                await pairKeys.handOver()
            }
            mailbox.yield(.keptKeys(hand))
        } catch {
            log("the keys with this node's peers are not kept: \(error)")
        }
    }

    /// A certificate from a time that is over, or not yet come, ends before its renewal is due.
    private func learn(_ time: WallTime?) {
        guard let time else { return }
        let shift = identity.credentials.time.learn(time)
        if shift > AgentHost.shiftMax || shift < .zero - AgentHost.shiftMax {
            mailbox.yield(.timeCorrected)
        }
    }

    /// Whether there is now something else to show than what the hub refused.
    private func isRefreshed() -> Bool {
        do {
            return try identity.credentials.refresh()
        } catch {
            return false
        }
    }

    /// Whether this node got a new authority by its device key, and has that to show now.
    private func hasComeBack() async -> Bool {
        do {
            guard try await identity.credentials.comeBack(hub: settings.hub) else { return false }
            log("came back with the device key: the authority of this node had ended")
            return true
        } catch {
            log("the device key brought no new authority: \(error)")
            return false
        }
    }

    private static let shiftMax = Duration.seconds(30)
}

extension TransportError {
    /// Whether what this node has to show is the trouble.
    fileprivate var isOfOwnIdentity: Bool {
        switch self {
        case .untrusted(.node, _), .identity: true
        default: false
        }
    }
}
