import GRDB
enum Warm {}
