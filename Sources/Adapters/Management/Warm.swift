import Hummingbird
import HummingbirdTLS
enum Warm {}
