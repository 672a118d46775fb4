/// The route optimiser as a workload named `name`; the node picks the port.
func routes(_ name: String, port: Int? = nil) -> String {
    """
    apiVersion: skerry.dev/v1
    kind: Workload
    metadata: {name: \(name)}
    spec:
      tier: 1
      replicas: perNode
      stopGrace: 2s
      containers:
        - name: server
          command: [route-optimizer]
          ports: [{name: http\(port.map { ", port: \($0)" } ?? "")}]
          probes:
            readiness: {http: {port: http, path: /readyz}, period: 1s}
    """
}

/// A workload of one process that does nothing for `seconds`, by which it is known.
func sleeper(_ name: String, seconds: Int) -> String {
    """
    apiVersion: skerry.dev/v1
    kind: Workload
    metadata: {name: \(name)}
    spec:
      tier: 1
      replicas: perNode
      stopGrace: 1s
      containers: [{name: main, command: [sleep, "\(seconds)"]}]
    """
}
