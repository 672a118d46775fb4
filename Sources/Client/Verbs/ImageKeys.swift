import Foundation
import Model
import Trust

/// Makes a key that signs images, and its public half beside it.
package struct ImageKeyCreation: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    package func run(on console: Console) throws {
        let key = try PolicyFiles.newKey(ImageSeal.role, at: path)
        try console.say(visible(hexadecimal(key.publicKey)))
        try console.remark(
            "\(path) signs images: keep it where they are built. Rules name it by what is shown: "
                + "resource.signers.contains(\"…\")")
    }
}

/// Signs an image, for the manifests that name it.
package struct ImageSigning: Sendable {
    private let image: String
    private let key: String

    package init(_ image: String, key: String) {
        self.image = image
        self.key = key
    }

    package func run(on console: Console) throws {
        do {
            let signature = try ImageSeal.sign(image, with: try PolicyFiles.secretKey(key))
            try console.say(visible(signature.description))
            try console.remark("write it into the container: signatures: [\"…\"]")
        } catch let fault as ImageSealFault {
            throw Failure(.usage, "\(fault)")
        }
    }
}
