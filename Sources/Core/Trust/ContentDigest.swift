import Crypto
import Model

/// SHA-256 in hexadecimal: the name of content that travels between nodes.
package func contentDigest(of bytes: [UInt8]) -> String {
    hexadecimal(SHA256.hash(data: bytes))
}
