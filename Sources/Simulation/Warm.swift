enum Warm {}
