import DMSClient
import TestSupport

extension SchedulerProcess {
    /// A client of its binary door, as an operator.
    func client() -> DMSClient {
        DMSClient(
            address: .tcp(host: "127.0.0.1", port: rpcPort),
            options: ClientOptions(operatorToken: SchedulerProcess.token, deadline: .seconds(30)))
    }
}
