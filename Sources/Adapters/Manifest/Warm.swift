import Yams
enum Warm {}
