import Foundation

/// Copies the store of a process that does not run, as it lies there.
package func copyStore(of state: String, to copy: String) throws(StoreError) {
    let directory = try StateDirectory(state)
    defer { directory.unlock() }
    for file in [directory.store, directory.log] where directory.size(of: file) > 0 {
        do {
            try FileManager.default.copyItem(
                atPath: file, toPath: copy + "/" + (file as NSString).lastPathComponent)
        } catch {
            throw .disk(doing: "copying \(file)", reason: error.localizedDescription)
        }
    }
}
