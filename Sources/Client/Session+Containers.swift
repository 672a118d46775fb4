import Model

extension Session {
    /// The instance of that name.
    func instance(_ name: String) async throws -> Instance {
        let object: Object
        do {
            object = try await connection.object(.instance, name)
        } catch let failure as Failure where failure.code == .notFound {
            throw try await missing(name, failure)
        }
        guard case .instance(let instance) = object else {
            throw Failure(.failed, "the server answered with something that is no instance")
        }
        return instance
    }

    /// Most names without a number are those of workloads.
    private func missing(_ name: String, _ failure: Failure) async throws -> Failure {
        let own = try await connection.list(.instance, try Selector("workload=\(name)")).items
        guard !own.isEmpty else { return failure }
        let names = own.prefix(5).map(\.metadata.name).joined(separator: ", ")
        return Failure(
            .notFound,
            failure.message + "; '\(name)' is a workload with the instances \(names)"
                + (own.count > 5 ? " and \(own.count - 5) more" : ""))
    }

    /// The container a stream is for: the one named, or the first one of the workload.
    ///
    /// A name is not held against the workload: what runs may be older than what was applied.
    func container(_ name: String?, of instance: InstanceStatus) async throws -> String {
        if let name {
            guard isDNSLabel(name) else {
                throw Failure(.usage, "'\(name)' is no name of a container")
            }
            return name
        }
        let object = try await connection.object(.workload, instance.id.workload.text)
        guard case .workload(let workload) = object, let first = workload.spec.containers.first
        else {
            throw Failure(
                .failed, "the containers of '\(instance.id)' are not known; name one with -c")
        }
        if workload.spec.containers.count > 1 {
            let others = workload.spec.containers.dropFirst().map(\.name).joined(separator: ", ")
            try console.remark(
                "container \(first.name) of \(instance.id); others, with -c: \(others)")
        }
        return first.name
    }
}
