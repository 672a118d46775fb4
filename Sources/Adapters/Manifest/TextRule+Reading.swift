import Foundation
import Model

extension TextRule {
    /// The text, or why it may not stand here.
    func reading(_ written: Written, _ text: String) -> Result<Checked, Misfit> {
        if self == .portName, written.isNumber {
            return .failure(
                Misfit(
                    .probePort, "a probe with the number \(shown(text)) for a port",
                    fix: "write the name that the port has in 'ports' of the container"))
        }
        if case .scalar(_, isPlain: true) = written.content, !takesAnyScalar,
            written.isNumber || written.isBoolean, needsQuotes(text)
        {
            return .failure(
                Misfit(
                    .wrongType, "found \(written.description) where text is wanted",
                    fix: "put it in quotes: \"\(shown(text))\"", replacement: "\"\(text)\""))
        }
        let misfit: Misfit? =
            switch self {
            case .name, .portName: nameMisfit(text)
            case .words, .argument, .command, .rules: contentMisfit(text)
            case .image: imageMisfit(text)
            case .imageSignature: imageSignatureMisfit(text)
            case .path: pathMisfit(text)
            case .requestPath: requestPathMisfit(text)
            case .envName: envNameMisfit(text)
            case .labelKey: labelKeyMisfit(text)
            case .labelValue: labelMisfit(text, what: "label value", mayBeEmpty: true)
            case .portNumber: contentMisfit(text)
            case .secretReference: secretReferenceMisfit(text)
            case .secretKey: secretKeyMisfit(text)
            case .base64: base64Misfit(text)
            case .secretText: nil
            }
        return misfit.map { .failure($0) } ?? .success(.text(text))
    }

    /// An argument such as `5` is text beyond doubt; a name or image that is a number is not.
    private func needsQuotes(_ text: String) -> Bool { self != .command }

    private func secretReferenceMisfit(_ text: String) -> Misfit? {
        guard SecretReference(text) == nil else { return nil }
        return Misfit(
            .badName, "\(quoted(text)) is not a value of a Secret",
            fix: "write the Secret's name, a slash and the key: database/password")
    }

    private func imageSignatureMisfit(_ text: String) -> Misfit? {
        guard ImageSignature(text) == nil else { return nil }
        return Misfit(
            .badText,
            "the signature of an image is 64 and 128 hexadecimal digits, with a colon between",
            fix: "take it from: skerry image sign REPOSITORY@sha256:DIGEST --key FILE")
    }

    private func secretKeyMisfit(_ text: String) -> Misfit? {
        guard !SecretReference.isKey(text) else { return nil }
        return Misfit(
            .badName, "\(quoted(text)) is not a key of a Secret",
            fix: "use letters, digits, '-', '_' and '.', at most 253 of them: it names a file")
    }

    private func base64Misfit(_ text: String) -> Misfit? {
        let joined = text.filter { !$0.isWhitespace }
        guard Data(base64Encoded: joined) == nil else { return nil }
        return Misfit(
            .badText, "the value is not Base64",
            fix: "encode it with: base64 -w0 FILE; or write it as it is, below 'stringData'")
    }

    private func nameMisfit(_ text: String) -> Misfit? {
        guard !isDNSLabel(text) else { return nil }
        let near = dnsLabel(from: text)
        let reason =
            text.utf8.count > 63
            ? "it has \(text.utf8.count) characters, and 63 are allowed"
            : "only a-z, 0-9 and - are allowed, with no - at either end"
        return Misfit(
            .badName, "\(quoted(text)) is not a name: \(reason)",
            fix: near.map { "write '\($0)'" } ?? "write a name such as route-optimizer",
            replacement: near)
    }

    private func contentMisfit(_ text: String) -> Misfit? {
        guard text.utf8.contains(0) else { return nil }
        return Misfit(
            .badText, "the text holds a NUL character, which programs cannot be given",
            fix: "take the \\0 out")
    }

    private func imageMisfit(_ text: String) -> Misfit? {
        let isSound =
            !text.isEmpty && text.utf8.count <= 512
            && text.utf8.allSatisfy { (33...126).contains($0) }
        guard !isSound else { return nil }
        return Misfit(
            .badText, "\(quoted(text)) is not an image reference",
            fix: "write NAME:TAG or NAME@DIGEST without spaces, such as localhost/shop:1")
    }

    private func pathMisfit(_ text: String) -> Misfit? {
        guard !text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            return Misfit(
                .badPath, "the path holds a control character", fix: "write a path such as /srv/x")
        }
        guard text.utf8.first == 47 else {
            return Misfit(
                .badPath, "the path \(quoted(text)) is not absolute",
                fix: "start it with '/': what a path is relative to differs between nodes")
        }
        guard !text.split(separator: "/").contains("..") else {
            return Misfit(
                .badPath, "the path \(quoted(text)) has '..' in it",
                fix: "write the path it leads to")
        }
        return nil
    }

    private func requestPathMisfit(_ text: String) -> Misfit? {
        guard text.utf8.first == 47, text.utf8.allSatisfy({ (33...126).contains($0) }) else {
            let near = text.utf8.allSatisfy { (33...126).contains($0) } ? "/" + text : nil
            return Misfit(
                .badPath, "\(quoted(text)) is not the path of a request",
                fix: near.map { "write '\(shown($0))'" } ?? "start it with '/', without spaces",
                replacement: near)
        }
        return nil
    }

    private func envNameMisfit(_ text: String) -> Misfit? {
        let isSound =
            (1...256).contains(text.utf8.count) && !isDigit(text.utf8.first ?? 0)
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 95 }
        guard !isSound else { return nil }
        let near = String(
            text.unicodeScalars.prefix(256).map {
                isLetter(UInt8(truncatingIfNeeded: $0.value)) && $0.isASCII
                    || isDigit(UInt8(truncatingIfNeeded: $0.value)) && $0.isASCII
                    ? Character($0) : "_"
            })
        let usable = near.utf8.first.map { !isDigit($0) } ?? false
        return Misfit(
            .badEnvName, "\(quoted(text)) is not a name for an environment variable",
            fix: usable ? "write '\(near)'" : "start it with a letter or _",
            replacement: usable ? near : nil)
    }

    private func labelKeyMisfit(_ text: String) -> Misfit? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            let isDomain =
                parts[0].utf8.count <= 253
                && parts[0].split(separator: ".", omittingEmptySubsequences: false)
                    .allSatisfy { isDNSLabel(String($0)) }
            guard isDomain else {
                return Misfit(
                    .badLabel, "the prefix of label \(quoted(text)) is not a DNS name",
                    fix: "write it as example.com/name, or without a prefix")
            }
        }
        return labelMisfit(String(parts.last ?? ""), what: "label key", mayBeEmpty: false)
    }

    private func labelMisfit(_ text: String, what: String, mayBeEmpty: Bool) -> Misfit? {
        if text.isEmpty && mayBeEmpty { return nil }
        guard text.utf8.count <= 63 else {
            return Misfit(
                .tooLong, "a \(what) of \(text.utf8.count) characters, and 63 are allowed",
                fix: "shorten it; longer notes belong into metadata.annotations")
        }
        guard let first = text.utf8.first, let last = text.utf8.last,
            isLetter(first) || isDigit(first), isLetter(last) || isDigit(last),
            text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || [45, 46, 95].contains($0) })
        else {
            return Misfit(
                .badLabel, "\(quoted(text)) is not a \(what)",
                fix: "use letters, digits, '-', '_' and '.', with a letter or digit at both ends")
        }
        return nil
    }
}

func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte) || (97...122).contains(byte) }

/// The DNS label that is nearest to `text`: `My Shop` becomes `my-shop`; nil if nothing remains.
private func dnsLabel(from text: String) -> String? {
    var label = ""
    for byte in text.lowercased().utf8.prefix(200) {
        if isLetter(byte) || isDigit(byte) {
            label.append(Character(Unicode.Scalar(byte)))
        } else if !label.isEmpty, !label.hasSuffix("-") {
            label.append("-")
        }
    }
    label = String(label.prefix(63))
    while label.hasSuffix("-") { label.removeLast() }
    return label.isEmpty ? nil : label
}

extension TextRule {
    fileprivate static func misfit(ofLabel key: String, value: String) -> Misfit? {
        TextRule.labelKey.labelKeyMisfit(key)
            ?? TextRule.labelValue.labelMisfit(value, what: "label value", mayBeEmpty: true)
    }
}

extension Schema {
    /// What is wrong with a label, in the words that a manifest with it would get; nil if nothing.
    package static func mistake(inLabel key: String, value: String) -> String? {
        TextRule.misfit(ofLabel: key, value: value).map { $0.message + "; " + $0.fix }
    }
}
