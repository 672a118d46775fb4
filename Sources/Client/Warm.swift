import AsyncHTTPClient
enum Warm {}
