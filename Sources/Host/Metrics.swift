/// Figures in the Prometheus text exposition format, version 0.0.4.
enum Metrics {
    struct Sample {
        enum Kind: String { case gauge, counter }
        var name: String
        var help: String
        var type: Kind
        var labels: [String: String]
        var value: Double

        init(
            _ name: String, _ help: String, type: Kind = .gauge, labels: [String: String] = [:],
            _ value: Double
        ) {
            self.name = name
            self.help = help
            self.type = type
            self.labels = labels
            self.value = value
        }
    }

    /// Samples of one name must follow each other.
    static func text(_ samples: [Sample]) -> String {
        var text = ""
        var last = ""
        for sample in samples {
            if sample.name != last {
                text +=
                    "# HELP \(sample.name) \(sample.help)\n# TYPE \(sample.name) \(sample.type)\n"
                last = sample.name
            }
            let labels = sample.labels.sorted { $0.key < $1.key }
                .map { "\($0.key)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            text += sample.name + (labels.isEmpty ? "" : "{\(labels)}") + " \(sample.value)\n"
        }
        return text
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.append(character)
            }
        }
    }
}
