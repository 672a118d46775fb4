import Glibc
import Membership
import MeshLab
import Model

// What the mesh does on virtual time, at a loss and for a length of time: figures for tuning, in
// seconds of real time instead of hours. See bin/rehearse-mesh.

do throws(Rehearsal.Mistake) {
    let options = try Rehearsal.Options(CommandLine.arguments.dropFirst())
    if options.fuzz > 0 {
        try Rehearsal.fuzz(options)
    } else if options.starts > 0 {
        Rehearsal.starts(options)
    } else {
        var rehearsal = Rehearsal(options)
        rehearsal.start()
        rehearsal.hold()
        rehearsal.publish()
        rehearsal.split()
        rehearsal.kill()
    }
} catch {
    print(error.text)
    exit(1)
}
