import Model

extension Session {
    /// The instance of that name.
    func instance(_ name: String) async throws -> Instance {
        guard case .instance(let instance) = try await connection.object(.instance, name) else {
            throw Failure(.failed, "the server answered with something that is no instance")
        }
        return instance
    }

    /// The container a stream is for: the one named, or the first one of the workload.
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
