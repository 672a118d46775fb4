import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import X509
import Crypto
enum Warm {}
