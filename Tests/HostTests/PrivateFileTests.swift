import Foundation
import Glibc
import Host
import Testing

@Suite struct PrivateFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require(attributes[.posixPermissions] as? Int)
    }

    @Test func `a file is replaced whole and only its owner may read it`() throws {
        let path = scratch.path + "/key"
        try PrivateFile.write("first and longer", to: path)
        try PrivateFile.write("second", to: path)

        #expect(try PrivateFile.read(path) == "second")
        #expect(try mode(path) == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["key"])
    }

    @Test func `what an interrupted write left is written over`() throws {
        let path = scratch.path + "/key"
        _ = try scratch.file("key.new", holding: "half of a much longer text")
        try PrivateFile.write("whole", to: path)
        #expect(try PrivateFile.read(path) == "whole")
    }

    @Test func `a missing file is nil, and anything but a text file is refused`() throws {
        #expect(try PrivateFile.read(scratch.path + "/none") == nil)
        #expect(throws: HostError.file(scratch.path, doing: "read", "it is not a file")) {
            try PrivateFile.read(scratch.path)
        }
        #expect(throws: HostError.file("/dev/zero", doing: "read", "it is not a file")) {
            try PrivateFile.read("/dev/zero")
        }
        let pipe = scratch.path + "/pipe"
        try #require(mkfifo(pipe, 0o600) == 0)
        #expect(throws: HostError.self) { try PrivateFile.read(pipe) }
        let garbage = scratch.path + "/garbage"
        try Data([0x61, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: garbage))
        #expect(throws: HostError.file(garbage, doing: "read", "it is not UTF-8 text")) {
            try PrivateFile.read(garbage)
        }
    }

    @Test func `directories are made down to the last, for their owner only`() throws {
        let path = scratch.path + "/a/b/c"
        try PrivateFile.makeDirectory(path)
        try PrivateFile.makeDirectory(path)
        #expect(try mode(path) == 0o700)
    }

    @Test func `a file where a directory should be is named`() throws {
        let file = try scratch.file("taken", holding: "")
        #expect(
            throws: HostError.file(
                file + "/a", doing: "create", "\(file) is not a directory")
        ) {
            try PrivateFile.makeDirectory(file + "/a")
        }
    }
}
