import Foundation
import Model

extension Schema {
    /// As users of other orchestrators know it: without a spec.
    static let secret = Record(
        name: "Secret",
        about: "Values that workloads need and nobody else may read: sealed at the hub, and on the "
            + "nodes whose workloads name them.",
        fields: [
            Field(
                "apiVersion", .text(.words), .required,
                "The group and version of the object's schema.", example: apiVersion),
            Field("kind", .choice([Kind.secret.rawValue]), .required, "What the object is."),
            Field("metadata", .record(metadata), .required, "The object's name and labels."),
            Field(
                "type", .text(.words), .standard(Secret.opaque),
                "A word for people and tools; nothing depends on it."),
            Field(
                "data", .map(keys: .secretKey, values: .base64, limit: Secret.keysMax),
                .standard("{}"), "Values in Base64, by key. Never shown again.",
                example: "{password: aHVudGVyMg==}"),
            Field(
                "stringData", .map(keys: .secretKey, values: .secretText, limit: Secret.keysMax),
                .standard("{}"), "Values as they are, by key; they replace those of 'data'.",
                example: "{password: hunter2}"),
            .reported("status", .record(secretStatus), "What there is. Never part of a file."),
        ],
        rule: .secret,
        habits: [
            "spec": "write 'data' or 'stringData' directly in the object",
            "immutable": "leave it out: a new value restarts what uses it",
            "values": "write 'stringData'",
        ])

    static let secretStatus = Record(
        name: "secret status", about: "What the hub tells of a Secret.",
        fields: [
            .reported(
                "keys", .list(.text(.words), limit: Secret.keysMax), "What its values are called.")
        ])
}

extension Checker {
    mutating func checkSecret(_ written: Written) {
        let entries = ["data", "stringData"].flatMap { written[$0]?.entries ?? [] }
        guard !entries.isEmpty else {
            add(
                .missingField, written, at: "", "a Secret without values",
                fix: "write at least one: stringData: {password: ...}")
            return
        }
        let bytes = entries.reduce(0) { $0 + ($1.value.text?.utf8.count ?? 0) }
        guard bytes > Secret.bytesMax else { return }
        add(
            .tooLarge, written, at: "", "the values have more than \(Secret.bytesMax >> 10) KiB",
            fix: "split it into several Secrets; large files are not for Secrets")
    }
}
