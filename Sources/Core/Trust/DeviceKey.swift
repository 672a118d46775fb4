import Crypto

/// How a device key is called: the SHA-256 of its DER SubjectPublicKeyInfo in hexadecimal.
package func digest(ofDeviceKey key: [UInt8]) -> String {
    SHA256.hash(data: key).map { byte in
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }.joined()
}
