import Membership
import MeshLab
import Model

// What the mesh does on virtual time, at a loss and for a length of time: figures for tuning, in
// seconds of real time instead of hours. See bin/rehearse-mesh.

do throws(Rehearsal.Mistake) {
    var rehearsal = Rehearsal(try Rehearsal.Options(CommandLine.arguments.dropFirst()))
    rehearsal.start()
    rehearsal.hold()
    rehearsal.publish()
    rehearsal.split()
    rehearsal.kill()
} catch {
    print(error.text)
}
