extension MistakeCode {
    static let explanations: [MistakeCode: String] = [
        .syntax:
            """
        The text is not YAML. Most often a line is indented differently from its neighbours, a
        quote is not closed, or a text that holds ': ' or starts with one of @ ` % is not in
        quotes. The other documents of the file are still checked.
        """,
        .unknownField:
            """
        There is no field of this name at this place. Nothing is ignored silently: a misspelt
        limit that is ignored is a limit that does not hold. `skerry explain KIND.PATH` lists
        the fields there are.
        """,
        .wrongType:
            """
        The value is of another type than the field takes, such as text where a list belongs.
        Quotes make text of a number: port: "80" is text, port: 80 is a number.
        """,
        .missingField:
            """
        A field that has no default is not there or has no value. `skerry explain KIND.PATH`
        shows which fields are required.
        """,
        .duplicateKey:
            """
        The same field is given twice in one block. YAML readers disagree on which one counts, so
        neither is taken.
        """,
        .unknownVersion:
            "The apiVersion is not one that this release reads. It reads skerry.dev/v1.",
        .unknownKind:
            """
        The kind is not one that this release knows. Manifests hold objects of the kinds Site and
        Workload.
        """,
        .kindNotWritten:
            """
        Objects of this kind are not written by hand. A Node comes to be when an agent joins with
        a token from `skerry token create`; an Instance is made by the node that runs it.
        """,
        .statusWritten:
            """
        The status of an object says what nodes observed. It cannot be wished for: take the block
        out of the file.
        """,
        .badName:
            """
        Names are DNS labels (RFC 1123): 1 to 63 characters, only a-z, 0-9 and -, with no - at
        either end. They become host names, file names and parts of certificates.
        """,
        .duplicateObject:
            """
        Two documents give an object of the same kind and name. Only one of them could be
        applied, and which one would depend on their order.
        """,
        .duplicateEntry:
            """
        Two entries of a list have the same name or number where each must be unique: containers
        of a workload, ports of all its containers, mount targets, dependencies.
        """,
        .badQuantity:
            """
        Processor time is cores or thousandths of a core: 2, 1.5, 250m. Sizes are bytes with an
        optional unit: 64Mi, 1Gi (powers of 1024), 500M, 1G (powers of 1000).
        """,
        .badDuration:
            """
        A duration is whole numbers with the units d, h, m, s, ms, at most ten years: 72h, 1h30m,
        500ms.
        """,
        .outOfRange:
            "The value is of the right type, but lower or higher than the field allows.",
        .impossibleResources:
            """
        No node could grant these resources, or nothing could run in them: memory is 4Mi to 16Ti,
        processor time is 1m to 1024 cores. To set no limit, leave the field out.
        """,
        .probeAction:
            """
        A probe does exactly one thing: http, tcp or exec. For two checks, write one exec probe
        that makes both.
        """,
        .probePort:
            """
        A probe names a port of its own container by name. The number may be chosen by the node,
        so probes do not take numbers.
        """,
        .dependencyCycle:
            """
        Each workload waits until those it depends on are ready, so workloads that depend on
        themselves, directly or around a circle, would never start.
        """,
        .nothingToRun:
            """
        A workload has at least one container, and a container has an image, a command or both.
        The engine that runs containers needs the image, the one that runs processes the command.
        """,
        .badPath:
            """
        Paths on nodes and in containers are absolute and have no '..' in them, since what they
        are relative to would differ from node to node.
        """,
        .badEnvName:
            """
        Names of environment variables start with a letter or _ and hold letters, digits and _.
        """,
        .badLabel:
            """
        A label is a key of letters, digits, '-', '_' and '.', at most 63 characters, with an
        optional DNS prefix (example.com/key), and a value of the same characters or none.
        """,
        .tooLong:
            "The text is longer than the field allows; most fields take at most 4 KiB.",
        .tooMany:
            "The list, map or file holds more entries than are allowed.",
        .notUTF8:
            """
        The file has bytes that are not UTF-8, or is in another encoding such as UTF-16. Save it
        as UTF-8.
        """,
        .tooLarge:
            "A file is at most 10 MiB, and one document in it at most 1 MiB.",
        .tooDeep:
            "Lists and maps are nested deeper than 32. No object needs a third of that.",
        .tab:
            "YAML is indented with spaces. A tab looks like an indentation and is none.",
        .alias:
            """
        YAML anchors (&name), aliases (*name), merge keys (<<) and tags (!type) are not read: a
        few lines of them can stand for billions of values, and no mistake could name its line.
        """,
        .badChoice:
            "The field takes one of a few words, and this is not one of them.",
        .notAnObject:
            "Each document is a map that starts with apiVersion, kind, metadata and spec.",
        .nothingToApply:
            "The files hold no object: they are empty, or have nothing but comments.",
        .badText:
            "The text is empty, or holds characters that have no meaning in this field.",
        .refused:
            """
        What is written can be read, and cannot be: rows of an authority table that contradict each
        other or give a decision to somebody who cannot be reached, a policy without signature, a
        workload that depends on one that is not there. The message says which.
        """,
        .unknownName:
            """
        A scenario speaks of a site, node or workload that is not part of the rehearsal. The nodes
        of a rehearsal from files are called SITE-1, SITE-2 and so on; `--nodes` says how many.
        """,
    ]
}
