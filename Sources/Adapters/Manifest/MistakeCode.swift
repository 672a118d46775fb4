/// The kinds of mistake a manifest can hold. A code never changes its meaning and is never reused.
package enum MistakeCode: String, CaseIterable, Codable, Hashable, Sendable {
    case syntax = "SK0101"
    case unknownField = "SK0102"
    case wrongType = "SK0103"
    case missingField = "SK0104"
    case duplicateKey = "SK0105"
    case unknownVersion = "SK0106"
    case unknownKind = "SK0107"
    case kindNotWritten = "SK0108"
    case statusWritten = "SK0109"
    case badName = "SK0110"
    case duplicateObject = "SK0111"
    case duplicateEntry = "SK0112"
    case badQuantity = "SK0113"
    case badDuration = "SK0114"
    case outOfRange = "SK0115"
    case impossibleResources = "SK0116"
    case probeAction = "SK0117"
    case probePort = "SK0118"
    case dependencyCycle = "SK0119"
    case nothingToRun = "SK0120"
    case badPath = "SK0121"
    case badEnvName = "SK0122"
    case badLabel = "SK0123"
    case tooLong = "SK0124"
    case tooMany = "SK0125"
    case notUTF8 = "SK0126"
    case tooLarge = "SK0127"
    case tooDeep = "SK0128"
    case tab = "SK0129"
    case alias = "SK0130"
    case badChoice = "SK0131"
    case notAnObject = "SK0132"
    case nothingToApply = "SK0133"
    case badText = "SK0134"
    case refused = "SK0135"
    case unknownName = "SK0136"

    /// What the kind of mistake means, why it is refused and what to do, for `skerry explain`.
    package var explanation: String {
        guard let text = MistakeCode.explanations[self] else {
            preconditionFailure("\(rawValue) has no explanation")
        }
        return text
    }
}
