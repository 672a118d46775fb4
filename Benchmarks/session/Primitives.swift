import Crypto
import Foundation

/// Ways to seal and open 16 KiB and 64 bytes with swift-crypto, to tell what a call costs apart
/// from the cipher.
struct Primitives {
    let rounds: Int

    func run() throws {
        for size in [64, 1024, 16_384, 65_536] {
            try compare(size)
        }
        try exchange()
    }

    private func compare(_ size: Int) throws {
        let key = SymmetricKey(size: .bits256)
        let small = SymmetricKey(size: .bits128)
        let array = [UInt8](repeating: 7, count: size)
        let data = Data(array)
        let header = [UInt8](repeating: 1, count: 16)
        let headerData = Data(header)
        let nonceBytes = [UInt8](repeating: 2, count: 12)
        let nonce = try AES.GCM.Nonce(data: nonceBytes)
        let box = try AES.GCM.seal(array, using: key, nonce: nonce, authenticating: header)
        let smallBox = try AES.GCM.seal(array, using: small, nonce: nonce, authenticating: header)
        let (cipherData, tagData) = (Data(box.ciphertext), Data(box.tag))
        let (cipherArray, tagArray) = (Array(box.ciphertext), Array(box.tag))
        let combinedArray = Array(box.combined ?? Data())
        let combinedData = Data(combinedArray)
        var out: [UInt8] = []
        out.reserveCapacity(size + 64)
        var contenders = [
            Contender("nonce from an array") { _ = try AES.GCM.Nonce(data: nonceBytes) },
            Contender("seal: array, header array") {
                _ = try AES.GCM.seal(array, using: key, nonce: nonce, authenticating: header)
            },
            Contender("seal: array, header array, AES-128") {
                _ = try AES.GCM.seal(array, using: small, nonce: nonce, authenticating: header)
            },
            Contender("open: AES-128") {
                _ = try AES.GCM.open(smallBox, using: small, authenticating: header)
            },
            Contender("seal: data, header data") {
                _ = try AES.GCM.seal(data, using: key, nonce: nonce, authenticating: headerData)
            },
            Contender("seal: slice, header slice") {
                _ = try AES.GCM.seal(
                    array[...], using: key, nonce: nonce, authenticating: header[...])
            },
            Contender("seal: raw buffers") {
                _ = try array.withUnsafeBytes { text in
                    try header.withUnsafeBytes {
                        try AES.GCM.seal(text, using: key, nonce: nonce, authenticating: $0)
                    }
                }
            },
            Contender("seal: no header") { _ = try AES.GCM.seal(array, using: key, nonce: nonce) },
            Contender("take: ciphertext and tag appended to an array") {
                out.removeAll(keepingCapacity: true)
                out += box.ciphertext
                out += box.tag
            },
            Contender("take: combined appended to an array") {
                out.removeAll(keepingCapacity: true)
                out += box.combined ?? Data()
            },
            Contender("box: arrays") {
                _ = try AES.GCM.SealedBox(nonce: nonce, ciphertext: cipherArray, tag: tagArray)
            },
            Contender("box: slices") {
                _ = try AES.GCM.SealedBox(
                    nonce: nonce, ciphertext: cipherArray[...], tag: tagArray[...])
            },
            Contender("box: raw buffers") {
                _ = try cipherArray.withUnsafeBytes { text in
                    try tagArray.withUnsafeBytes {
                        try AES.GCM.SealedBox(nonce: nonce, ciphertext: text, tag: $0)
                    }
                }
            },
            Contender("box: data") {
                _ = try AES.GCM.SealedBox(nonce: nonce, ciphertext: cipherData, tag: tagData)
            },
            Contender("box: combined array") {
                _ = try AES.GCM.SealedBox(combined: combinedArray)
            },
            Contender("box: combined slice") {
                _ = try AES.GCM.SealedBox(combined: combinedArray[...])
            },
            Contender("box: combined raw buffer") {
                _ = try combinedArray.withUnsafeBytes { try AES.GCM.SealedBox(combined: $0) }
            },
            Contender("box: combined data") {
                _ = try AES.GCM.SealedBox(combined: combinedData)
            },
            Contender("open: header array") {
                _ = try AES.GCM.open(box, using: key, authenticating: header)
            },
            Contender("open: header data") {
                _ = try AES.GCM.open(box, using: key, authenticating: headerData)
            },
            Contender("take: opened data to an array") { out = Array(cipherData) },
            Contender("key of 32 bytes made") { _ = SymmetricKey(data: header + header) },
        ]
        try takeTurns(&contenders, rounds: rounds, times: 2000)
        print("AES-256-GCM, \(size) bytes:")
        for contender in contenders {
            print("  \(padded(contender.name, 46)) \(text(contender.median, 2)) us")
        }
    }

    private func exchange() throws {
        let seed = [UInt8](repeating: 3, count: 32)
        let own = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed)
        let other = Curve25519.KeyAgreement.PrivateKey()
        let bytes = other.publicKey.rawRepresentation
        let shared = try own.sharedSecretFromKeyAgreement(with: other.publicKey)
        let key = SymmetricKey(size: .bits256)
        let ready = HMAC<SHA256>(key: key)
        var contenders = [
            Contender("X25519 key from entropy") {
                _ = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: seed)
            },
            Contender("its public half") { _ = own.publicKey.rawRepresentation },
            Contender("X25519 exchange") {
                _ = try own.sharedSecretFromKeyAgreement(
                    with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes))
            },
            Contender("HKDF, 136 bytes") {
                _ = shared.hkdfDerivedSymmetricKey(
                    using: SHA256.self, salt: seed, sharedInfo: seed, outputByteCount: 136)
            },
            Contender("HMAC of 60 bytes") {
                _ = HMAC<SHA256>.authenticationCode(for: seed + seed, using: key)
            },
            Contender("the same, with a key made ready before") {
                var mac = ready
                mac.update(data: seed + seed)
                _ = mac.finalize()
            },
            Contender("HKDF, 96 bytes") {
                _ = shared.hkdfDerivedSymmetricKey(
                    using: SHA256.self, salt: seed, sharedInfo: seed, outputByteCount: 96)
            },
        ]
        try takeTurns(&contenders, rounds: rounds, times: 500)
        print("parts of a handshake:")
        for contender in contenders {
            print("  \(padded(contender.name, 46)) \(text(contender.median, 2)) us")
        }
    }
}
