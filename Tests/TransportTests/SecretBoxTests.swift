import Testing
import Transport

@Suite struct SecretBoxTests {
    @Test func `what is sealed for a node opens there, under its name, and nowhere else`() throws {
        let key = SecretsKey()
        let text = Array("hunter2".utf8)
        let box = try SecretsKey.seal(text, as: "database 1", for: key.publicKey)
        #expect(try key.open(box, as: "database 1") == text)
        #expect(try SecretsKey(bytes: key.bytes).open(box, as: "database 1") == text)
        #expect(throws: CredentialError.self) { try key.open(box, as: "database 2") }
        #expect(throws: CredentialError.self) { try SecretsKey().open(box, as: "database 1") }
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(throws: CredentialError.self) { try key.open(changed, as: "database 1") }
        }
        for count in [0, 16, 32, 33] {
            #expect(throws: CredentialError.self) {
                try key.open(Array(box.prefix(count)), as: "database 1")
            }
        }
    }

    @Test func `two seals of one value are two boxes`() throws {
        let key = SecretsKey()
        let boxes = try (0..<2).map { _ in
            try SecretsKey.seal([1, 2, 3], as: "x", for: key.publicKey)
        }
        #expect(boxes[0] != boxes[1])
    }
}
