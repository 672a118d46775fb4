import Foundation

// What the audit log costs: records chained and made durable beside plain inserts, records verified, and
// what a warm request to a hub pays for being authorised and audited. Ends with 1 where a goal is missed.

let directory = NSTemporaryDirectory() + "/skerry-audit-bench-\(UInt32.random(in: 0 ... .max))"
try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
var missed = false
do {
    missed = try await measureLog(in: directory + "/log") || missed
    missed = try await measureRequests(in: directory + "/hub") || missed
    try FileManager.default.removeItem(atPath: directory)
} catch {
    try FileManager.default.removeItem(atPath: directory)
    throw error
}
exit(missed ? 1 : 0)
