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

    /// What the kind of mistake means, why it is refused and what to do, for `skerry explain`.
    package var explanation: String {
        switch self {
        case .syntax:
            """
            The text is not YAML. Most often a line is indented differently from its neighbours, a
            quote is not closed, or a text that holds ': ' or starts with one of @ ` % is not in
            quotes. The other documents of the file are still checked.
            """
        case .unknownField:
            """
            There is no field of this name at this place. Nothing is ignored silently: a misspelt
            limit that is ignored is a limit that does not hold. `skerry explain KIND.PATH` lists
            the fields there are.
            """
        case .wrongType:
            """
            The value is of another type than the field takes, such as text where a list belongs.
            Quotes make text of a number: port: "80" is text, port: 80 is a number.
            """
        case .missingField:
            """
            A field that has no default is not there or has no value. `skerry explain KIND.PATH`
            shows which fields are required.
            """
        case .duplicateKey:
            """
            The same field is given twice in one block. YAML readers disagree on which one counts, so
            neither is taken.
            """
        case .unknownVersion:
            "The apiVersion is not one that this release reads. It reads skerry.dev/v1."
        case .unknownKind:
            """
            The kind is not one that this release knows. Manifests hold objects of the kinds Site and
            Workload.
            """
        case .kindNotWritten:
            """
            Objects of this kind are not written by hand. A Node comes to be when an agent joins with
            a token from `skerry token create`; an Instance is made by the node that runs it.
            """
        case .statusWritten:
            """
            The status of an object says what nodes observed. It cannot be wished for: take the block
            out of the file.
            """
        case .badName:
            """
            Names are DNS labels (RFC 1123): 1 to 63 characters, only a-z, 0-9 and -, with no - at
            either end. They become host names, file names and parts of certificates.
            """
        case .duplicateObject:
            """
            Two documents give an object of the same kind and name. Only one of them could be
            applied, and which one would depend on their order.
            """
        case .duplicateEntry:
            """
            Two entries of a list have the same name or number where each must be unique: containers
            of a workload, ports of all its containers, mount targets, dependencies.
            """
        case .badQuantity:
            """
            Processor time is cores or thousandths of a core: 2, 1.5, 250m. Sizes are bytes with an
            optional unit: 64Mi, 1Gi (powers of 1024), 500M, 1G (powers of 1000).
            """
        case .badDuration:
            """
            A duration is whole numbers with the units d, h, m, s, ms, at most ten years: 72h, 1h30m,
            500ms.
            """
        case .outOfRange:
            "The value is of the right type, but lower or higher than the field allows."
        case .impossibleResources:
            """
            No node could grant these resources, or nothing could run in them: memory is 4Mi to 16Ti,
            processor time is 1m to 1024 cores. To set no limit, leave the field out.
            """
        case .probeAction:
            """
            A probe does exactly one thing: http, tcp or exec. For two checks, write one exec probe
            that makes both.
            """
        case .probePort:
            """
            A probe names a port of its own container by name. The number may be chosen by the node,
            so probes do not take numbers.
            """
        case .dependencyCycle:
            """
            Each workload waits until those it depends on are ready, so workloads that depend on
            themselves, directly or around a circle, would never start.
            """
        case .nothingToRun:
            """
            A workload has at least one container, and a container has an image, a command or both.
            The engine that runs containers needs the image, the one that runs processes the command.
            """
        case .badPath:
            """
            Paths on nodes and in containers are absolute and have no '..' in them, since what they
            are relative to would differ from node to node.
            """
        case .badEnvName:
            """
            Names of environment variables start with a letter or _ and hold letters, digits and _.
            """
        case .badLabel:
            """
            A label is a key of letters, digits, '-', '_' and '.', at most 63 characters, with an
            optional DNS prefix (example.com/key), and a value of the same characters or none.
            """
        case .tooLong:
            "The text is longer than the field allows; most fields take at most 4 KiB."
        case .tooMany:
            "The list, map or file holds more entries than are allowed."
        case .notUTF8:
            """
            The file has bytes that are not UTF-8, or is in another encoding such as UTF-16. Save it
            as UTF-8.
            """
        case .tooLarge:
            "A file is at most 10 MiB, and one document in it at most 1 MiB."
        case .tooDeep:
            "Lists and maps are nested deeper than 32. No object needs a third of that."
        case .tab:
            "YAML is indented with spaces. A tab looks like an indentation and is none."
        case .alias:
            """
            YAML anchors (&name), aliases (*name), merge keys (<<) and tags (!type) are not read: a
            few lines of them can stand for billions of values, and no mistake could name its line.
            """
        case .badChoice:
            "The field takes one of a few words, and this is not one of them."
        case .notAnObject:
            "Each document is a map that starts with apiVersion, kind, metadata and spec."
        case .nothingToApply:
            "The files hold no object: they are empty, or have nothing but comments."
        case .badText:
            "The text is empty, or holds characters that have no meaning in this field."
        }
    }
}
